//! Whether a lab that root runs takes a user namespace of its own, as everybody else's does.
//!
//! In one, root of the lab is no root of the computer: no capability reaches further than the lab's own namespaces. Modules,
//! device nodes, the kernel's switches and other processes are out of reach. Ids and hence the rights on files stay.

use std::fs;
use std::io;

use serde::Serialize;

use super::IsolateError;

/// Places in `/proc` and `/sys` over which something may be mounted. The kernel mounts a new `/proc` or `/sys` in a
/// user namespace only where the old one hides nothing, and these folders are always empty (`mount_too_revealing` of
/// fs/namespace.c).
const COVERS_NOTHING: [&str; 9] = [
    "/proc/sys/fs/binfmt_misc",
    "/proc/fs/nfsd",
    "/sys/fs/cgroup",
    "/sys/fs/fuse",
    "/sys/fs/pstore",
    "/sys/fs/bpf",
    "/sys/fs/selinux",
    "/sys/kernel/",
    "/sys/firmware/efi/efivars",
];

/// What writing an id map takes: `CAP_SETGID`, `CAP_SETUID`, `CAP_SYS_ADMIN`, `CAP_SETFCAP` (capabilities(7),
/// user_namespaces(7)).
const MAPPING: u64 = 1 << 6 | 1 << 7 | 1 << 21 | 1 << 31;

/// Why root's lab has no user namespace of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What was seen.
    pub why: String,
    /// The one command that mends it.
    pub remedy: String,
}

/// Why root cannot have a user namespace of its own on this computer; `None`: it can, as far as that is known without
/// making one.
pub(crate) fn refused() -> Option<Refused> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    why_not(
        &read("/proc/self/status"),
        &read("/proc/self/mountinfo"),
        &read("/proc/sys/user/max_user_namespaces"),
    )
}

fn why_not(status: &str, mounts: &str, most: &str) -> Option<Refused> {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    if effective.unwrap_or_default() & MAPPING != MAPPING {
        return Some(Refused {
            why: "this root has not got the capabilities to map ids".to_owned(),
            remedy:
                "docker run --cap-add SYS_ADMIN --cap-add SETUID --cap-add SETGID --cap-add SETFCAP"
                    .to_owned(),
        });
    }
    if most.trim() == "0" {
        return Some(Refused {
            why: "`user.max_user_namespaces` is 0".to_owned(),
            remedy: "sysctl -w user.max_user_namespaces=15000".to_owned(),
        });
    }
    let covers = |place: &&str| {
        (place.starts_with("/proc/") || place.starts_with("/sys/"))
            && !COVERS_NOTHING.iter().any(|empty| place.starts_with(empty))
    };
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    let hidden: Vec<&str> = places.filter(covers).collect();
    let first = hidden.first()?;
    Some(Refused {
        why: format!(
            "`{first}` is covered, as in a container, and no user namespace of its own may uncover that"
        ),
        // What was mounted last lies on top.
        remedy: format!(
            "umount {}",
            hidden.iter().rev().copied().collect::<Vec<_>>().join(" ")
        ),
    })
}

/// Maps every id that the caller has to itself.
pub(super) fn map_all(pid: u32) -> Result<(), IsolateError> {
    for map in ["uid_map", "gid_map"] {
        let to = format!("/proc/{pid}/{map}");
        let mapped = fs::read_to_string(format!("/proc/self/{map}"))
            .and_then(|own| fs::write(&to, identity(&own)));
        mapped.map_err(|error: io::Error| IsolateError::IdMap {
            command: format!("write {to}"),
            said: error.to_string(),
        })?;
    }
    Ok(())
}

/// The map in which each id of `own` (user_namespaces(7)) is itself.
fn identity(own: &str) -> String {
    let ranges = own.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (first, count) = (fields.next()?, fields.nth(1)?);
        Some(format!("{first} {first} {count}\n"))
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_itself() {
        let own = "         0          0 4294967295\n";
        assert_eq!(identity(own), "0 0 4294967295\n");
        assert_eq!(identity("0 1000 1\n1 100000 65536\n"), "0 0 1\n1 1 65536\n");
    }

    #[test]
    fn a_container_that_hides_something_is_told_by_name() {
        let root = "Name:\tx\nCapEff:\t000001ffffffffff\n";
        let usual = "22 1 0:21 / /proc rw - proc proc rw\n23 1 0:20 / /sys/kernel/debug rw - debugfs d rw\n";
        assert_eq!(why_not(root, usual, "15000\n"), None);
        let masked = format!(
            "{usual}24 1 0:9 / /proc/kcore ro - tmpfs tmpfs ro\n25 1 0:9 / /sys/power ro - tmpfs tmpfs ro\n"
        );
        let told = why_not(root, &masked, "15000\n").expect("a reason");
        assert!(told.why.contains("/proc/kcore"), "{told:?}");
        assert_eq!(told.remedy, "umount /sys/power /proc/kcore");
        let docker = "CapEff:\t00000000a80425fb\n";
        assert!(why_not(docker, usual, "").is_some());
        let none = why_not(root, usual, "0\n").expect("a reason");
        assert!(none.remedy.starts_with("sysctl -w"), "{none:?}");
    }
}
