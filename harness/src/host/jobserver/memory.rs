//! How much memory there is: the machine's, within the limits of the control groups that this process is in.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that this process could ever have: the machine's, or a control group's limit where that is less.
pub fn physical_memory() -> u64 {
    let limits = Cgroup::own().into_iter().filter_map(|group| group.limit);
    limits.chain(meminfo("MemTotal:")).min().unwrap_or(u64::MAX)
}

/// Bytes that are available now (`MemAvailable`, see proc_meminfo(5)), within what control groups leave.
pub(super) fn available_memory() -> u64 {
    let left = Cgroup::own().into_iter().filter_map(|group| {
        let used = group.used.saturating_sub(group.cache);
        Some(group.limit?.saturating_sub(used))
    });
    left.chain(meminfo("MemAvailable:"))
        .min()
        .unwrap_or(u64::MAX)
}

fn meminfo(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// Memory of one control group; bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cgroup {
    limit: Option<u64>,
    used: u64,
    /// File pages that the kernel gives back before it kills a process.
    cache: u64,
}

impl Cgroup {
    /// The control group of this process and those around it, as far as they can be read; the limits of all of them
    /// hold.
    fn own() -> Vec<Self> {
        let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::around(&text, Path::new("/sys/fs/cgroup"))
    }

    /// Reads the groups of `/proc/self/cgroup`'s text, below the mount point of cgroup2, or of the memory controller of
    /// version 1.
    fn around(text: &str, mount: &Path) -> Vec<Self> {
        let mut groups = Vec::new();
        for line in text.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
                continue;
            };
            let (top, names) = match controllers {
                "" => (
                    mount.to_owned(),
                    ["memory.max", "memory.current", "inactive_file"],
                ),
                "memory" => (
                    mount.join("memory"),
                    [
                        "memory.limit_in_bytes",
                        "memory.usage_in_bytes",
                        "total_inactive_file",
                    ],
                ),
                _ => continue,
            };
            let inner = PathBuf::from(path.trim_start_matches('/'));
            // Inside a container the path may be one from outside of it; then only the mount's root can be read.
            for folder in inner.ancestors().map(|part| top.join(part)) {
                groups.extend(Self::read(&folder, names));
            }
        }
        groups
    }

    fn read(folder: &Path, [limit, used, cache]: [&str; 3]) -> Option<Self> {
        let number = |name: &str| -> Option<u64> {
            let text = fs::read_to_string(folder.join(name)).ok()?;
            text.trim().parse().ok()
        };
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cache = stat.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == cache).then(|| value.parse().ok())?
        });
        Some(Self {
            // `max` is no number; that of version 1 is larger than any memory. Neither limits anything.
            limit: number(limit),
            used: number(used)?,
            cache: cache.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_any_group_around_us_holds() {
        let mount = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = mount.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write("a/memory.max", "1000\n");
        write("a/memory.current", "700\n");
        write("a/memory.stat", "anon 300\ninactive_file 400\n");
        write("a/b/memory.max", "max\n");
        write("a/b/memory.current", "600\n");
        let groups = Cgroup::around("0::/a/b\n", mount.path());
        let group = |limit, used, cache| Cgroup { limit, used, cache };
        assert_eq!(groups, [group(None, 600, 0), group(Some(1000), 700, 400)]);
        // A path from outside of the container: only the mount's root can be read.
        write("memory.max", "5\n");
        write("memory.current", "1\n");
        let groups = Cgroup::around("0::/docker/4711\n", mount.path());
        assert_eq!(groups, [group(Some(5), 1, 0)]);
        // Version 1.
        write("memory/x/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/x/memory.usage_in_bytes", "10\n");
        let text = "5:cpu,cpuacct:/x\n4:memory:/x\n";
        let groups = Cgroup::around(text, mount.path());
        assert_eq!(groups, [group(Some(9_223_372_036_854_771_712), 10, 0)]);
    }
}
