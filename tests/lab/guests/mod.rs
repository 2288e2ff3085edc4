//! Tests that need real MicroVMs, so an image and a VMM, under KVM or emulated.
//!
//! - What a guest does: [`background`], [`clock`], [`containers`], [`steering`]
//! - Templates: [`templates`], [`template_faults`]
//! - VMMs: [`hypervisors`], [`matrix`], [`vmm_faults`]
//! - A lab in a VM: [`lab_vm`]

mod background;
mod clock;
mod containers;
mod hypervisors;
mod lab_vm;
mod matrix;
mod steering;
mod template_faults;
mod templates;
mod vmm_faults;
