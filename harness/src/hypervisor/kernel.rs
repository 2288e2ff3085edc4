//! The kernel command line of guests.

use super::{Accelerator, GuestSpec, Start};

/// The kernel command line. `reboot`: how the kernel resets the machine, by which most VMMs end (`reboot=` of the kernel's
/// parameters).
pub(super) fn command_line(spec: &GuestSpec, reboot: &str) -> String {
    // Without this option half of the boots of microvm under TCG hang while the kernel calibrates the time stamp
    // counter.
    let tsc = spec.tsc_mhz.map(|mhz| format!("tsc_early_khz={mhz}000"));
    let mut words = vec!["console=ttyS0", reboot, "panic=-1"];
    if spec.disk.is_some() {
        words.extend(["root=/dev/vda", "rw", "rootfstype=ext4"]);
    }
    words.extend(["net.ifnames=1", "8250.nr_uarts=1", "quiet"]);
    if spec.image.networkd {
        words.push("systemd.show_status=error");
    }
    if spec.accelerator == Accelerator::Tcg {
        words.extend(tsc.as_deref());
        words.push("mitigations=off");
    }
    if spec.start != Start::Cold {
        // The image's initrd reads this word, and then nothing that keeps an identity is started.
        words.push("bridgelab.template");
    }
    words.join(" ")
}

/// Resets by a triple fault, as microvm.nix has it: it ends QEMU with `-no-reboot`.
pub(super) const TRIPLE_FAULT: &str = "reboot=t";
/// Resets by the keyboard controller, the only reset that the smallest VMMs have.
pub(super) const KEYBOARD: &str = "reboot=k";
