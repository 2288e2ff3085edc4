//! What a lab needs, what the machine has, and whether one fits into the other.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::Accelerator;
use crate::scenario::Scenario;

const MIB: u64 = 1 << 20;

/// A lab without guests: its worker, networkd, dnsmasq and captures. It keeps a core busy while it is built and
/// while evidence is gathered, and waits between.
const LAB: Need = Need {
    memory: 96 * MIB,
    millicores: 500,
};
/// What a VMM takes besides its guest's memory. QEMU's translator keeps translated code, which grows with what the
/// guest executes.
const VMM_TCG: u64 = 256 * MIB;
const VMM_KVM: u64 = 64 * MIB;
/// A translated vcpu is a busy core while the guest boots.
const VCPU_TCG: u32 = 1000;
/// With KVM it waits more than it computes.
const VCPU_KVM: u32 = 400;

/// What a lab takes from the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Bytes.
    pub memory: u64,
    /// Thousandths of a core.
    pub millicores: u32,
}

impl Need {
    /// What a run of this scenario takes: the sum of its guests' memory and vcpus, what their VMMs take besides, and
    /// the lab itself.
    pub fn of(scenario: &Scenario, accelerator: Accelerator) -> Self {
        let (vmm, vcpu) = match accelerator {
            Accelerator::Kvm => (VMM_KVM, VCPU_KVM),
            Accelerator::Tcg => (VMM_TCG, VCPU_TCG),
        };
        let guests = scenario
            .guests
            .values()
            .fold(Self::default(), |sum, guest| {
                sum.plus(Self {
                    memory: u64::from(guest.mem) * MIB + vmm,
                    millicores: u32::from(guest.vcpu) * vcpu,
                })
            });
        Self {
            memory: LAB.memory + guests.memory,
            // The lab's own processes idle while guests compute.
            millicores: LAB.millicores.max(guests.millicores),
        }
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            memory: self.memory.saturating_add(other.memory),
            millicores: self.millicores.saturating_add(other.millicores),
        }
    }
}

/// What all labs together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Bytes.
    pub memory: u64,
    /// Thousandths of a core.
    pub millicores: u32,
}

impl Budget {
    /// Three quarters of the memory that is available, and of the cores, rounded up.
    pub fn measure() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            memory: available_memory() / 4 * 3,
            millicores: u32::try_from(cores - cores / 4).map_or(u32::MAX, |n| n * 1000),
        }
    }
}

/// What bounds the labs that run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The [`Budget`].
    Machine,
    /// So many, whatever they need (`--jobs`).
    Jobs(u32),
}

impl Limit {
    /// What is missing, in words, for `need` to run beside `count` others that use `used`; `None`: it fits.
    pub(super) fn short_of(
        self,
        need: Need,
        used: Need,
        count: usize,
        budget: Budget,
        available: u64,
    ) -> Option<String> {
        match self {
            Self::Jobs(jobs) if count < jobs as usize => None,
            Self::Jobs(1) => Some("the only job".to_owned()),
            Self::Jobs(jobs) => Some(format!("one of {jobs} jobs")),
            Self::Machine => {
                let both = used.plus(need);
                if both.memory > budget.memory {
                    Some(format!(
                        "{} of memory ({} of {} are taken)",
                        mebibytes(need.memory),
                        mebibytes(used.memory),
                        mebibytes(budget.memory)
                    ))
                } else if need.memory > available {
                    // Somebody else's since the budget was made; what runs now gives some back when it ends.
                    Some(format!(
                        "{} of memory ({} are free)",
                        mebibytes(need.memory),
                        mebibytes(available)
                    ))
                } else if both.millicores > budget.millicores {
                    Some(format!(
                        "{} of {} cores ({} are taken)",
                        cores(need.millicores),
                        cores(budget.millicores),
                        cores(used.millicores)
                    ))
                } else {
                    None
                }
            }
        }
    }
}

/// `2.5 GiB`, `96 MiB`.
pub(super) fn mebibytes(bytes: u64) -> String {
    let mib = bytes / MIB;
    if mib < 1024 {
        return format!("{mib} MiB");
    }
    // Rounded up: what is said to suffice suffices.
    let tenths = (mib * 10).div_ceil(1024);
    match tenths % 10 {
        0 => format!("{} GiB", tenths / 10),
        rest => format!("{}.{rest} GiB", tenths / 10),
    }
}

fn cores(millicores: u32) -> String {
    let text = format!("{}.{:03}", millicores / 1000, millicores % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes of memory that we could ever have: the machine's, or a control group's limit where that is less.
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
pub(super) struct Cgroup {
    limit: Option<u64>,
    used: u64,
    /// File pages that the kernel gives back before it kills anybody.
    cache: u64,
}

impl Cgroup {
    /// Ours and those around it, as far as they can be read; the limits of all of them hold.
    fn own() -> Vec<Self> {
        let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::around(&text, Path::new("/sys/fs/cgroup"))
    }

    /// Of `/proc/self/cgroup`'s text, below the mount point of cgroup2, or of the memory controller of version 1.
    pub(super) fn around(text: &str, mount: &Path) -> Vec<Self> {
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
            // The path may be one of the world outside our container; then only the mount's root can be read.
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
            // `max`, or version 1's enormous number, which no minimum ever is.
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
        // A path of outside the container: nothing but the mount's root.
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

    #[test]
    fn what_is_missing_is_said_in_units() {
        let need = Need {
            memory: 2048 * MIB,
            millicores: 1000,
        };
        let budget = Budget {
            memory: 3072 * MIB,
            millicores: 1500,
        };
        let short =
            |need, used, available| Limit::Machine.short_of(need, used, 1, budget, available);
        let free = u64::MAX;
        assert_eq!(short(need, Need::default(), free), None);
        assert_eq!(
            short(need, need, free).as_deref(),
            Some("2 GiB of memory (2 GiB of 3 GiB are taken)")
        );
        let small = Need {
            memory: 96 * MIB,
            ..need
        };
        assert_eq!(
            short(small, small, free).as_deref(),
            Some("1 of 1.5 cores (1 are taken)")
        );
        assert_eq!(
            short(small, LAB, 50 * MIB).as_deref(),
            Some("96 MiB of memory (50 MiB are free)")
        );
        assert_eq!(Limit::Jobs(2).short_of(need, need, 1, budget, 0), None);
        assert!(
            Limit::Jobs(1)
                .short_of(need, need, 1, budget, free)
                .is_some()
        );
    }

    #[test]
    fn this_machine_has_memory_and_cores() {
        let budget = Budget::measure();
        assert!(budget.millicores >= 1000 && budget.memory > 0, "{budget:?}");
        assert!(budget.memory < physical_memory(), "{budget:?}");
    }
}
