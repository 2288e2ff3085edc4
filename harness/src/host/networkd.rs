//! The host's systemd-networkd, reading unmodified unit files in a namespace.
//!
//! What it needs to behave there was found by trying: a read-only `/sys` (a writable one means "udev runs", and
//! every link stays `pending`), a `/run` of its own with `systemd/netif` owned by its user, and a system bus if
//! `networkctl` shall be able to ask it. systemd.network(5), systemd-networkd.service(8).

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::unistd::User;
use tokio::net::UnixDatagram;

use super::daemon::{Daemon, Kept, MachineKeeper};
use super::service::{Log, ServiceError};
use crate::deadline::Deadline;
use crate::scenario::UnitFile;

/// Where distributions keep systemd's daemons; they are not on `PATH`. `$BRIDGELAB_SYSTEMD` comes first, for
/// systems that keep them elsewhere.
const FOLDERS: [&str; 2] = ["/usr/lib/systemd", "/lib/systemd"];

/// Directories of the machine that get a tmpfs of their own where networkd runs: its runtime state, and the
/// real host's configuration, which must not leak in.
pub(crate) const PRIVATE: [&str; 2] = ["/run", "/etc/systemd/network"];

/// The daemon's log, in a machine's folder of the evidence.
pub(crate) const LOG: &str = "networkd.log";

/// Path of `systemd-networkd-wait-online` on this system.
pub fn wait_online_path() -> PathBuf {
    systemd("systemd-networkd-wait-online")
}

/// Path of `systemd-networkd` on this system.
pub fn daemon_path() -> PathBuf {
    systemd("systemd-networkd")
}

fn systemd(program: &str) -> PathBuf {
    let own = std::env::var_os("BRIDGELAB_SYSTEMD").map(PathBuf::from);
    let folders = own.into_iter().chain(FOLDERS.map(PathBuf::from));
    let mut places = folders.map(|folder| folder.join(program));
    places
        .find(|place| place.exists())
        .unwrap_or_else(|| Path::new(FOLDERS[0]).join(program))
}

/// networkd and, where there is a `dbus-daemon`, the bus that `networkctl` reaches it by.
#[derive(Debug)]
pub struct Networkd {
    /// `None` while it is stopped; its bus goes on.
    daemon: Option<Daemon>,
    bus: Option<Daemon>,
    keeper: MachineKeeper,
    run_dir: PathBuf,
    logs: PathBuf,
}

impl Networkd {
    /// Installs `units`, starts the daemon and waits until it says `READY=1` (sd_notify(3)).
    ///
    /// Must run on the machine's thread. `run_dir` is a private directory for the notification socket,
    /// `logs` the directory for `networkd.log` and `dbus.log`.
    ///
    /// # Errors
    /// [`ServiceError`] with the daemon's last words.
    pub(crate) async fn start(
        keeper: MachineKeeper,
        units: Vec<UnitFile>,
        run_dir: PathBuf,
        logs: PathBuf,
        by: Deadline,
    ) -> Result<Self, ServiceError> {
        prepare(&units).map_err(unprepared)?;
        let bus = start_bus(&keeper, &logs, by).await;
        let mut networkd = Self {
            daemon: None,
            bus,
            keeper,
            run_dir,
            logs,
        };
        networkd.start_daemon(by).await?;
        Ok(networkd)
    }

    /// Starts the daemon, after [`Networkd::stop_daemon`] once more: on the unit files that are there now.
    ///
    /// Must run on the machine's thread.
    ///
    /// # Errors
    /// [`ServiceError`] with the daemon's last words.
    pub(crate) async fn start_daemon(&mut self, by: Deadline) -> Result<(), ServiceError> {
        let notify = listen(&self.run_dir.join("notify")).map_err(unprepared)?;
        let mut command = Command::new(daemon_path());
        command
            .env("NOTIFY_SOCKET", self.run_dir.join("notify"))
            .env("SYSTEMD_LOG_TARGET", "console")
            .env("SYSTEMD_LOG_LEVEL", "debug");
        let log = Log::new(self.logs.join(LOG));
        let begun = self.keeper.start(Kept::Networkd, command, log)?;
        let told = async {
            let mut message = [0; 4096];
            while let Ok(len) = notify.recv(&mut message).await {
                if String::from_utf8_lossy(&message[..len])
                    .lines()
                    .any(|l| l == "READY=1")
                {
                    return;
                }
            }
        };
        let ready = begun.ready_when("READY=1 from sd_notify", told, by);
        self.daemon = Some(ready.await?);
        Ok(())
    }

    /// Ends the daemon alone, as `systemctl stop systemd-networkd` does: what it has set up stays.
    ///
    /// # Errors
    /// When the process cannot be reaped.
    pub async fn stop_daemon(&mut self, grace: Duration) -> io::Result<()> {
        match self.daemon.take() {
            Some(daemon) => daemon.stop(grace).await,
            None => Ok(()),
        }
    }

    /// Ends the daemon and its bus.
    ///
    /// # Errors
    /// When a process cannot be reaped.
    pub async fn stop(mut self, grace: Duration) -> io::Result<()> {
        self.stop_daemon(grace).await?;
        if let Some(bus) = self.bus {
            bus.stop(grace).await?;
        }
        Ok(())
    }
}

fn unprepared((path, source): (PathBuf, io::Error)) -> ServiceError {
    ServiceError::Prepare {
        name: "systemd-networkd".to_owned(),
        path,
        source,
    }
}

/// Fills the machine's private `/run`.
fn prepare(units: &[UnitFile]) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| (path, source)
    };
    let user = User::from_name("systemd-network").ok().flatten();
    for folder in ["netif", "netif/links", "netif/leases", "netif/lldp"] {
        let path = Path::new("/run/systemd").join(folder);
        fs::create_dir_all(&path).map_err(at(&path))?;
        if let Some(user) = &user {
            chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(at(&path))?;
        }
    }
    let folder = Path::new("/run/systemd/network");
    fs::create_dir_all(folder).map_err(at(folder))?;
    for unit in units {
        let path = folder.join(&unit.name);
        // A drop-in has a folder of its own.
        let inside = path.parent().unwrap_or(folder);
        fs::create_dir_all(inside).map_err(at(inside))?;
        fs::write(&path, &unit.bytes).map_err(at(&path))?;
    }
    Ok(())
}

/// The socket on which the daemon will say that it is ready.
fn listen(socket: &Path) -> Result<UnixDatagram, (PathBuf, io::Error)> {
    let failed = |source| (socket.to_owned(), source);
    match fs::remove_file(socket) {
        // Of an earlier start.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let bound = UnixDatagram::bind(socket).map_err(failed)?;
    // The daemon has changed to its own user when it says READY=1.
    fs::set_permissions(socket, fs::Permissions::from_mode(0o777)).map_err(failed)?;
    Ok(bound)
}

/// A system bus in the machine's `/run`. networkd works without one; only `networkctl` does not.
async fn start_bus(keeper: &MachineKeeper, logs: &Path, by: Deadline) -> Option<Daemon> {
    fs::create_dir_all("/run/dbus").ok()?;
    let mut command = Command::new("dbus-daemon");
    command.args([
        "--system",
        "--nofork",
        "--nopidfile",
        "--nosyslog",
        "--print-address=1",
    ]);
    let log = Log::new(logs.join("dbus.log"));
    let started = async {
        let begun = keeper.start(Kept::Bus, command, log)?;
        begun.ready_when_log_shows("unix:path=", by).await
    };
    match started.await {
        Ok(bus) => Some(bus),
        Err(error) => {
            tracing::info!(%error, "no system bus in the lab, networkctl cannot be asked");
            None
        }
    }
}
