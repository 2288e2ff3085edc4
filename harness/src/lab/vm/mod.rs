//! A lab inside a VM: an outer QEMU boots Debian's full kernel, and the worker of a run works in there.
//!
//! For machines whose kernel lacks what a scenario needs (KVM, netem, VLANs, vhost). Where the machine has no KVM,
//! QEMU emulates AMD's SVM, and there is a real `/dev/kvm` inside all the same. See `docs/lab-in-vm.md`.
//!
//! ```text
//! share    what the VM gets to see of this machine: a read-only folder, by 9p
//! command  the outer QEMU's command line
//! talk     three virtio-serial ports: the worker's two streams, the VM's own words, evidence
//! worker   the process that holds all that, in namespaces of its own
//! ```

mod command;
mod share;
mod talk;
mod worker;

pub use worker::{WORKER_COMMAND, worker_main};

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::job_image::JobImage;
use crate::diagnostic::Diagnose;
use crate::host::isolate::IsolateError;
use crate::host::jobserver::Need;
use crate::host::service::ServiceError;
use crate::plan::Accelerator;
use crate::scenario::provides::Provides;

/// Name of the image's recipe.
pub const IMAGE: &str = "lab-vm";

/// Memory that the VM's own kernel, programs and cached files take, in MiB.
const SYSTEM: u64 = 768;
/// Step of the VM's memory sizes, in MiB.
const STEP: u64 = 256;
/// Memory that QEMU takes besides the VM's, in MiB.
const VMM: u64 = 64;

/// What a worker needs to know to put a run's lab into a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabVm {
    /// The built image that the VM boots.
    pub image: JobImage,
    /// Accelerator of the outer VM.
    pub accelerator: Accelerator,
    /// Why that one.
    pub accelerator_reason: String,
    /// Memory in MiB.
    pub mem: u32,
    /// Virtual CPUs.
    pub vcpu: u8,
    /// Kernel modules that nothing loads by itself, `br_netfilter` for example.
    pub modules: Vec<String>,
    /// VMM programs of this machine that the VM gets as well.
    pub programs: Vec<PathBuf>,
    /// Why the lab stands in a VM.
    pub reason: String,
}

impl LabVm {
    /// Memory in MiB and virtual CPUs of a VM that has room for a lab which needs `lab`.
    pub fn size(lab: Need) -> (u32, u8) {
        let mib = SYSTEM + (lab.memory >> 20);
        let mem = u32::try_from(mib.next_multiple_of(STEP)).unwrap_or(u32::MAX);
        // One for the lab, and one for each core that the lab would keep busy, but no more than emulation can bear.
        let cores = lab.millicores.div_ceil(1000) + 1;
        (mem, cores.clamp(2, 4) as u8)
    }

    /// What the VM takes of this machine.
    pub fn need(&self) -> Need {
        let (translated, millicores) = match self.accelerator {
            Accelerator::Kvm => (0, 400),
            Accelerator::Tcg => {
                let buffer = u64::from(Provides::of(IMAGE).translated);
                (buffer + buffer / 4, 1000)
            }
        };
        Need {
            memory: (u64::from(self.mem) + VMM + translated) << 20,
            millicores: u32::from(self.vcpu) * millicores,
        }
    }
}

/// The VM did not come up, or did not stay until the run's end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabVmError {
    /// A file, a socket.
    #[error("{doing} for the lab VM")]
    Io {
        /// What was being done, with what.
        doing: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A mount.
    #[error("show a folder to the lab VM")]
    Mount(#[from] IsolateError),
    /// QEMU did not start.
    #[error("start the lab VM")]
    Vmm(#[from] ServiceError),
    /// The VM ended while the run went on.
    #[error(
        "keep the lab VM running: it ended before the run did{said}; last lines of its console:\n{tail}"
    )]
    Died {
        /// What QEMU said.
        said: String,
        /// End of the serial console.
        tail: String,
    },
    /// The VM did not get as far as to take a job.
    #[error("wait {waited:.0?} for the lab VM to boot; last lines of its console:\n{tail}")]
    BootTimeout {
        /// How long.
        waited: Duration,
        /// End of the serial console.
        tail: String,
    },
    /// The VM stopped saying that it is alive.
    #[error("hear from the lab VM: nothing for {waited:.0?}; last lines of its console:\n{tail}")]
    Silent {
        /// How long.
        waited: Duration,
        /// End of the serial console.
        tail: String,
    },
    /// The VM could not do what it is for.
    #[error("prepare the lab VM: `{what}` failed; last lines of its console:\n{tail}")]
    Refused {
        /// What the VM could not do.
        what: String,
        /// End of the serial console.
        tail: String,
    },
    /// The VM has no KVM.
    #[error(
        "find /dev/kvm in the lab VM, which runs on {accelerator} ({why}); last lines of its console:\n{tail}"
    )]
    NoKvm {
        /// The outer accelerator.
        accelerator: Accelerator,
        /// Why that one.
        why: String,
        /// End of the serial console.
        tail: String,
    },
    /// Somebody interrupted the run before the VM had a worker.
    #[error("boot the lab VM: interrupted")]
    Cancelled,
    /// The worker in it ended without a report.
    #[error(
        "get a report from the worker in the lab VM: it ended with {status}; last lines of its console:\n{tail}"
    )]
    NoReport {
        /// Exit status.
        status: String,
        /// End of the serial console.
        tail: String,
    },
}

impl Diagnose for LabVmError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "lab-vm.io",
            Self::Mount(_) => "lab-vm.mount",
            Self::Vmm(_) => "lab-vm.vmm",
            Self::Died { .. } => "lab-vm.died",
            Self::BootTimeout { .. } => "lab-vm.boot-timeout",
            Self::Silent { .. } => "lab-vm.silent",
            Self::Refused { .. } => "lab-vm.refused",
            Self::NoKvm { .. } => "lab-vm.no-kvm",
            Self::Cancelled => "lab-vm.cancelled",
            Self::NoReport { .. } => "lab-vm.worker-died",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Mount(error) => error.help(),
            Self::Vmm(error) => error.help(),
            Self::NoKvm {
                accelerator: Accelerator::Kvm,
                ..
            } => Some(
                "let KVM nest: `modprobe -r kvm_intel && modprobe kvm_intel nested=1`".to_owned(),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm(accelerator: Accelerator, lab: Need) -> LabVm {
        let (mem, vcpu) = LabVm::size(lab);
        LabVm {
            image: JobImage {
                folder: PathBuf::from("/image"),
                digest: "0".to_owned(),
            },
            accelerator,
            accelerator_reason: String::new(),
            mem,
            vcpu,
            modules: Vec::new(),
            programs: Vec::new(),
            reason: String::new(),
        }
    }

    #[test]
    fn it_has_room_for_its_lab_and_is_counted_whole() {
        let lab = Need {
            memory: 1000 << 20,
            millicores: 400,
        };
        let kvm = vm(Accelerator::Kvm, lab);
        assert_eq!((kvm.mem, kvm.vcpu), (1792, 2));
        assert_eq!(kvm.need().memory, (1792 + 64) << 20);
        let tcg = vm(Accelerator::Tcg, lab);
        assert!(tcg.need().memory > kvm.need().memory, "translated code");
        assert_eq!(tcg.need().millicores, 2000);
        let many = Need {
            memory: 0,
            millicores: 9000,
        };
        assert_eq!(LabVm::size(many).1, 4);
    }
}
