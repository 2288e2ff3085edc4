//! The host's systemd-networkd, reading unmodified unit files in a namespace.
//!
//! What it needs to behave there was found by trying: a `/run` of its own with `systemd/netif` owned by its user, a system
//! bus if `networkctl` shall be able to ask it, and an answer about udev. A read-only `/sys` means that there is none
//! (`udev_available()`), and then a link is configured as soon as it is enumerated: before networkd has read what addresses,
//! routes and rules there are, so that a second start leaves those in place which are in no unit file and which a booted
//! system's networkd removes. A writable one means that udev runs, and a link is `pending` until udev's database has it. So
//! networkd has a writable `/sys` of its own and a database with a record of every link. systemd.network(5),
//! systemd-networkd.service(8).

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::mount::MsFlags;
use nix::unistd::User;
use tokio::net::UnixDatagram;

use super::daemon::{Daemon, Kept, MachineKeeper};
use super::isolate::mount_at;
use super::service::{Log, ServiceError};
use crate::deadline::Deadline;
use crate::scenario::{NETWORKD_CONF, UnitFile};

/// Where distributions keep systemd's daemons; they are not on `PATH`. `$BRIDGELAB_SYSTEMD` comes first, for
/// systems that keep them elsewhere.
const FOLDERS: [&str; 2] = ["/usr/lib/systemd", "/lib/systemd"];

/// Directories of the machine that get a tmpfs of their own where networkd runs: its runtime state, and the
/// real host's configuration, which must not leak in.
pub(crate) const PRIVATE: [&str; 3] = [
    "/run",
    "/etc/systemd/network",
    "/etc/systemd/networkd.conf.d",
];

/// The real host's configuration file, which is covered by an empty one.
const HOST_CONF: &str = "/etc/systemd/networkd.conf";

/// Where udev keeps what it knows of devices; the file of a link is `nINDEX`.
const UDEV_DATA: &str = "/run/udev/data";

/// Links that udev's database has a record of, by their index, which no link of a machine has twice. A link with a
/// higher index would stay `pending`.
const LINKS: u32 = 4096;

/// The shell line that becomes networkd, with a `/sys` that it alone can write to: other processes of the machine keep
/// their mounts. Where the host computer has `/sys` read-only, as in a container, the kernel refuses, and networkd
/// finds no udev.
const WITH_SYS: &str = "mount -o remount,bind,rw /sys 2>/dev/null; exec \"$0\"";

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
    /// `None` while the daemon is stopped; its bus goes on.
    daemon: Option<Daemon>,
    bus: Option<Daemon>,
    /// Whether networkd finds udev.
    udev: bool,
    keeper: MachineKeeper,
    run_dir: PathBuf,
    logs: PathBuf,
}

impl Networkd {
    /// Installs `units`, starts the daemon and waits until it says `READY=1` (sd_notify(3)).
    ///
    /// Must run on the machine's thread. `udev`: whether it shall find a udev that knows every link. `run_dir` is a private
    /// directory for the notification socket, `logs` the directory for `networkd.log` and `dbus.log`.
    ///
    /// # Errors
    /// [`ServiceError`] with the daemon's last words.
    pub(crate) async fn start(
        keeper: MachineKeeper,
        units: Vec<UnitFile>,
        udev: bool,
        (run_dir, logs): (PathBuf, PathBuf),
        by: Deadline,
    ) -> Result<Self, ServiceError> {
        prepare(&units).map_err(unprepared)?;
        if udev {
            write_udev_data().map_err(unprepared)?;
        }
        let bus = start_bus(&keeper, &logs, by).await;
        let mut networkd = Self {
            daemon: None,
            bus,
            udev,
            keeper,
            run_dir,
            logs,
        };
        networkd.start_daemon(by).await?;
        Ok(networkd)
    }

    /// Starts the daemon, with the unit files that are there now; also again, after [`Networkd::stop_daemon`].
    ///
    /// Must run on the machine's thread.
    ///
    /// # Errors
    /// [`ServiceError`] with the daemon's last words.
    pub(crate) async fn start_daemon(&mut self, by: Deadline) -> Result<(), ServiceError> {
        let notify = listen(&self.run_dir.join("notify")).map_err(unprepared)?;
        let mut command = match self.udev {
            true => with_sys(),
            false => Command::new(daemon_path()),
        };
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

    /// Whether the daemon runs; [`Networkd::stop_daemon`] ends it.
    pub fn runs(&self) -> bool {
        self.daemon.is_some()
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
        let path = place(unit);
        // A drop-in's folder may not be there yet.
        let inside = path.parent().unwrap_or(folder);
        fs::create_dir_all(inside).map_err(at(inside))?;
        fs::write(&path, &unit.bytes).map_err(at(&path))?;
    }
    cover_host_conf()
}

/// Where the machine's networkd finds a file. Versions differ on where `networkd.conf` may be beside `/etc`, and agree
/// on the folder of its drop-ins, so the file becomes the first drop-in.
fn place(file: &UnitFile) -> PathBuf {
    let systemd = Path::new("/run/systemd");
    match file.name == NETWORKD_CONF {
        true => systemd.join("networkd.conf.d/00-networkd.conf"),
        false => systemd.join(file.below_systemd()),
    }
}

fn cover_host_conf() -> Result<(), (PathBuf, io::Error)> {
    let failed = |source| (PathBuf::from(HOST_CONF), source);
    if !Path::new(HOST_CONF).is_file() {
        return Ok(());
    }
    let empty = "/run/systemd/none.conf";
    fs::write(empty, "").map_err(failed)?;
    mount_at(Some(empty), HOST_CONF, None, MsFlags::MS_BIND, None)
        .map_err(|error| failed(io::Error::other(error)))
}

/// Writes a database in which udev has seen every link, and knows nothing of any: sd_device_get_is_initialized(3).
fn write_udev_data() -> Result<(), (PathBuf, io::Error)> {
    let folder = Path::new(UDEV_DATA);
    let failed = |source| (folder.to_owned(), source);
    fs::create_dir_all(folder).map_err(failed)?;
    let first = folder.join("n1");
    // The time when udev saw the link, in microseconds after the boot.
    fs::write(&first, "I:1\n").map_err(failed)?;
    for index in 2..=LINKS {
        fs::hard_link(&first, folder.join(format!("n{index}"))).map_err(failed)?;
    }
    Ok(())
}

/// The command of networkd with a `/sys` of its own, which no other process of the machine can write to.
fn with_sys() -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--propagation",
        "unchanged",
        "sh",
        "-c",
        WITH_SYS,
    ]);
    command.arg(daemon_path());
    command
}

/// The socket on which the daemon will say that it is ready.
fn listen(socket: &Path) -> Result<UnixDatagram, (PathBuf, io::Error)> {
    let failed = |source| (socket.to_owned(), source);
    match fs::remove_file(socket) {
        // An earlier start left it.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let bound = UnixDatagram::bind(socket).map_err(failed)?;
    // The daemon runs as its own user when it says READY=1.
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
