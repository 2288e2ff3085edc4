//! What asks a run to end: SIGINT (Ctrl-C), SIGTERM (a service manager, a CI system), SIGHUP (a terminal that is gone).
//! All three end it in good order, and the second of them kills it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bridgelab_harness::report::{Cancelled, RunReport};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// Signals that come closer together are one wish: timeout(1) sends its own to the program and to its process group,
/// and systemd a SIGHUP right after the SIGTERM.
const ONE_WISH: Duration = Duration::from_millis(300);

/// What is done when a signal comes before any run has begun; it ends the process.
pub(crate) type Unbegun = Box<dyn FnOnce(Cancelled) + Send>;

/// Listens from its making until the end of the process.
pub(crate) struct Signals {
    shared: Arc<Shared>,
}

struct Shared {
    /// Counts wishes to end.
    wishes: watch::Sender<u32>,
    first: Mutex<Option<Cancelled>>,
    unbegun: Mutex<Option<Unbegun>>,
}

impl Signals {
    /// Listens from now on. Until [`begin`](Self::begin) a signal does what `unbegun` says, also while this thread is in
    /// the midst of something that takes minutes, as building an image does.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn listen(unbegun: Unbegun) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            wishes: watch::channel(0).0,
            first: Mutex::default(),
            unbegun: Mutex::new(Some(unbegun)),
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

    /// From now on signals are counted, for runs that end in good order by themselves.
    pub(crate) fn begin(&self) {
        lock(&self.shared.unbegun).take();
    }

    /// The count of wishes to end.
    pub(crate) fn wishes(&self) -> watch::Receiver<u32> {
        self.shared.wishes.subscribe()
    }

    /// Where somebody else may wish it.
    pub(crate) fn wisher(&self) -> watch::Sender<u32> {
        self.shared.wishes.clone()
    }

    /// The first signal that came; `None` where it was no signal.
    pub(crate) fn first(&self) -> Option<Cancelled> {
        *lock(&self.shared.first)
    }

    /// Says in the report of a cancelled run by what.
    pub(crate) fn name(&self, report: &mut RunReport) {
        report.cancelled_by(self.first().unwrap_or(Cancelled::LetGo));
    }
}

impl Shared {
    async fn hear(&self, ready: &std::sync::mpsc::Sender<io::Result<()>>) {
        let streams = || -> io::Result<_> {
            let interrupt = signal(SignalKind::interrupt())?;
            let terminate = signal(SignalKind::terminate())?;
            // nohup(1) has it ignored, and means that.
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

/// Whether this process was started with the signal ignored: `SigIgn` of proc_pid_status(5).
fn ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) & (1 << (kind.as_raw_value() - 1)) != 0
}
