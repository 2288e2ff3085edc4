//! The file system of a cell: the system's folders, read-only; empty folders of its own; and a `/proc` of its own PID
//! namespace.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::pivot_root;

use super::super::sys::seal_mount;
use super::policy;

/// A step that was refused, and the kernel's answer.
pub(super) type Refused = (String, io::Error);

trait During<T> {
    fn during(self, what: impl Into<String>) -> Result<T, Refused>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, what: impl Into<String>) -> Result<T, Refused> {
        self.map_err(|error| (what.into(), error.into()))
    }
}

/// Builds the cell's file system over `place`, and makes it the root of the calling process, which must have a mount
/// namespace of its own and be PID 1 of its PID namespace.
pub(super) fn enter(place: &Path) -> Result<(), Refused> {
    let bounds = "mode=0755,size=1m,nr_inodes=1k";
    tmpfs(place, bounds)?;
    let root = Root(place.to_owned());
    root.system()?;
    root.own()?;
    root.devices()?;
    root.proc()?;
    root.sys()?;
    seal(place, MOUNT_ATTR_RDONLY, false)?;
    std::env::set_current_dir(place).during("enter the new root")?;
    // The old root is stacked on the new one, and then taken away with everything that is mounted in it.
    pivot_root(".", ".").during("pivot_root")?;
    umount2(".", MntFlags::MNT_DETACH).during("umount the old root")?;
    std::env::set_current_dir("/").during("enter /")
}

struct Root(PathBuf);

impl Root {
    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    fn system(&self) -> Result<(), Refused> {
        for folder in policy::SYSTEM {
            let Ok(found) = fs::symlink_metadata(folder) else {
                continue;
            };
            if found.is_symlink() {
                self.link(folder)?;
            } else if found.is_dir() {
                let target = self.at(folder);
                fs::create_dir_all(&target).during(format!("create {folder}"))?;
                bind(Path::new(folder), &target, true)?;
                seal(&target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, true)?;
            }
        }
        Ok(())
    }

    fn link(&self, path: &str) -> Result<(), Refused> {
        let to = fs::read_link(path).during(format!("read the link {path}"))?;
        symlink(to, self.at(path)).during(format!("link {path}"))
    }

    fn own(&self) -> Result<(), Refused> {
        let scratch = self.at("/scratch");
        fs::create_dir(&scratch).during("create /scratch")?;
        tmpfs(&scratch, policy::SCRATCH)?;
        for (index, folder) in policy::OWN.into_iter().enumerate() {
            let store = scratch.join(index.to_string());
            fs::create_dir(&store).during(format!("create {folder}"))?;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&store, mode).during(format!("chmod {folder}"))?;
            owned(&store)?;
            let target = self.at(folder);
            fs::create_dir_all(&target).during(format!("create {folder}"))?;
            bind(&store, &target, false)?;
            seal(&target, MOUNT_ATTR_NODEV, false)?;
        }
        umount2(&scratch, MntFlags::MNT_DETACH).during("umount /scratch")?;
        fs::remove_dir(&scratch).during("remove /scratch")?;
        for folder in ["/var/lib/misc", "/var/log", "/var/tmp", "/run/lock"] {
            let folder = self.at(folder);
            fs::create_dir_all(&folder).during("create folders of /var")?;
            owned(&folder)?;
        }
        symlink("/run", self.at("/var/run")).during("link /var/run")?;
        for link in policy::SYSTEM_LINKS {
            if fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) {
                self.link(link)?;
            }
        }
        Ok(())
    }

    fn devices(&self) -> Result<(), Refused> {
        let nodes = policy::DEVICES.map(|name| PathBuf::from("/dev").join(name));
        for node in nodes.iter().filter(|node| node.exists()) {
            let target = self.at(&node.to_string_lossy());
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).during("create /dev")?;
            }
            File::create(&target).during(format!("create {}", node.display()))?;
            bind(node, &target, false)?;
            seal(&target, MOUNT_ATTR_NOEXEC, false)?;
        }
        for (name, to) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ] {
            symlink(to, self.at("/dev").join(name)).during(format!("link /dev/{name}"))?;
        }
        Ok(())
    }

    /// Mounts a `/proc` of this PID namespace alone. Its `sys/net` follows the network namespace of the process that
    /// opens it, and stays writable.
    fn proc(&self) -> Result<(), Refused> {
        let proc = self.at("/proc");
        fs::create_dir(&proc).during("create /proc")?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("proc"), &proc, Some("proc"), flags, None::<&str>).during("mount /proc")?;
        for name in policy::PROC_READ_ONLY {
            let place = proc.join(name);
            if !place.exists() {
                continue;
            }
            bind(&place, &place, false)?;
            if name == "sys" && place.join("net").exists() {
                // `net` is bound before `sys` is made read-only, because a bind mount begins with the flags of its
                // source.
                bind(&place.join("net"), &place.join("net"), false)?;
            }
            seal(&place, MOUNT_ATTR_RDONLY, false)?;
        }
        for name in policy::PROC_HIDDEN {
            let place = proc.join(name);
            if place.exists() {
                bind(&self.at("/dev/null"), &place, false)?;
                seal(&place, MOUNT_ATTR_RDONLY, false)?;
            }
        }
        Ok(())
    }

    /// Binds the machine's own `/sys`, which shows the links of its network.
    fn sys(&self) -> Result<(), Refused> {
        let target = self.at("/sys");
        fs::create_dir(&target).during("create /sys")?;
        bind(Path::new("/sys"), &target, true)?;
        let attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
        seal(&target, attributes, true)
    }
}

fn owned(path: &Path) -> Result<(), Refused> {
    let stranger = Some(policy::STRANGER);
    chown(path, stranger, stranger).during(format!("chown {}", path.display()))
}

fn tmpfs(place: &Path, bounds: &str) -> Result<(), Refused> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("cell"), place, Some("tmpfs"), flags, Some(bounds))
        .during(format!("mount a tmpfs on {}", place.display()))
}

fn bind(from: &Path, to: &Path, below: bool) -> Result<(), Refused> {
    let below = match below {
        true => MsFlags::MS_REC,
        false => MsFlags::empty(),
    };
    mount(
        Some(from),
        to,
        None::<&str>,
        MsFlags::MS_BIND | below,
        None::<&str>,
    )
    .during(format!("bind {} on {}", from.display(), to.display()))
}

/// Sets attributes of a mount, always with `nosuid`: no program in a cell gains rights by set-user-id.
fn seal(place: &Path, attributes: u64, below: bool) -> Result<(), Refused> {
    seal_mount(place, attributes | MOUNT_ATTR_NOSUID, below)
        .during(format!("mount_setattr {}", place.display()))
}
