//! Signals that ask a run to end: SIGINT (Ctrl-C), SIGTERM (a service manager, a CI system), SIGHUP (a terminal that is gone).
//! The first of them ends the run in good order, the second kills it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use bridgelab_harness::lab::TOGETHER;
use bridgelab_harness::report::{Cancelled, RunReport, exit_code};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// Longest time between two signals that count as one request: timeout(1) sends its own to the program and to its process
/// group, and systemd sends a SIGHUP right after the SIGTERM.
const ONE_WISH: Duration = Duration::from_millis(300);

/// Function that a signal calls before any run has begun; it ends the process.
pub(crate) type Unbegun = Box<dyn FnOnce(Cancelled) + Send>;

/// Ends the process on a signal that comes before the command line was understood.
pub(crate) fn before_anything(by: Cancelled) {
    let _ = writeln!(anstream::stderr(), "{by} before anything had begun");
    std::process::exit(by.exit_code());
}

/// Listens for signals from the moment it is made until the end of the process.
pub(crate) struct Signals {
    shared: Arc<Shared>,
}

struct Shared {
    /// Number of requests to end.
    wishes: watch::Sender<u32>,
    first: Mutex<Option<Cancelled>>,
    /// Notified when the first signal has come.
    came: Condvar,
    unbegun: Mutex<Option<Unbegun>>,
    /// Whether signals are only counted by now.
    begun: AtomicBool,
}

impl Signals {
    /// Listens from now on. Until [`begin`](Self::begin) a signal calls `unbegun`, also while this thread does something that
    /// takes minutes, such as building an image.
    ///
    /// # Errors
    /// The exit code, where listening is not possible; the error is printed.
    pub(crate) fn listen(unbegun: Unbegun) -> Result<Self, i32> {
        Self::try_listen(unbegun).map_err(|error| {
            let _ = writeln!(anstream::stderr(), "error: listen for signals: {error}");
            exit_code::BROKEN
        })
    }

    fn try_listen(unbegun: Unbegun) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            wishes: watch::channel(0).0,
            first: Mutex::default(),
            came: Condvar::new(),
            unbegun: Mutex::new(Some(unbegun)),
            begun: AtomicBool::new(false),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let for_thread = Arc::clone(&shared);
        let (ready, listens) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(for_thread.hear(&ready)))?;
        listens.recv().unwrap_or(Ok(()))?;
        Ok(Self { shared })
    }

    /// Changes what a signal calls before any run has begun.
    pub(crate) fn until_begun(&self, unbegun: Unbegun) {
        // Too late if a signal has already called the former function.
        if let Some(before) = lock(&self.shared.unbegun).as_mut() {
            *before = unbegun;
        }
    }

    /// Only counts signals from now on, for runs that end themselves in good order.
    pub(crate) fn begin(&self) {
        self.shared.begun.store(true, Ordering::SeqCst);
        lock(&self.shared.unbegun).take();
    }

    /// The number of requests to end, as it changes.
    pub(crate) fn wishes(&self) -> watch::Receiver<u32> {
        self.shared.wishes.subscribe()
    }

    /// A sender with which others can request the end.
    pub(crate) fn wisher(&self) -> watch::Sender<u32> {
        self.shared.wishes.clone()
    }

    /// The first signal that came; `None`: something else asked for the end.
    pub(crate) fn first(&self) -> Option<Cancelled> {
        *lock(&self.shared.first)
    }

    /// The first signal, also one that comes within [`TOGETHER`]. Somebody who ends a group of processes signals them one
    /// after another, so another process may have ended by its signal before this one gets its own. Ask this about an ending
    /// that a signal may explain.
    pub(crate) fn settled(&self) -> Option<Cancelled> {
        let first = lock(&self.shared.first);
        let none = |first: &mut Option<Cancelled>| first.is_none();
        let waited = self.shared.came.wait_timeout_while(first, TOGETHER, none);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Never returns if a signal has come before any run has begun, or comes within [`TOGETHER`]: the function that it calls
    /// ends this process. Where signals are only counted, whoever counts them ends.
    pub(crate) fn settle_unbegun(&self) {
        while !self.shared.begun.load(Ordering::SeqCst) && self.settled().is_some() {
            std::thread::park();
        }
    }

    /// Says in the report of a cancelled run what cancelled it.
    pub(crate) fn name(&self, report: &mut RunReport) {
        report.cancelled_by(self.first().unwrap_or(Cancelled::LetGo));
    }
}

/// Forgets what a signal was to do before the runs began: nobody wants those runs any more.
impl Drop for Signals {
    fn drop(&mut self) {
        self.begin();
    }
}

impl Shared {
    async fn hear(&self, ready: &std::sync::mpsc::Sender<io::Result<()>>) {
        let streams = || -> io::Result<_> {
            let interrupt = signal(SignalKind::interrupt())?;
            let terminate = signal(SignalKind::terminate())?;
            // nohup(1) has SIGHUP ignored, so it stays ignored.
            let hangup = match ignored(SignalKind::hangup()) {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            };
            Ok((interrupt, terminate, hangup))
        };
        let (mut interrupt, mut terminate, mut hangup) = match streams() {
            Ok(streams) => streams,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        let mut last: Option<Instant> = None;
        loop {
            let by = tokio::select! {
                Some(()) = interrupt.recv() => Cancelled::Interrupted,
                Some(()) = terminate.recv() => Cancelled::Terminated,
                Some(()) = async {
                    match &mut hangup {
                        Some(hangup) => hangup.recv().await,
                        None => std::future::pending().await,
                    }
                } => Cancelled::HungUp,
                else => return,
            };
            let now = Instant::now();
            let before = last.replace(now);
            if before.is_some_and(|before| now - before < ONE_WISH) {
                continue;
            }
            lock(&self.first).get_or_insert(by);
            self.came.notify_all();
            let unbegun = lock(&self.unbegun).take();
            match unbegun {
                Some(end) => end(by),
                None => self.wishes.send_modify(|count| *count += 1),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process was started with the signal ignored, by `SigIgn` of proc_pid_status(5).
fn ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) & (1 << (kind.as_raw_value() - 1)) != 0
}
