//! A worker's own world: user (when not root), mount, network, UTS and PID namespaces.
//!
//! A scenario run happens in one worker process that is PID 1 of its own PID namespace. Whatever ends it,
//! SIGKILL included, the kernel then kills every process in that namespace and drops its mounts, network
//! namespaces, TAPs and temporary files: there is nothing to clean up that could be forgotten. See
//! `docs/namespaces.md` for why a PID namespace and not only parent-death signals.
//!
//! Equivalent: `unshare --user --map-users=... --mount --net --uts --pid --fork --mount-proc`.

pub use error::IsolateError;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{ForkResult, Gid, Uid, getppid};

use super::sys;

mod error;
pub(crate) mod users;

pub use users::Refused;

/// What the parent answers once the user namespace has its id map.
pub const MAPPED: &str = "mapped";
/// What the worker asks when its user namespace wants an id map.
pub const MAP_ME: &str = "map-me";

/// Directories that exist on nearly every system and that a lab has no use for: one of them becomes the
/// mount point of the worker's private tmpfs.
pub(super) const MOUNT_POINTS: [&str; 5] = ["/mnt", "/media", "/srv", "/opt", "/tmp"];

/// Whether a user namespace, by its `uid_map` (user_namespaces(7)), has ids for everybody in a lab.
fn enough_ids(map: &str) -> Result<(), IsolateError> {
    let counts = map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    let counts = counts.filter_map(|count| count.parse::<u64>().ok());
    match counts.sum() {
        // A map that cannot be read proves nothing.
        0 => Ok(()),
        ids if ids < 65536 => Err(IsolateError::FewIds { ids }),
        _ => Ok(()),
    }
}

/// Exit code of a worker that lost its parent or its child (the report layer's "harness broke").
const BROKEN: i32 = 4;

/// Which namespaces a worker needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// For a lab: also a network namespace of its own, so that nothing can reach the machine's network.
    Lab,
    /// For building images: packages come over the machine's network, so that one is kept.
    Build,
}

/// Enters the worker's namespaces; returns in the process that is PID 1 there.
///
/// The original process stays behind, waits for PID 1, and exits with its status. Must be called before any
/// thread is started. `ask` writes a line to the parent and `answer` reads one; both are used only when not
/// root. `avoid` are paths that must stay visible under the private tmpfs, whose place is returned.
///
/// # Errors
/// [`IsolateError`] names the namespace or mount that was refused.
pub fn enter(
    isolation: Isolation,
    ask: &mut impl Write,
    answer: &mut impl BufRead,
    avoid: &[PathBuf],
) -> Result<PathBuf, IsolateError> {
    let other = |doing| move |source: io::Error| IsolateError::Other { doing, source };
    let parent = getppid();
    // Daemons and VMMs run as other users and read files that are made from here on, so the user's own umask must not
    // hold for these. It does for the evidence's folder, which is made before.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    if Uid::effective().is_root() {
        enough_ids(&std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default())?;
    } else {
        take_users(ask, answer)?;
    }
    own_namespace(CloneFlags::CLONE_NEWNS, "mount")?;
    own_namespace(CloneFlags::CLONE_NEWUTS, "UTS")?;
    if isolation == Isolation::Lab {
        own_namespace(CloneFlags::CLONE_NEWNET, "network")?;
    }
    own_namespace(CloneFlags::CLONE_NEWPID, "PID")?;
    die_with(parent)?;
    // These signals are blocked in this process. They come to all processes of a run when somebody wants to end the
    // run, which the supervisor does in good order; this process, if it ended, would only take the worker with it. The
    // worker is PID 1, and the kernel keeps from it signals that it has no handler for.
    let polite: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
        .into_iter()
        .collect();
    let mask = |changed: nix::Result<()>| changed.map_err(io::Error::from);
    mask(polite.thread_block()).map_err(other("be deaf to SIGTERM"))?;
    match sys::fork_single_threaded().map_err(other("fork the worker"))? {
        ForkResult::Parent { child } => {
            let code = sys::wait_status(child).unwrap_or(BROKEN);
            std::process::exit(code);
        }
        ForkResult::Child => {
            // Processes that the worker starts inherit the mask, and must not be deaf to these signals.
            mask(polite.thread_unblock()).map_err(other("hear SIGTERM"))?;
            // In the new PID namespace the parent's number reads 0, so the child cannot compare it as `die_with` does.
            prctl::set_pdeathsig(Signal::SIGKILL).map_err(|e| IsolateError::Other {
                doing: "tie the worker to its parent",
                source: e.into(),
            })?;
            private_mounts(avoid)
        }
    }
}

/// Whether a lab of this caller may do without a user namespace of its own: root's may.
pub fn may_share_users() -> bool {
    Uid::effective().is_root()
}

/// Enters a user namespace of its own, in which the parent maps ids: what [`enter`] does for all but root.
///
/// # Errors
/// [`IsolateError::Unshare`] when the kernel refuses the namespace: nothing has changed then. Another error when there
/// is a namespace, but no ids in it.
pub fn take_users(ask: &mut impl Write, answer: &mut impl BufRead) -> Result<(), IsolateError> {
    let other = |doing| move |source: io::Error| IsolateError::Other { doing, source };
    own_namespace(CloneFlags::CLONE_NEWUSER, "user")?;
    writeln!(ask, "{MAP_ME}")
        .and_then(|()| ask.flush())
        .map_err(other("ask the parent for an id map"))?;
    until_mapped(answer).map_err(other("wait for the parent's id map"))?;
    let errno = |e: nix::errno::Errno| io::Error::from(e);
    nix::unistd::setresgid(Gid::from_raw(0), Gid::from_raw(0), Gid::from_raw(0))
        .map_err(errno)
        .map_err(other("become group 0 of the user namespace"))?;
    nix::unistd::setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0))
        .map_err(errno)
        .map_err(other("become user 0 of the user namespace"))?;
    // A change of credentials makes /proc/self belong to root of the *parent* namespace otherwise.
    prctl::set_dumpable(true)
        .map_err(errno)
        .map_err(other("stay traceable by the parent"))
}

/// Reads the parent's answer. Lines before it are ignored: the parent wrote them before it read the question, and
/// writes them again.
fn until_mapped(answer: &mut impl BufRead) -> io::Result<()> {
    for line in answer.lines() {
        if line?.trim() == MAPPED {
            return Ok(());
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "one of the two places that create namespaces"
)]
fn own_namespace(flag: CloneFlags, what: &'static str) -> Result<(), IsolateError> {
    unshare(flag).map_err(|e| IsolateError::Unshare {
        what,
        source: e.into(),
    })
}

fn die_with(parent: nix::unistd::Pid) -> Result<(), IsolateError> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|e| IsolateError::Other {
        doing: "tie the worker to its parent",
        source: e.into(),
    })?;
    if getppid() != parent {
        std::process::exit(BROKEN);
    }
    Ok(())
}

/// Mounts a `/proc` of the worker's own, and a tmpfs that no other process sees, for sockets, overlays and keys.
fn private_mounts(avoid: &[PathBuf]) -> Result<PathBuf, IsolateError> {
    mount_at(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount_at(Some("proc"), "/proc", Some("proc"), flags, None)?;
    let place = MOUNT_POINTS
        .into_iter()
        .map(Path::new)
        .find(|place| place.is_dir() && !avoid.iter().any(|path| path.starts_with(place)))
        .ok_or_else(|| IsolateError::Other {
            doing: "find a directory to mount the run directory on",
            source: io::Error::other(format!("all of {MOUNT_POINTS:?} are missing or in use")),
        })?;
    mount_at(
        Some("bridgelab"),
        &place.to_string_lossy(),
        Some("tmpfs"),
        MsFlags::MS_NOSUID,
        Some("mode=0755"),
    )?;
    Ok(place.to_owned())
}

/// `mount -t FSTYPE SOURCE TARGET`, with the target in the error.
pub(crate) fn mount_at(
    source: Option<&str>,
    target: &str,
    fstype: Option<&str>,
    flags: MsFlags,
    data: Option<&str>,
) -> Result<(), IsolateError> {
    mount(source, target, fstype, flags, data).map_err(|e| IsolateError::Mount {
        what: format!(
            "{} on {target}",
            fstype.or(source).unwrap_or("private propagation")
        ),
        source: e.into(),
    })
}

/// Gives the user namespace of `pid` a full id map: 0 is the caller, 1 to 65536 its subordinate ids. Where the caller
/// is root, every id is mapped to itself.
///
/// Equivalent: `newuidmap PID 0 UID 1 1 SUBUID 65536`, and `newgidmap` likewise; as root `echo 0 0 4294967295 >/proc/PID/uid_map`.
/// Called by the parent.
///
/// # Errors
/// [`IsolateError::NoSubordinateIds`] or [`IsolateError::IdMap`].
pub fn map_ids(pid: u32) -> Result<(), IsolateError> {
    if Uid::effective().is_root() {
        return users::map_all(pid);
    }
    let uid = Uid::current();
    let user = nix::unistd::User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name);
    for (tool, file, own) in [
        ("newuidmap", "/etc/subuid", uid.as_raw()),
        ("newgidmap", "/etc/subgid", Gid::current().as_raw()),
    ] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let start = subordinate_range(&text, &user, uid.as_raw()).ok_or(
            IsolateError::NoSubordinateIds {
                user: user.clone(),
                file,
            },
        )?;
        let args = [
            pid.to_string(),
            "0".to_owned(),
            own.to_string(),
            "1".to_owned(),
            "1".to_owned(),
            start.to_string(),
            "65536".to_owned(),
        ];
        let failed = |said: String| IsolateError::IdMap {
            command: format!("{tool} {}", args.join(" ")),
            said,
        };
        let output = Command::new(tool)
            .args(&args)
            .output()
            .map_err(|e| failed(e.to_string()))?;
        if !output.status.success() {
            return Err(failed(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
    }
    Ok(())
}

/// First range of at least 65536 ids for the user in the text of `/etc/subuid` (subuid(5)).
fn subordinate_range(text: &str, user: &str, uid: u32) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let start = fields.next()?.parse().ok()?;
        let count: u32 = fields.next()?.parse().ok()?;
        ((owner == user || owner == uid.to_string()) && count >= 65536).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_to_end_that_crosses_the_question_is_no_answer() {
        let answer = |text: &str| until_mapped(&mut text.as_bytes());
        assert!(answer(&format!("cancel\n{MAPPED}\n")).is_ok());
        assert!(answer("cancel\n").is_err(), "the parent is gone");
    }

    #[test]
    fn a_range_is_found_by_name_or_number_and_must_be_large_enough() {
        let text =
            "root:100000:65536\nalice:165536:1000\nalice:200000:65536\n1001:300000:70000\nbroken\n";
        assert_eq!(subordinate_range(text, "alice", 1000), Some(200_000));
        assert_eq!(subordinate_range(text, "bob", 1001), Some(300_000));
        assert_eq!(subordinate_range(text, "carol", 1002), None);
    }
}
