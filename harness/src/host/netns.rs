//! A machine of the lab: a network namespace with the thread that made it.
//!
//! A network namespace belongs to a thread, and tokio moves tasks between threads; so each machine has one
//! thread of its own, which unshares its network, mount and UTS namespaces and then serves a current-thread
//! runtime for ever. No other thread changes namespaces. See `docs/namespaces.md`.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::mount::MsFlags;
use nix::sched::{CloneFlags, setns, unshare};
use tokio::runtime::{self, Handle};
use tokio::sync::{OnceCell, oneshot};

use super::confine::{self, Background, Cell, NotRun};
use super::isolate::mount_at;
use super::netlink::Netlink;
use super::output::Printed;
use super::sys;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;

/// How long a machine's runtime may take to end before its blocking tasks are abandoned.
const GRACE: Duration = Duration::from_millis(500);

/// machine-id(5).
const MACHINE_ID: &str = "/etc/machine-id";

/// A machine's namespace could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetnsError {
    /// Creating it failed.
    #[error("make machine `{machine}`: {doing}")]
    Create {
        /// Machine.
        machine: String,
        /// Which step.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Its thread or a task in it died.
    #[error("run a task on machine `{machine}`: {why}")]
    Task {
        /// Machine.
        machine: String,
        /// Panic message or "its thread has ended".
        why: String,
    },
}

impl Diagnose for NetnsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Create { .. } => "host.netns-create",
            Self::Task { .. } => "host.netns-task",
        }
    }
}

/// What a machine's private file system looks like.
#[derive(Debug, Clone, Default)]
pub struct MachineRoot {
    /// Fresh tmpfs on these directories when they exist, `/run` for example.
    pub tmpfs: Vec<PathBuf>,
    /// Another `/etc/machine-id`, where there is one; it is kept in the private `/run`, which must be among `tmpfs`.
    pub machine_id: Option<String>,
}

/// A machine: namespace, thread, runtime and netlink connection. Dropping it ends them in that order.
#[derive(Debug)]
#[must_use = "a machine lives as long as this value"]
pub struct Netns {
    name: String,
    netlink: Option<Netlink>,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    namespace: Arc<OwnedFd>,
    /// The cell of a scenario's commands, from the first of them on.
    cell: OnceCell<Cell>,
}

impl Netns {
    /// Starts making a machine; several can be made at once. `ip netns add NAME && ip -n NAME link set lo up`.
    pub fn begin(name: &str, root: MachineRoot) -> BeginNetns {
        let (ready, made) = mpsc::sync_channel(1);
        let machine = name.to_owned();
        let spawned = std::thread::Builder::new()
            // The thread's name is what `bridgelab enter` finds it by.
            .name(format!("m:{name}"))
            .spawn(move || serve(&machine, &root, &ready));
        BeginNetns {
            name: name.to_owned(),
            spawned,
            made,
        }
    }

    /// Name of the machine.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verbs on its links, addresses and routes.
    pub fn netlink(&self) -> &Netlink {
        match &self.netlink {
            Some(netlink) => netlink,
            // `netlink` is only taken in `shut`, which consumes or drops the value.
            None => unreachable!("a machine that is shut is not used"),
        }
    }

    /// The namespace itself, for moving links into it.
    pub fn namespace(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.namespace)
    }

    /// Runs a task on the machine's thread: sockets it opens and processes it starts belong to the machine.
    ///
    /// # Errors
    /// [`NetnsError::Task`] when the task panics or the machine is being shut.
    pub async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, NetnsError> {
        self.runtime
            .spawn(task)
            .await
            .map_err(|e| NetnsError::Task {
                machine: self.name.clone(),
                why: e.to_string(),
            })
    }

    /// Starts a task on the machine's thread that goes on by itself.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.runtime.spawn(task)
    }

    /// Runs a command that a scenario brought, in the machine's cell: see [`super::confine`].
    pub(crate) async fn run_confined(
        &self,
        words: Vec<String>,
        by: Deadline,
    ) -> Result<Result<Printed, NotRun>, NetnsError> {
        let door = self.door().await?;
        self.run(async move { confine::run(door, &words, by).await })
            .await
    }

    /// As [`run_confined`](Self::run_confined), for a command that goes on in the background; `tell` is called when it
    /// ends by itself.
    pub(crate) async fn start_confined(
        &self,
        words: Vec<String>,
        by: Deadline,
        tell: impl FnOnce(&Printed) + Send + 'static,
    ) -> Result<Result<Background, NotRun>, NetnsError> {
        let door = self.door().await?;
        self.run(async move { Background::start(door, &words, by, tell).await })
            .await
    }

    /// A descriptor of the machine's cell, which is made when it is first asked for.
    async fn door(&self) -> Result<OwnedFd, NetnsError> {
        let made = self.cell.get_or_try_init(|| async {
            let made = self.run(Cell::make()).await?;
            made.map_err(|source| NetnsError::Create {
                machine: self.name.clone(),
                doing: "make the cell that commands of a scenario run in",
                source,
            })
        });
        made.await?.door().map_err(|source| NetnsError::Create {
            machine: self.name.clone(),
            doing: "find the cell that commands of a scenario run in",
            source,
        })
    }

    /// PID 1 of the machine's cell, as a number in the worker's PID namespace; `None` where no command ever ran in one.
    pub(crate) fn cell(&self) -> Option<u32> {
        self.cell.get().map(Cell::process)
    }

    /// Begins to end the machine, and does not wait: many machines then end at the same time.
    pub(crate) fn begin_to_end(&mut self) {
        // The netlink connection is a socket, and an open socket keeps its namespace alive.
        drop(self.netlink.take());
        drop(self.cell.take());
        drop(self.stop.take());
    }

    fn shut(&mut self) {
        self.begin_to_end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        self.shut();
    }
}

/// A machine that is being made.
#[derive(Debug)]
#[must_use = "call `finish`"]
pub struct BeginNetns {
    name: String,
    spawned: io::Result<JoinHandle<()>>,
    made: mpsc::Receiver<Result<Made, (&'static str, io::Error)>>,
}

#[derive(Debug)]
struct Made {
    namespace: Arc<OwnedFd>,
    runtime: Handle,
    netlink: Netlink,
    stop: oneshot::Sender<()>,
}

impl BeginNetns {
    /// Waits until the machine exists and its `lo` is up.
    ///
    /// # Errors
    /// [`NetnsError::Create`] with the step that failed.
    pub fn finish(self) -> Result<Netns, NetnsError> {
        let create = |doing, source| NetnsError::Create {
            machine: self.name.clone(),
            doing,
            source,
        };
        let thread = self.spawned.map_err(|e| create("start its thread", e))?;
        match self.made.recv() {
            Ok(Ok(made)) => Ok(Netns {
                name: self.name,
                netlink: Some(made.netlink),
                runtime: made.runtime,
                stop: Some(made.stop),
                thread: Some(thread),
                namespace: made.namespace,
                cell: OnceCell::new(),
            }),
            Ok(Err((doing, source))) => Err(create(doing, source)),
            Err(_) => Err(create("start its thread", io::Error::other("it panicked"))),
        }
    }
}

type Ready = mpsc::SyncSender<Result<Made, (&'static str, io::Error)>>;

/// Body of a machine's thread.
fn serve(name: &str, root: &MachineRoot, ready: &Ready) {
    let (stop, stopped) = oneshot::channel();
    match make(name, root) {
        Err(failed) => {
            let _ = ready.send(Err(failed));
        }
        Ok((namespace, runtime)) => {
            let netlink = runtime.block_on(async {
                let netlink = Netlink::connect(name)?;
                netlink.set_up("lo").await.map_err(io::Error::other)?;
                Ok::<_, io::Error>(netlink)
            });
            let made = netlink.map_err(|e| ("bring lo up", e)).map(|netlink| Made {
                namespace,
                runtime: runtime.handle().clone(),
                netlink,
                stop,
            });
            let failed = made.is_err();
            let _ = ready.send(made);
            if !failed {
                let _ = runtime.block_on(stopped);
            }
            runtime.shutdown_timeout(GRACE);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place that changes a thread's namespace"
)]
fn make(
    name: &str,
    root: &MachineRoot,
) -> Result<(Arc<OwnedFd>, runtime::Runtime), (&'static str, io::Error)> {
    let outside = sys::thread_namespace("net").map_err(|e| ("open the worker's namespace", e))?;
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
        .map_err(|e| ("unshare network, mount and UTS namespaces", e.into()))?;
    let namespace = sys::thread_namespace("net").map_err(|e| ("open its network namespace", e))?;
    if same_file(&outside, &namespace).map_err(|e| ("compare namespaces", e))? {
        return Err((
            "leave the worker's namespace",
            io::Error::other("it is still in it"),
        ));
    }
    nix::unistd::sethostname(name).map_err(|e| ("set its host name", e.into()))?;
    mounts(root).map_err(|e| ("mount its /sys and tmpfs", e))?;
    let namespace = Arc::new(namespace);
    let hook = Arc::clone(&namespace);
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        // A thread of the blocking pool is started by the thread that asks for it, and begins in that one's namespace.
        .on_thread_start(move || {
            if let Err(errno) = setns(hook.as_fd(), CloneFlags::CLONE_NEWNET) {
                tracing::error!(%errno, "a pool thread could not enter its machine; aborting it");
                std::process::abort();
            }
        })
        .build()
        .map_err(|e| ("build its runtime", e))?;
    Ok((namespace, runtime))
}

fn mounts(root: &MachineRoot) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    // `/sys/class/net` shows the namespace of the process that mounted it. This mount is read-only, the file system
    // behind it is not, so that networkd can have a mount of its own that it can write to.
    let sys = |flags| mount_at(Some("sysfs"), "/sys", Some("sysfs"), flags, None);
    let here = flags | MsFlags::MS_RDONLY;
    match sys(flags) {
        Ok(()) => {
            let here = here | MsFlags::MS_BIND | MsFlags::MS_REMOUNT;
            mount_at(None, "/sys", None, here, None).map_err(io::Error::other)?;
        }
        // Where `/sys` is read-only outside, the kernel refuses one that is not.
        Err(_) => sys(here).map_err(io::Error::other)?,
    }
    for place in root.tmpfs.iter().filter(|place| place.is_dir()) {
        let target = place.to_string_lossy();
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount_at(
            Some("tmpfs"),
            &target,
            Some("tmpfs"),
            flags,
            Some("mode=0755"),
        )
        .map_err(io::Error::other)?;
    }
    if let Some(id) = &root.machine_id
        && Path::new(MACHINE_ID).is_file()
        && root.tmpfs.iter().any(|place| place == Path::new("/run"))
    {
        let own = "/run/machine-id";
        std::fs::write(own, format!("{id}\n"))?;
        mount_at(Some(own), MACHINE_ID, None, MsFlags::MS_BIND, None).map_err(io::Error::other)?;
    }
    Ok(())
}

fn same_file(a: &OwnedFd, b: &OwnedFd) -> io::Result<bool> {
    let (a, b) = (nix::sys::stat::fstat(a)?, nix::sys::stat::fstat(b)?);
    Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

/// Writes a sysctl on the machine: `sysctl -w net.ipv4.ip_forward=1`.
///
/// Must run on the machine's thread; `/proc/sys/net` follows the calling thread.
pub(crate) fn write_sysctl(key: &str, value: &str) -> io::Result<()> {
    std::fs::write(sysctl_path(key), value)
}

/// Reads a sysctl on the machine.
pub(crate) fn read_sysctl(key: &str) -> io::Result<String> {
    Ok(std::fs::read_to_string(sysctl_path(key))?.trim().to_owned())
}

fn sysctl_path(key: &str) -> PathBuf {
    // `net.ipv4.conf.eth0/1.x`: sysctl(8) swaps dots and slashes, so that names with dots can be written.
    let swapped: String = key
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    Path::new("/proc/sys").join(swapped)
}
