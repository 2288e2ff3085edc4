//! Whether KVM runs a stock kernel, and which accelerator follows from that.
//!
//! A `/dev/kvm` that opens and creates a VM proves nothing: a paravirtual KVM does both and then dies in the first
//! instructions of a stock kernel. So the facts that rule KVM out come first, and then a stock kernel is
//! booted up to the point where it misses its root file system.

mod accelerator;
mod boot;
mod cache;
mod nested;
mod verdict;

pub use accelerator::{Accelerator, AcceleratorRequest, select_accelerator};
pub use nested::accelerator_for_nesting;

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
pub use verdict::KvmVerdict;

use nix::unistd::{Gid, Group, geteuid};

use super::modules::{as_root, kernel_release, load_command};
use super::probe::user_name;
use crate::deadline::Deadline;

/// Proves that KVM runs `kernel`, or a kernel of this machine when there is none. Verdicts that a boot has earned are
/// remembered in `cache` until the machine, its kernel, QEMU or the node changes.
pub async fn prove_kvm(
    qemu: &Path,
    kernel: Option<&Path>,
    cache: Option<&Path>,
    by: Deadline,
) -> KvmVerdict {
    if let Some(known) = known_kvm(qemu, cache) {
        return known;
    }
    let Some(kernel) = kernel.map(Path::to_owned).or_else(kernel_of_this_machine) else {
        let reason =
            "no kernel to boot: neither an image has been built nor is one in /boot readable";
        return KvmVerdict::Unproven {
            reason: reason.to_owned(),
        };
    };
    let key = cache::Key::here(qemu);
    let verdict = boot::try_boot(qemu, &kernel, Accelerator::Kvm, by).await;
    if let Some(folder) = cache {
        cache::store(folder, &key, &verdict);
    }
    verdict
}

/// What is known about KVM without starting anything: facts that rule it out, and remembered verdicts.
pub fn known_kvm(qemu: &Path, cache: Option<&Path>) -> Option<KvmVerdict> {
    ruled_out().or_else(|| cache::load(cache?, &cache::Key::here(qemu)))
}

/// The facts that make a trial pointless.
fn ruled_out() -> Option<KvmVerdict> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .map(drop);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let root = geteuid().is_root();
    match opened.map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound) => Some(no_node(&cpu, root)),
        // Where KVM cannot work, more rights on its node would mend nothing.
        Err(ErrorKind::PermissionDenied) if !lacks_virtualisation(&cpu) => Some(KvmVerdict::No {
            reason: "/dev/kvm may not be opened by this user".to_owned(),
            remedy: Some(as_root(&access_command(), root)),
        }),
        Ok(()) | Err(ErrorKind::PermissionDenied) if lacks_virtualisation(&cpu) => {
            Some(KvmVerdict::no(
                "there is a /dev/kvm, but the processor shows neither vmx nor svm: such a KVM (paravirtual, as kvm-pvm) \
             runs no stock kernel",
            ))
        }
        Err(kind) => Some(KvmVerdict::no(format!("/dev/kvm does not open: {kind}"))),
        Ok(()) => None,
    }
}

/// The command that gives this user access to the node: as a member of its group, where the group has access.
fn access_command() -> String {
    let group = fs::metadata("/dev/kvm").ok().and_then(|about| {
        let shared = about.gid() != 0 && about.mode() & 0o060 == 0o060;
        Group::from_gid(Gid::from_raw(about.gid()))
            .ok()
            .flatten()
            .filter(|_| shared)
    });
    match group {
        Some(group) => format!("usermod -aG {} {}", group.name, user_name()),
        None => "chmod 0666 /dev/kvm".to_owned(),
    }
}

fn no_node(cpu: &str, root: bool) -> KvmVerdict {
    let module = if has_flag(cpu, "svm") {
        "kvm_amd"
    } else {
        "kvm_intel"
    };
    KvmVerdict::No {
        reason: if lacks_virtualisation(cpu) {
            "there is no /dev/kvm, and the processor shows neither vmx nor svm: switch virtualisation on in the \
             firmware, or nested virtualisation in the outer machine"
                .to_owned()
        } else {
            "there is no /dev/kvm".to_owned()
        },
        remedy: if lacks_virtualisation(cpu) {
            None
        } else {
            load_command(module, root)
        },
    }
}

/// Whether the processor has no virtualisation. Only x86 tells so in `/proc/cpuinfo`.
fn lacks_virtualisation(cpu: &str) -> bool {
    cfg!(target_arch = "x86_64") && !has_flag(cpu, "vmx") && !has_flag(cpu, "svm")
}

fn has_flag(cpu: &str, flag: &str) -> bool {
    cpu.lines()
        .filter(|line| line.starts_with("flags"))
        .filter_map(|line| line.split_once(':'))
        .any(|(_, flags)| flags.split_whitespace().any(|word| word == flag))
}

/// The running kernel's own file if it is readable (Ubuntu lets only root read it), else any other.
fn kernel_of_this_machine() -> Option<PathBuf> {
    let readable = |path: &PathBuf| fs::File::open(path).is_ok();
    let own = PathBuf::from("/boot").join(format!("vmlinuz-{}", kernel_release()));
    if readable(&own) {
        return Some(own);
    }
    let entries = fs::read_dir("/boot").ok()?.filter_map(Result::ok);
    let mut kernels: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz-"))
        .map(|entry| entry.path())
        .filter(readable)
        .collect();
    kernels.sort();
    kernels.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_whole_words_of_the_flags_line() {
        let intel = "model name\t: svm maker\nflags\t\t: fpu vmx sse\nvmx flags\t: vnmi ept\n";
        assert!(has_flag(intel, "vmx"));
        assert!(!has_flag(intel, "svm"));
        assert!(!has_flag("flags\t: fpu svm_lock\n", "svm"));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_missing_node_on_a_processor_without_virtualisation_has_no_command() {
        let KvmVerdict::No { reason, remedy } = no_node("flags\t: fpu\n", true) else {
            panic!("must be No")
        };
        assert!(reason.contains("firmware"), "{reason}");
        assert_eq!(remedy, None);
    }

    #[tokio::test]
    async fn kvm_without_virtualisation_flags_is_no_with_a_reason() {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if !lacks_virtualisation(&cpu) {
            // This machine lacks nothing, so this is no failure under BRIDGELAB_STRICT=1.
            eprintln!("skipped: because this processor may run KVM");
            return;
        }
        let verdict = prove_kvm(Path::new("/nonexistent"), None, None, Deadline::secs(1)).await;
        assert!(matches!(verdict, KvmVerdict::No { .. }), "{verdict:?}");
    }
}
