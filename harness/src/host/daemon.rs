//! What a lab keeps running: daemons, and the lab's own workers. When one of them ends that nobody stopped, it is
//! named, so that its end is never taken for a fault of the network.

use std::any::Any;
use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinHandle};

use super::end::End;
use super::service::{Log, Service, ServiceError};
use super::sys::ChildSetup;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;

/// Lines of a daemon's log that an error quotes; the whole log is in the evidence.
const LINES: usize = 5;

/// Everything that a lab keeps running on its machines. Nothing else can be started here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// dnsmasq(8).
    Dnsmasq,
    /// systemd-networkd(8).
    Networkd,
    /// The system bus that networkctl(1) reaches networkd by.
    Bus,
    /// The web server of [`http`](super::http).
    Http,
    /// The server of [`dns_faults`](super::dns_faults).
    DnsFaults,
    /// What writes down the frames of a link: [`capture`](super::capture).
    Capture,
    /// What follows the kernel's messages about links, addresses and routes: [`netlink_events`](super::netlink_events).
    Monitor,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Dnsmasq,
        Self::Networkd,
        Self::Bus,
        Self::Http,
        Self::DnsFaults,
        Self::Capture,
        Self::Monitor,
    ];

    /// Its name in errors; a program has its file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dnsmasq => "dnsmasq",
            Self::Networkd => "systemd-networkd",
            Self::Bus => "dbus-daemon",
            Self::Http => "web server",
            Self::DnsFaults => "DNS server that fails on purpose",
            Self::Capture => "capture",
            Self::Monitor => "ip monitor",
        }
    }
}

/// A daemon or worker ended, and no step had stopped it.
#[derive(Debug, thiserror::Error)]
#[error("keep the {} of machine `{machine}` running: no step had stopped it, and {how}", kept.name())]
pub struct DaemonEnded {
    /// Which.
    pub kept: Kept,
    /// Where.
    pub machine: String,
    how: String,
}

impl Diagnose for DaemonEnded {
    fn code(&self) -> &'static str {
        "host.daemon-ended"
    }

    fn help(&self) -> Option<String> {
        let step = match self.kept {
            Kept::Dnsmasq => "dnsmasq",
            Kept::Networkd => "networkd",
            Kept::Http => "http",
            Kept::Bus | Kept::DnsFaults | Kept::Capture | Kept::Monitor => return None,
        };
        Some(format!(
            "a scenario that means to do without it says so by a step: \
             `stop_daemon = {{ on = \"{}\", daemon = \"{step}\" }}`",
            self.machine
        ))
    }
}

/// Collects the ends of daemons and workers that nobody stopped.
#[derive(Debug, Clone)]
pub struct Keeper {
    tell: UnboundedSender<DaemonEnded>,
    told: Arc<Mutex<Option<UnboundedReceiver<DaemonEnded>>>>,
    processes: Arc<Mutex<Vec<Weak<Watched>>>>,
}

impl Default for Keeper {
    fn default() -> Self {
        let (tell, told) = unbounded_channel();
        Self {
            tell,
            told: Arc::new(Mutex::new(Some(told))),
            processes: Arc::default(),
        }
    }
}

/// A process that is kept.
#[derive(Debug)]
struct Watched {
    end: End,
    /// Whether its end is intended.
    meant: AtomicBool,
}

impl Keeper {
    /// The part of this keeper for what runs on `machine`.
    pub(crate) fn on(&self, machine: &str) -> MachineKeeper {
        MachineKeeper {
            keeper: self.clone(),
            machine: machine.to_owned(),
        }
    }

    /// Waits until a daemon or worker has ended that nobody stopped. One caller at a time is told; any other waits for
    /// ever.
    pub async fn ended(&self) -> DaemonEnded {
        let taken = self
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut back = GivenBack {
            keeper: self,
            taken,
        };
        let ended = match &mut back.taken {
            Some(told) => told.recv().await,
            None => None,
        };
        match ended {
            Some(ended) => ended,
            // This keeper holds a sender itself, so the channel is never closed: only a second caller comes here.
            None => std::future::pending().await,
        }
    }

    /// The first end by now that nobody intended, also one that is not reported yet: a verdict must not be given before
    /// that end is known.
    pub async fn ended_by_now(&self) -> Option<DaemonEnded> {
        let untold = {
            let mut processes = self
                .processes
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            processes.retain(|one| one.strong_count() > 0);
            let mut all = processes.iter().filter_map(Weak::upgrade);
            all.any(|one| !one.meant.load(Ordering::SeqCst) && one.end.is_here())
        };
        if untold {
            return Some(self.ended().await);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.as_mut()?.try_recv().ok()
    }
}

/// Puts the receiver back when its caller gives up waiting, so that another one can wait.
struct GivenBack<'a> {
    keeper: &'a Keeper,
    taken: Option<UnboundedReceiver<DaemonEnded>>,
}

impl Drop for GivenBack<'_> {
    fn drop(&mut self) {
        if let Some(told) = self.taken.take() {
            let mut place = self
                .keeper
                .told
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *place = Some(told);
        }
    }
}

/// A machine's part of a [`Keeper`].
#[derive(Debug, Clone)]
pub(crate) struct MachineKeeper {
    keeper: Keeper,
    machine: String,
}

impl MachineKeeper {
    /// Starts a daemon; stdout and stderr go to `log`. Its end is watched once it is ready.
    ///
    /// Must be called on the machine's thread: a child belongs to the namespaces of the thread that starts it.
    ///
    /// # Errors
    /// [`ServiceError::Start`].
    pub(crate) fn start(
        &self,
        kept: Kept,
        command: Command,
        log: Log,
    ) -> Result<Begun, ServiceError> {
        Ok(Begun {
            service: Service::start(kept.name(), command, ChildSetup::default(), log)?,
            kept,
            keeper: self.clone(),
        })
    }

    /// Runs one of the lab's own workers on the current runtime. It goes on until it is stopped or its machine ends;
    /// where it cannot go on, it returns why.
    pub(crate) fn work(
        &self,
        kept: Kept,
        work: impl Future<Output = io::Error> + Send + 'static,
    ) -> Worker {
        let keeper = self.clone();
        let work = tokio::spawn(work);
        let abort = work.abort_handle();
        let over = tokio::spawn(async move {
            let how = match work.await {
                Ok(error) => format!("it ended with `{error}`"),
                Err(ended) => match ended.try_into_panic() {
                    Ok(panic) => format!("it panicked: {}", words(&*panic)),
                    Err(_) => return,
                },
            };
            keeper.tell(kept, how);
        });
        Worker { abort, over }
    }

    fn keep(&self, kept: Kept, service: Service) -> Daemon {
        let watched = Arc::new(Watched {
            end: service.end(),
            meant: AtomicBool::new(false),
        });
        let all = &self.keeper.processes;
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::downgrade(&watched));
        let (keeper, seen) = (self.clone(), Arc::clone(&watched));
        tokio::spawn(async move {
            let how = match seen.end.clone().ended_error().await {
                ServiceError::Ended { status, tail, .. } if tail.is_empty() => {
                    format!("it ended with {status}, without a word")
                }
                ServiceError::Ended { status, tail, .. } => {
                    let lines: Vec<&str> = tail.lines().collect();
                    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
                    format!("it ended with {status}; its last words: {last}")
                }
                other => other.to_string(),
            };
            if !seen.meant.load(Ordering::SeqCst) {
                keeper.tell(kept, how);
            }
        });
        Daemon {
            meant: Meant(watched),
            service,
        }
    }

    fn tell(&self, kept: Kept, how: String) {
        let ended = DaemonEnded {
            kept,
            machine: self.machine.clone(),
            how,
        };
        // After the verdict there is no receiver any more.
        let _ = self.keeper.tell.send(ended);
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    literal.or(formatted).unwrap_or("without words")
}

/// A daemon that was started and is not ready yet. If it ends, the wait for its readiness ends with that error.
#[derive(Debug)]
#[must_use = "dropping it kills the process"]
pub(crate) struct Begun {
    service: Service,
    kept: Kept,
    keeper: MachineKeeper,
}

impl Begun {
    /// Waits until the daemon's log shows `sign`; from then on its end is watched.
    ///
    /// # Errors
    /// As [`Service::ready_when_log_shows`].
    pub(crate) async fn ready_when_log_shows(
        mut self,
        sign: &str,
        by: Deadline,
    ) -> Result<Daemon, ServiceError> {
        self.service.ready_when_log_shows(sign, by).await?;
        Ok(self.keeper.keep(self.kept, self.service))
    }

    /// Waits for `ready`; from then on the daemon's end is watched.
    ///
    /// # Errors
    /// As [`Service::ready_when`].
    pub(crate) async fn ready_when<T>(
        mut self,
        sign: &str,
        ready: impl Future<Output = T>,
        by: Deadline,
    ) -> Result<Daemon, ServiceError> {
        self.service.ready_when(sign, ready, by).await?;
        Ok(self.keeper.keep(self.kept, self.service))
    }
}

/// A daemon that runs until it is stopped.
#[derive(Debug)]
#[must_use = "dropping it kills the process"]
pub struct Daemon {
    // Dropped before the process, so that the end of the process counts as intended.
    meant: Meant,
    service: Service,
}

impl Daemon {
    /// Ends the daemon: SIGTERM, then SIGKILL after `grace`.
    ///
    /// # Errors
    /// When the process cannot be reaped.
    pub async fn stop(self, grace: Duration) -> io::Result<()> {
        let Self { meant, service } = self;
        drop(meant);
        service.stop(grace).await.map(drop)
    }

    /// Sends SIGHUP, which daemons take for the order to read their files again.
    ///
    /// # Errors
    /// When the daemon has ended.
    pub fn reload(&self) -> io::Result<()> {
        self.service.reload()
    }
}

/// Marks the end of a process as intended when it is dropped.
#[derive(Debug)]
struct Meant(Arc<Watched>);

impl Drop for Meant {
    fn drop(&mut self) {
        self.0.meant.store(true, Ordering::SeqCst);
    }
}

/// One of the lab's own workers. Dropping it lets it go on.
#[derive(Debug)]
pub(crate) struct Worker {
    abort: AbortHandle,
    over: JoinHandle<()>,
}

impl Worker {
    /// Ends the worker; what it held is free when this returns.
    pub(crate) async fn stop(self) {
        self.abort.abort();
        let _ = self.over.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, kill};

    fn keeper() -> (Keeper, MachineKeeper) {
        let keeper = Keeper::default();
        let on = keeper.on("router");
        (keeper, on)
    }

    /// A shell that says that it is ready, and waits.
    async fn daemon(on: &MachineKeeper, folder: &tempfile::TempDir) -> Daemon {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 100"]);
        let log = Log::new(folder.path().join("log"));
        let begun = on.start(Kept::Dnsmasq, command, log).expect("sh starts");
        let ready = begun.ready_when_log_shows("ready", Deadline::secs(10));
        ready.await.expect("it is ready")
    }

    #[tokio::test]
    async fn the_end_of_a_daemon_is_told_with_its_status_and_last_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keeper, on) = keeper();
        let daemon = daemon(&on, &folder).await;
        kill(daemon.meant.0.end.pid(), Signal::SIGKILL).expect("it runs");
        let ended = keeper.ended().await;
        assert_eq!(
            (ended.kept, ended.machine.as_str()),
            (Kept::Dnsmasq, "router")
        );
        let told = ended.to_string();
        for word in [
            "dnsmasq of machine `router`",
            "SIGKILL",
            "last words: ready",
        ] {
            assert!(told.contains(word), "{told}");
        }
        let help = ended.help().expect("how to mean it");
        assert!(help.contains("stop_daemon = { on = \"router\""), "{help}");
    }

    /// A verdict may be due between the end of a daemon and the report of it.
    #[tokio::test]
    async fn an_end_that_is_not_told_yet_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keeper, on) = keeper();
        let daemon = daemon(&on, &folder).await;
        assert!(keeper.ended_by_now().await.is_none(), "it runs");
        let end = daemon.meant.0.end.clone();
        kill(end.pid(), Signal::SIGKILL).expect("it runs");
        // No task of this runtime runs during this loop, so the task that waits for the end cannot have seen it.
        while !end.is_here() {
            std::thread::yield_now();
        }
        assert!(!end.has_come());
        let ended = keeper.ended_by_now().await.expect("it has ended");
        assert_eq!(ended.kept, Kept::Dnsmasq);
    }

    #[tokio::test]
    async fn an_end_that_is_meant_is_not_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keeper, on) = keeper();
        let (stopped, dropped) = (daemon(&on, &folder).await, daemon(&on, &folder).await);
        let ends = [&stopped, &dropped].map(|one| one.meant.0.end.clone());
        let grace = Duration::from_secs(10);
        stopped.stop(grace).await.expect("it ends");
        drop(dropped);
        for mut end in ends {
            end.ended_error().await;
        }
        assert!(keeper.ended_by_now().await.is_none());
        let worker = on.work(Kept::Http, std::future::pending());
        worker.stop().await;
        assert!(keeper.ended_by_now().await.is_none());
    }

    #[tokio::test]
    async fn a_worker_that_ends_or_panics_is_told() {
        let (keeper, on) = keeper();
        on.work(Kept::Capture, async { io::Error::other("no more frames") });
        let told = keeper.ended().await.to_string();
        assert!(told.contains("the capture of machine `router`"), "{told}");
        assert!(told.contains("`no more frames`"), "{told}");
        on.work(Kept::Http, async { panic!("no page {}", 7) });
        let told = keeper.ended().await.to_string();
        assert!(told.contains("it panicked: no page 7"), "{told}");
    }
}
