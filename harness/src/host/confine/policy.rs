//! What a scenario's command is given: who it is, what it may do, what it finds in its environment.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustix::thread::CapabilitySet;

/// User and group of commands. No service has this user, nor have VMMs ([`crate::host::VMM_ID`]), and it owns no file.
/// So what only root may read or write on this computer stays closed to commands, even where another wall fails.
pub(super) const STRANGER: u32 = 65533;

/// What networking needs, and no more: `ip`, `nft`, `tc`, `sysctl net.*`; `ping`, `tcpdump`; a server on port 80.
pub(super) const CAPABILITIES: CapabilitySet = CapabilitySet::NET_ADMIN
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// Folders of the system that a cell shows, read-only, where they exist: programs, their libraries and data, and no
/// user's files. The last is where NixOS keeps all of that.
pub(super) const SYSTEM: [&str; 9] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix",
];

/// Links of NixOS into its store, without which nothing there is found.
pub(super) const SYSTEM_LINKS: [&str; 1] = ["/run/current-system"];

/// Device nodes of a cell. `net/tun` makes TAPs in the machine's network alone.
pub(super) const DEVICES: [&str; 7] = [
    "null", "zero", "full", "random", "urandom", "tty", "net/tun",
];

/// Folders of the cell's own that can be written, all on one tmpfs of [`SCRATCH`].
pub(super) const OWN: [&str; 6] = ["/run", "/tmp", "/home", "/root", "/var", "/dev/shm"];

/// Limits of the tmpfs of [`OWN`] (tmpfs(5)).
pub(super) const SCRATCH: &str = "mode=0755,size=256m,nr_inodes=16k";

/// Most processes of this user (`RLIMIT_NPROC`, setrlimit(2)).
pub(super) const PROCESSES: u64 = 2048;

/// Parts of `/proc` that are about the kernel and not about the machine: they can be read and not written.
pub(super) const PROC_READ_ONLY: [&str; 6] = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi"];

/// Files of `/proc` that are not seen at all.
pub(super) const PROC_HIDDEN: [&str; 7] = [
    "kcore",
    "keys",
    "key-users",
    "timer_list",
    "sched_debug",
    "latency_stats",
    "kallsyms",
];

/// Folders of programs, after those of the worker's own `PATH`.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The whole environment of a command. Its `PATH` has those folders of the worker's that can be seen in the cell.
pub(super) fn environment(path: Option<OsString>) -> Vec<(&'static str, OsString)> {
    let told = path.unwrap_or_default();
    let system = |folder: &Path| {
        let seen = SYSTEM.iter().chain(&SYSTEM_LINKS);
        folder
            .components()
            .all(|part| part != std::path::Component::ParentDir)
            && seen.into_iter().any(|place| folder.starts_with(place))
    };
    let mut path = OsString::new();
    for folder in std::env::split_paths(&told).filter(|folder| system(folder)) {
        path.push(folder);
        path.push(":");
    }
    path.push(USUAL_PATH);
    let word = |text: &str| OsStr::new(text).to_owned();
    vec![
        ("PATH", path),
        ("LC_ALL", word("C.UTF-8")),
        ("HOME", word("/root")),
        ("TMPDIR", word("/tmp")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_caller_s_environment_is_told_but_where_programs_are() {
        let path = "/root/bin:/usr/games:/nix/store/x/bin:relative:/usr/../root/bin:/work/bin:/run/current-system/sw/bin";
        let told = environment(Some(path.into()));
        let names: Vec<_> = told.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["PATH", "LC_ALL", "HOME", "TMPDIR"]);
        let kept = format!("/usr/games:/nix/store/x/bin:/run/current-system/sw/bin:{USUAL_PATH}");
        assert_eq!(told[0].1, OsString::from(kept));
        assert_eq!(environment(None)[0].1, OsString::from(USUAL_PATH));
    }

    #[test]
    fn a_command_is_nobody_that_the_lab_knows() {
        assert_ne!(STRANGER, crate::host::VMM_ID);
        assert_ne!(STRANGER, 0);
    }
}
