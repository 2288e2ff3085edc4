//! A running call of the program under test, whose output is read as it comes.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::skip;

/// Longer than anything that these tests wait for; an emulated guest boots in less.
const PATIENCE: Duration = Duration::from_secs(300);

/// A call of the program.
pub struct Running {
    /// The process.
    pub child: Child,
    /// When it was started.
    pub begun: Instant,
    progress: Arc<Said>,
    stdout: Arc<Said>,
    readers: Vec<JoinHandle<()>>,
}

/// How the call ended, and what it printed.
pub struct Ended {
    /// Status, as from wait(2).
    pub status: ExitStatus,
    /// What it wrote to stderr.
    pub progress: String,
    /// What it wrote to stdout.
    pub stdout: String,
}

/// What was read of a pipe so far, and whether it has ended.
#[derive(Default)]
struct Said {
    bytes: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Said {
    fn read(self: &Arc<Self>, mut from: impl Read + Send + 'static) -> JoinHandle<()> {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16 << 10];
            // An error ends the output, too: what was read before it counts.
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                said.add(&buffer[..read], false);
            }
            said.add(&[], true);
        })
    }

    fn add(&self, bytes: &[u8], end: bool) {
        let mut said = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        said.0.extend_from_slice(bytes);
        said.1 |= end;
        self.more.notify_all();
    }

    fn text(&self) -> String {
        let said = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said.0).into_owned()
    }

    /// Waits until the output has `words`; `false`: it ended without them.
    fn holds(&self, words: &str) -> bool {
        let by = Instant::now() + PATIENCE;
        let found = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(words);
        let mut said = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if found(&said.0) {
                return true;
            }
            if said.1 {
                return false;
            }
            let left = by.saturating_duration_since(Instant::now());
            let so_far = String::from_utf8_lossy(&said.0).into_owned();
            assert!(!left.is_zero(), "waited for `{words}`: {so_far}");
            let waited = self.more.wait_timeout(said, left);
            said = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Running {
    /// Starts a command whose arguments are complete.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program under test starts");
        let (progress, stdout) = (Arc::<Said>::default(), Arc::<Said>::default());
        let readers = vec![
            progress.read(child.stderr.take().expect("piped")),
            stdout.read(child.stdout.take().expect("piped")),
        ];
        Self {
            child,
            begun: Instant::now(),
            progress,
            stdout,
            readers,
        }
    }

    /// Waits for words of its progress; `false`, said aloud, when the call ended before, because this host cannot run labs.
    pub fn reached(&mut self, words: &str) -> bool {
        if self.progress.holds(words) {
            return true;
        }
        let code = self.child.wait().expect("it ended").code();
        let said = self.progress.text();
        assert_eq!(code, Some(3), "it ended before `{words}`: {said}");
        skip("this host cannot run labs");
        false
    }

    /// Waits until this long after its start, or until its end.
    pub fn goes_on_until(&mut self, after: Duration) {
        while self.begun.elapsed() < after && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Sends the program itself a signal, `-TERM`.
    pub fn signal(&self, name: &str) {
        let killed = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(killed.expect("kill runs").success(), "kill {name}");
    }

    /// Whether the call ends within this time from its start.
    pub fn is_over_within(&mut self, limit: Duration) -> bool {
        loop {
            match self.child.try_wait().expect("it can be waited for") {
                Some(_) => return true,
                None if self.begun.elapsed() > limit => return false,
                None => std::thread::park_timeout(Duration::from_millis(10)),
            }
        }
    }

    /// Waits for the call's end, and reads the rest of its output.
    pub fn ends(mut self) -> Ended {
        let status = self.child.wait().expect("it can be waited for");
        for reader in self.readers {
            reader.join().expect("a reader");
        }
        Ended {
            status,
            progress: self.progress.text(),
            stdout: self.stdout.text(),
        }
    }
}

impl Ended {
    /// The exit code; `None`: a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended the call.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Everything that the call printed, progress first.
    pub fn told(&self) -> String {
        [self.progress.as_str(), &self.stdout].concat()
    }
}
