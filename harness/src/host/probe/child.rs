//! Inside the throw-away child: namespaces first, then one use of each feature.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{getegid, geteuid};

use super::{Attempt, ProbeReport, links};
use crate::host::capability::Capability;
use crate::host::die_with_parent;
use crate::host::doctor_sys::{make_tap, open_tun};
use crate::host::tool::{Tool, locate};

/// Said by the child when it has a user namespace and waits for its id map.
pub(super) const UNSHARED: &str = "unshared";
/// The step that needs a root directory which is a mount point.
pub(super) const MOUNTS_PRIVATE: &str = "make the mounts private";
/// Answer of the parent: the full map has been written.
pub(super) const MAPPED: &str = "mapped";

/// Body of the hidden probe process: tries everything, writes a [`ProbeReport`] as one JSON line to its standard
/// output and exits. Call it first thing in `main`, before any thread exists.
pub fn probe_child() -> ! {
    let mut attempts = BTreeMap::new();
    attempts.insert(Capability::VhostNet, device("/dev/vhost-net"));
    attempts.insert(Capability::VhostVsock, device("/dev/vhost-vsock"));
    let namespaces = enter_namespaces();
    let entered = matches!(namespaces, Attempt::Works { .. });
    attempts.insert(Capability::Namespaces, namespaces);
    if entered {
        attempts.extend(links::attempts());
        attempts.extend(inside());
    }
    let report = ProbeReport {
        schema: ProbeReport::SCHEMA,
        attempts,
    };
    let said = serde_json::to_string(&report)
        .map_err(io::Error::other)
        .and_then(|line| say(&line));
    std::process::exit(i32::from(said.is_err()))
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn device(path: &str) -> Attempt {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Attempt::works(format!("{path} opens")),
        Err(error) => Attempt::failed(format!("open {path}"), error),
    }
}

fn enter_namespaces() -> Attempt {
    match try_enter_namespaces() {
        Ok(()) => Attempt::works("a network and a mount namespace were made"),
        Err(attempt) => attempt,
    }
}

fn try_enter_namespaces() -> Result<(), Attempt> {
    // Read here, because inside the new user namespace ids read as "nobody" until they are mapped.
    let (uid, gid) = (geteuid(), getegid());
    if !uid.is_root() {
        unshare(CloneFlags::CLONE_NEWUSER, "make a user namespace")?;
        map_ids(&format!("0 {uid} 1\n"), &format!("0 {gid} 1\n"))
            .map_err(|error| Attempt::failed("map one's own ids into the user namespace", error))?;
    }
    unshare(CloneFlags::CLONE_NEWNS, "make a mount namespace")?;
    unshare(CloneFlags::CLONE_NEWNET, "make a network namespace")?;
    let everything = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, everything, None::<&str>)
        .map_err(|error| Attempt::failed(MOUNTS_PRIVATE, error))
}

fn unshare(flags: CloneFlags, doing: &str) -> Result<(), Attempt> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a throw-away process, not a thread of the lab"
    )]
    nix::sched::unshare(flags).map_err(|error| Attempt::failed(doing, error))
}

/// Waits for the parent to write the full map. Without one it maps only its own ids, which is enough for the other
/// attempts.
fn map_ids(own_uid: &str, own_gid: &str) -> io::Result<()> {
    say(UNSHARED)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == MAPPED {
        return Ok(());
    }
    // A process that may not change its groups may map its own; otherwise the kernel refuses the group map.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", own_uid)?;
    fs::write("/proc/self/gid_map", own_gid)
}

/// Everything that is tried inside the namespaces. The device node comes last, because its tmpfs hides a folder.
fn inside() -> [(Capability, Attempt); 8] {
    let ip = Program::new(Tool::Ip);
    [
        (Capability::Bridge, ip.works("link add pb0 type bridge")),
        (
            Capability::Veth,
            ip.works("link add pv0 type veth peer name pv1"),
        ),
        (
            Capability::Macvtap,
            ip.works("link add link pv0 name pm0 type macvtap mode bridge"),
        ),
        (
            Capability::VlanFiltering,
            ip.works("link add pb1 type bridge vlan_filtering 1"),
        ),
        (Capability::Tap, tap()),
        (
            Capability::Netem,
            Program::new(Tool::Tc).works("qdisc add dev lo root netem delay 1ms"),
        ),
        (Capability::BridgeNetfilter, bridge_netfilter()),
        (Capability::DeviceNodes, device_node()),
    ]
}

/// `ip` or `tc`, which may be absent.
struct Program(Result<PathBuf, Attempt>);

impl Program {
    fn new(tool: Tool) -> Self {
        Self(locate(tool).ok_or_else(|| Attempt::no_program(tool)))
    }

    fn works(&self, arguments: &str) -> Attempt {
        let path = match &self.0 {
            Ok(path) => path,
            Err(absent) => return absent.clone(),
        };
        let doing = format!("{} {arguments}", path.display());
        let mut command = Command::new(path);
        // The program ends with the probe, whatever ends that.
        die_with_parent(&mut command);
        let output = command
            .args(arguments.split(' '))
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output();
        match output {
            Err(error) => Attempt::failed(doing, error),
            Ok(output) if output.status.success() => Attempt::works(format!("`{doing}` works")),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Attempt::ended(doing, output.status, said.trim().replace('\n', "; "))
            }
        }
    }
}

fn tap() -> Attempt {
    match open_tun().map(|tun| make_tap(&tun, "pt0")) {
        Ok(Ok(())) => Attempt::works("a TAP was made and has gone again"),
        Ok(Err(error)) => Attempt::failed("make a TAP on /dev/net/tun", error),
        Err(error) => Attempt::failed("open /dev/net/tun", error),
    }
}

fn bridge_netfilter() -> Attempt {
    let path = Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables");
    match fs::read_to_string(path) {
        Ok(value) => Attempt::works(format!(
            "loaded; a new namespace starts with {}",
            value.trim()
        )),
        Err(error) => Attempt::failed(format!("read {}", path.display()), error),
    }
}

/// Makes a node equal to `/dev/null`, in a file system that only this process sees.
fn device_node() -> Attempt {
    let folder = Path::new("/tmp");
    if let Err(error) = mount(
        Some("probe"),
        folder,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    ) {
        return Attempt::failed("mount a tmpfs", error);
    }
    let node = folder.join("null");
    let null = makedev(1, 3);
    if let Err(error) = mknod(&node, SFlag::S_IFCHR, Mode::S_IRUSR | Mode::S_IWUSR, null) {
        return Attempt::failed("mknod a character device", error);
    }
    match File::open(&node) {
        Ok(_) => Attempt::works("a device node was made and opened"),
        Err(error) => Attempt::failed("open a new device node", error),
    }
}
