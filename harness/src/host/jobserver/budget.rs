//! What a lab needs, what the machine has, and whether one fits into the other.

use serde::{Deserialize, Serialize};

use super::memory::available_memory;
use crate::plan::Accelerator;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest, Scenario};

const MIB: u64 = 1 << 20;

/// A lab without guests: its worker, networkd, dnsmasq and captures. It keeps a core busy while it is built and
/// while evidence is gathered, and waits between.
const LAB: Need = Need {
    memory: 96 * MIB,
    millicores: 500,
};
/// What a VMM takes besides its guest's memory and a translator's.
const VMM_TCG: u64 = 64 * MIB;
const VMM_KVM: u64 = 128 * MIB;
/// A translated vcpu is a busy core while the guest boots.
const VCPU_TCG: u32 = 1000;
/// Each further vcpu of a guest: a boot, and Docker, keep two vcpus busy half of the time.
const NEXT_VCPU_TCG: u32 = 500;
/// A vcpu under KVM waits more than it computes.
const VCPU_KVM: u32 = 400;
/// A lab whose guests are up waits for deadlines, detection of duplicate addresses and timers: a tenth of what it
/// took before. Measured: all scenarios of the library, two at a time, left two thirds of the cores idle in their second half.
const AT_REST: u32 = 10;

/// Thousandths of a core that must be free for a lab to begin. A lab that needs more is slower at first, but does not
/// have to wait until all others have ended.
const CORE: u32 = 1000;

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
        let (vcpu, next) = match accelerator {
            Accelerator::Kvm => (VCPU_KVM, VCPU_KVM),
            Accelerator::Tcg => (VCPU_TCG, NEXT_VCPU_TCG),
        };
        let vmm = |guest: &Guest| match accelerator {
            Accelerator::Kvm => VMM_KVM,
            Accelerator::Tcg => VMM_TCG + translator(guest),
        };
        let guests = scenario
            .guests
            .values()
            .fold(Self::default(), |sum, guest| {
                sum.plus(Self {
                    memory: u64::from(guest.mem) * MIB + vmm(guest),
                    millicores: vcpu + u32::from(guest.vcpu.saturating_sub(1)) * next,
                })
            });
        Self {
            memory: LAB.memory + guests.memory,
            // The lab's own processes idle while guests compute.
            millicores: LAB.millicores.max(guests.millicores),
        }
    }

    /// What a lab without MicroVMs takes.
    pub fn of_a_lab() -> Self {
        LAB
    }

    /// What of it is left when the guests are up and their containers run: all the memory, few of the cores.
    #[must_use]
    pub fn at_rest(self) -> Self {
        Self {
            millicores: self.millicores / AT_REST,
            ..self
        }
    }

    /// This need, and `memory` bytes besides.
    #[must_use]
    pub fn and_memory(self, memory: u64) -> Self {
        self.plus(Self {
            memory,
            millicores: 0,
        })
    }

    /// The sum of both needs.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            memory: self.memory.saturating_add(other.memory),
            millicores: self.millicores.saturating_add(other.millicores),
        }
    }
}

/// Memory for QEMU's translated code: its buffer, and an index of a quarter of that. Measured after a boot of Debian
/// with Docker: 1294 MiB for a buffer of 1024; of `tiny` after a run's checks: less than the guest's own memory and
/// this.
fn translator(guest: &Guest) -> u64 {
    let buffer = u64::from(Provides::of(&guest.image).translated) * MIB;
    buffer + buffer / 4
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
    /// A number of labs, whatever they need (`--jobs`).
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
                    // Other programs took memory since the budget was made. A running lab gives some back when it ends.
                    Some(format!(
                        "{} of memory ({} are free)",
                        mebibytes(need.memory),
                        mebibytes(available)
                    ))
                } else if used.millicores.saturating_add(need.millicores.min(CORE))
                    > budget.millicores
                {
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
    // Rounded up, so that a machine with the printed size has enough.
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

#[cfg(test)]
mod tests {
    use super::super::memory::physical_memory;
    use super::*;

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
        let calm = Need {
            millicores: 500,
            ..small
        };
        let wide = Need {
            millicores: 4000,
            ..small
        };
        assert_eq!(short(wide, calm, free), None);
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
    fn many_tiny_guests_fit_where_one_debian_does() {
        let guest = |image: &str| {
            let text =
                format!("version = 1\nsummary = \"a guest\"\n[guests.one]\nimage = \"{image}\"\n");
            let folder = tempfile::tempdir().expect("a temporary directory");
            let file = folder.path().join("one.toml");
            std::fs::write(&file, text).expect("a file");
            let loaded = crate::scenario::load(&file).expect("it is valid");
            loaded.scenario(None).expect("it is valid")
        };
        let need = |image, accelerator| Need::of(&guest(image), accelerator).memory;
        let debian = need("debian", Accelerator::Tcg);
        assert_eq!(debian, (1024 + 1344 + 96) * MIB);
        assert!(need("tiny", Accelerator::Tcg) * 5 < debian);
        // Under KVM nothing is translated.
        let kvm = |image| need(image, Accelerator::Kvm);
        assert_eq!(kvm("debian") - kvm("tiny"), (1024 - 128) * MIB);
    }

    #[test]
    fn this_machine_has_memory_and_cores() {
        let budget = Budget::measure();
        assert!(budget.millicores >= 1000 && budget.memory > 0, "{budget:?}");
        assert!(budget.memory < physical_memory(), "{budget:?}");
    }
}
