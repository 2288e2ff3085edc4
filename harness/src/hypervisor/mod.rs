//! The VMM program: its command line (pure), its process, its monitor.
//!
//! This layer knows neither namespaces nor images: it gets descriptors and paths, so that every command line is
//! testable without a network.

pub mod command;
mod descriptor;
mod guest_spec;
mod kernel;
#[cfg(test)]
mod lines;
mod monitor;
mod nic;
mod program;
mod steering;
mod table;

pub use crate::plan::Accelerator;
pub use cloud_hypervisor::CLOUD_HYPERVISOR;
pub use guest_spec::{GuestSpec, MachineKind, Start};
pub use monitor::{Monitor, MonitorError};
pub use nic::{FIRST_NIC_FD, NIC_PORTS, Nic, macvtap_node, nics};
pub use program::{Hypervisor, Needs};
pub use qemu::{QEMU, qmp, restore, save};
pub use steering::{STEER_PORTS, STEER_VSOCK_PORT, Steering};
pub use table::{vmm_table, vmm_words};

use crate::scenario::HypervisorKind;
use crate::scenario::vmm::{Vmm, VmmTable};
use command::CommandLine;

/// The table of VMMs. A row names a file of this folder and the structure in it that implements [`Hypervisor`]; the
/// file's `VMM` is what is known of the program. Guests that name no VMM get the first row.
macro_rules! vmms {
    ($($visible:vis $file:ident::$program:ident,)+) => {
        $($visible mod $file;)+
        static ROWS: &[&Vmm] = &[$(&$file::VMM),+];
        static PROGRAMS: &[(&Vmm, &dyn Hypervisor)] = &[$((&$file::VMM, &$file::$program)),+];
        inventory::submit! { VmmTable(ROWS) }
    };
}

vmms! {
    pub qemu::Qemu,
    cloud_hypervisor::CloudHypervisor,
    alioth::Alioth,
    firecracker::Firecracker,
    crosvm::Crosvm,
    kvmtool::Kvmtool,
}

/// The program of a kind.
pub fn hypervisor(kind: HypervisorKind) -> &'static dyn Hypervisor {
    let row = PROGRAMS.iter().find(|(row, _)| row.name == kind.name);
    row.map_or(PROGRAMS[0].1, |(_, program)| *program)
}

/// The command line of a guest's VMM. Pure; inherited descriptors are named by number.
pub fn command(spec: &GuestSpec) -> CommandLine {
    hypervisor(spec.hypervisor).command(spec)
}

impl GuestSpec {
    /// Where the guest's steering channel number `channel` is.
    pub fn steering(&self, channel: usize) -> Steering {
        hypervisor(self.hypervisor).steering(self, channel)
    }
}
