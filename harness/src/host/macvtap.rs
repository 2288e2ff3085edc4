//! Macvtaps: the character device of each, found, opened, and proven to be the right one. See `docs/macvtap.md`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use nix::libc;
use nix::sys::stat::{Mode, SFlag, major, makedev, minor, mknod};

use super::VMM_ID;
use super::sys;
use super::tap::{Tap, flags};
use crate::diagnostic::Diagnose;
use crate::scenario::HostEnd;
use crate::scenario::names::IfName;

/// A macvtap could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open macvtap `{name}`: {doing}")]
pub struct MacvtapError {
    /// Its name.
    pub name: IfName,
    /// Which step.
    pub doing: String,
    /// The kernel's answer, or what was found instead.
    pub source: io::Error,
}

impl Diagnose for MacvtapError {
    fn code(&self) -> &'static str {
        "host.macvtap"
    }

    fn help(&self) -> Option<String> {
        (self.source.kind() == io::ErrorKind::PermissionDenied).then(|| {
            "run as root: nobody else may make the device node (mknod), not even in a user namespace"
                .to_owned()
        })
    }
}

/// Makes the node of the macvtap `name`, which has this index on the machine, for the VMM's user, and opens `queues` of
/// it. Must run on the machine's thread, where `/sys` shows the machine's own links.
///
/// Equivalent: `mknod NODE c MAJOR MINOR` with the numbers of `/sys/class/net/NAME/tapINDEX/dev`, and `exec 3<>NODE`
/// for each queue. Unlike a shell, this makes no regular file where the node is missing.
///
/// # Errors
/// [`MacvtapError`] with the step: no device in `/sys`, no right to make a node, or a node that is another interface's.
pub fn open(
    name: &IfName,
    index: u32,
    node: &Path,
    end: &HostEnd,
    queues: usize,
) -> Result<Tap, MacvtapError> {
    let failed = |doing: String| {
        let name = name.clone();
        move |source: io::Error| MacvtapError {
            name,
            doing,
            source,
        }
    };
    let device = device(Path::new("/sys/class/net"), name, index)
        .map_err(failed("find its device in /sys/class/net".to_owned()))?;
    make(node, device).map_err(failed(format!("make its node `{}`", node.display())))?;
    let mut opened = Vec::new();
    // The node is opened once at least: also a VMM that opens it itself must find no other device behind it.
    for _ in 0..queues.max(1) {
        let file = open_node(node, device).map_err(failed("open its node".to_owned()))?;
        let fd = OwnedFd::from(file);
        prove(&fd, name, index, end).map_err(failed("prove that it is this one".to_owned()))?;
        opened.push(fd);
    }
    opened.truncate(queues);
    Ok(Tap::of_macvtap(name, opened))
}

/// The number of the device behind the link `name`, which must still have this index.
fn device(class: &Path, name: &IfName, index: u32) -> io::Result<libc::dev_t> {
    let link = class.join(name.as_str());
    let read = |file: &str| {
        let path = link.join(file);
        fs::read_to_string(&path)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
    };
    let shown = read("ifindex")?;
    if shown.trim() != index.to_string() {
        let found = format!("`{name}` has index {} there, not {index}", shown.trim());
        return Err(io::Error::other(found));
    }
    let text = read(&format!("tap{index}/dev"))?;
    let numbers = text.trim().split_once(':');
    let numbers = numbers.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let (major, minor) =
        numbers.ok_or_else(|| io::Error::other(format!("{text:?} is no device")))?;
    Ok(makedev(major, minor))
}

/// Makes a node that only the VMM's user may open. A node of an earlier start is replaced.
fn make(node: &Path, device: libc::dev_t) -> io::Result<()> {
    if let Some(folder) = node.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(node) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    mknod(node, SFlag::S_IFCHR, Mode::empty(), device)?;
    chown(node, Some(VMM_ID), Some(VMM_ID))?;
    fs::set_permissions(node, fs::Permissions::from_mode(0o600))
}

/// Opens a node, which must be there and be this device.
fn open_node(node: &Path, device: libc::dev_t) -> io::Result<File> {
    // Without `create`: a missing node must not become a file that swallows what is written to it.
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true);
    let file = options
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(node)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", node.display())))?;
    let meta = file.metadata()?;
    if meta.file_type().is_char_device() && meta.rdev() == device {
        return Ok(file);
    }
    let what = if meta.is_file() {
        "a regular file"
    } else {
        "something else"
    };
    let (major, minor) = (major(device), minor(device));
    let found = format!(
        "{} is {what}, not character device {major}:{minor}",
        node.display()
    );
    Err(io::Error::other(found))
}

/// Proves that what was opened is this machine's link: another namespace may have one of the same name, the same index,
/// or both. The device's number belongs to the link only as long as the link is there, so `/sys` is read again
/// afterwards.
fn prove(fd: &OwnedFd, name: &IfName, index: u32, end: &HostEnd) -> io::Result<()> {
    let class = Path::new("/sys/class/net");
    let told = sys::tun_set_iff(fd.as_fd(), name.as_str(), flags(end))?;
    let (answers, mac) = sys::tap_address(fd.as_fd())?;
    let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
    let own = fs::read_to_string(class.join(name.as_str()).join("address"))?;
    if told != name.as_str() || answers != name.as_str() || mac != own.trim() {
        let found = format!(
            "it is `{told}` with {mac}, not `{name}` with {}",
            own.trim()
        );
        return Err(io::Error::other(found));
    }
    let number = File::from(fd.try_clone()?).metadata()?.rdev();
    if device(class, name, index)? != number {
        return Err(io::Error::other("the link was made anew meanwhile"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> IfName {
        IfName::try_from("mv-test").expect("a name")
    }

    #[test]
    fn a_missing_node_is_an_error_and_stays_missing() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let node = folder.path().join("tap7");
        let error = open_node(&node, makedev(246, 1)).expect_err("there is none");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("tap7"), "{error}");
        assert!(!node.exists(), "a shell's `3<>` would have made a file");
    }

    #[test]
    fn what_is_not_that_device_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let node = folder.path().join("tap7");
        fs::write(&node, "").expect("a file");
        let error = open_node(&node, makedev(246, 1)).expect_err("it is a file");
        let said = error.to_string();
        assert!(
            said.contains("a regular file, not character device 246:1"),
            "{said}"
        );
        // The number of another device, which is there on every system.
        let null = Path::new("/dev/null");
        let error = open_node(null, makedev(246, 1)).expect_err("it is /dev/null");
        assert!(error.to_string().contains("something else"), "{error}");
        open_node(null, makedev(1, 3)).expect("it is /dev/null");
    }

    #[test]
    fn the_device_is_that_of_the_link_with_this_index() {
        let class = tempfile::tempdir().expect("a temporary directory");
        let link = class.path().join("mv-test");
        fs::create_dir_all(link.join("tap4")).expect("a folder");
        fs::write(link.join("ifindex"), "4\n").expect("a file");
        fs::write(link.join("tap4/dev"), "246:1\n").expect("a file");
        let found = device(class.path(), &name(), 4).expect("a device");
        assert_eq!(found, makedev(246, 1));
        // The `/sys` of another namespace, where the name belongs to another link.
        let error = device(class.path(), &name(), 9).expect_err("another link");
        assert!(
            error.to_string().contains("index 4 there, not 9"),
            "{error}"
        );
        fs::remove_dir_all(link.join("tap4")).expect("a folder");
        let error = device(class.path(), &name(), 4).expect_err("no device");
        assert!(error.to_string().contains("tap4/dev"), "{error}");
    }
}
