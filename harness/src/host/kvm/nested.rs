//! Whether KVM here lets its guests have a KVM of their own.

use std::fs;

use super::Accelerator;

/// The accelerator for a VM in which KVM has to work, where guests get `here`, and why.
pub fn accelerator_for_nesting(here: Accelerator, why: &str) -> (Accelerator, String) {
    let read = |module: &str| {
        let file = format!("/sys/module/{module}/parameters/nested");
        fs::read_to_string(file).unwrap_or_default()
    };
    choose(here, why, [read("kvm_intel"), read("kvm_amd")])
}

/// Chooses by `nested`, the parameters of the two modules; that of a module which is not loaded is empty.
fn choose(here: Accelerator, why: &str, nested: [String; 2]) -> (Accelerator, String) {
    if here == Accelerator::Tcg {
        return (here, format!("{why}; SVM is emulated"));
    }
    // kvm_intel says Y or N, kvm_amd 1 or 0.
    if nested.iter().any(|said| matches!(said.trim(), "Y" | "1")) {
        return (here, "KVM nests here".to_owned());
    }
    let why = "KVM does not nest here (`cat /sys/module/kvm_*/parameters/nested`); SVM is emulated";
    (Accelerator::Tcg, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kvm_that_nests_has_a_kvm_inside() {
        let chosen = |here, intel: &str, amd: &str| {
            choose(here, "no vmx", [intel.to_owned(), amd.to_owned()]).0
        };
        use Accelerator::{Kvm, Tcg};
        assert_eq!(chosen(Kvm, "Y\n", ""), Kvm);
        assert_eq!(chosen(Kvm, "", "1\n"), Kvm);
        assert_eq!(chosen(Kvm, "N\n", ""), Tcg);
        assert_eq!(chosen(Kvm, "", ""), Tcg);
        assert_eq!(chosen(Tcg, "Y\n", ""), Tcg);
        assert!(
            choose(Tcg, "no vmx", Default::default())
                .1
                .starts_with("no vmx")
        );
    }
}
