//! `bridgelab matrix`: the product of some values over a scenario, in one table.

use crate::rows::refused;
use support::output;

/// Values that no axis takes are all reported, and nothing is built.
#[test]
fn values_that_nobody_takes_are_bad_input() {
    let many: Vec<String> = (1..=65).map(|n| n.to_string()).collect();
    refused(&[
        ("matrix simple-network", &["--hypervisor"]),
        (
            "matrix simple-network --transport pci,pcie --vcpu none --guests ghosts",
            &[
                "`transport` cannot be `pcie`",
                "did you mean `pci`?",
                "`vcpu` cannot be `none`",
                "one of vm, ghost",
            ],
        ),
        (
            &format!("matrix simple-network --vcpu {}", many.join(",")),
            &["65 combinations"],
        ),
        (
            "matrix simple-network --vcpu 1 --variant no-20",
            &["has no form `no-20`"],
        ),
    ]);
}

/// An impossible combination is a row without a verdict, with the reason. If all combinations are impossible, nothing was run,
/// and the call does not succeed.
#[test]
fn a_combination_that_cannot_be_is_blank_and_named() {
    let words = "matrix simple-network --machine q35 --transport mmio".split(' ');
    let (code, out, err) = output(&words.collect::<Vec<_>>());
    assert_eq!(code, Some(2), "{err}");
    let row = out.lines().find(|line| line.starts_with("| 1 "));
    let row = row.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let row = row.expect("a row");
    assert_eq!(row[2..5], ["q35", "mmio", ""], "{out}");
    assert!(
        out.contains("- row 1: not run: machine `q35` has no virtio-mmio"),
        "{out}"
    );
    assert!(!err.contains("building"), "{err}");
}
