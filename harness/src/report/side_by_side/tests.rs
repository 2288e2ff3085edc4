//! A table of a few made-up runs.

use super::{Combination, SideBySide};
use crate::report::RunReport;

/// A run of one guest with one NIC and these checks: `id=outcome=got`.
fn run(outcome: &str, nic: &str, features: &[&str], checks: &[&str]) -> RunReport {
    let check = |text: &&str| {
        let words: Vec<&str> = text.splitn(3, '=').collect();
        let [id, outcome, got] = words.as_slice() else {
            panic!("id=outcome=got, not {text}");
        };
        serde_json::json!({
            "id": id, "from": "test1", "kind": "ping", "outcome": outcome, "must_fail": false,
            "expected": "a reply", "got": got, "attempts": 1, "ms": 1,
        })
    };
    let run = serde_json::json!({
        "scenario": "s", "variant": null, "outcome": outcome, "problem": null, "differences": [],
        "accelerator": "tcg", "accelerator_reason": "",
        "guests": [{
            "name": "test1", "machine": "microvm", "reason": "", "start": "cold", "start_reason": "",
            "nics": [{ "id": "vm-test1", "name": nic, "mac": "02:00:00:00:00:01", "mtu": 1500,
                       "queues": 1, "bus": "pci", "features": features }],
        }],
        "checks": checks.iter().map(check).collect::<Vec<_>>(),
        "stages": [], "versions": { "vmm": "QEMU 10" }, "leaks": [], "evidence": null,
        "reproduce": "", "ms": 12_345,
    });
    serde_json::from_value(run).expect("a report of a run")
}

fn combination(values: &[&str], run: Result<RunReport, &str>) -> Combination {
    let (run, reason) = match run {
        Ok(run) => (Some(run), None),
        Err(reason) => (None, Some(reason.to_owned())),
    };
    Combination {
        form: "green".to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        reason,
        run,
    }
}

fn side_by_side(combinations: Vec<Combination>) -> SideBySide {
    SideBySide::new(
        "s",
        vec!["machine".to_owned(), "transport".to_owned()],
        combinations,
    )
}

#[test]
fn what_differs_is_told_with_where_and_what_cannot_be_is_blank_and_named() {
    let mut broken = run("broken", "eth0", &[], &[]);
    broken.guests.clear();
    broken.problem = Some(crate::report::Problem {
        code: "hypervisor.ended".to_owned(),
        chain: vec![
            "boot guest `test1`".to_owned(),
            "qemu: no such\nflag".to_owned(),
        ],
        help: None,
    });
    let table = side_by_side(vec![
        combination(
            &["microvm", "pci"],
            Ok(run(
                "passed",
                "enp0s1",
                &["CSUM", "MTU"],
                &["a=passed=a reply", "b=passed=1 ms"],
            )),
        ),
        combination(
            &["microvm", "mmio"],
            Ok(run(
                "failed",
                "eth0",
                &["CSUM"],
                &["a=failed=no\nreply", "b=passed=2 ms"],
            )),
        ),
        combination(&["q35", "pci"], Ok(broken)),
        combination(&["q35", "mmio"], Err("machine `q35` has no virtio-mmio")),
    ]);
    insta::assert_snapshot!("table", table.markdown());
    let json = serde_json::to_value(&table).expect("JSON");
    assert_eq!(json["combinations"][3]["run"], serde_json::Value::Null);
    assert_eq!(
        json["differences"][0]["sights"][1]["rows"],
        serde_json::json!([2])
    );
    assert_eq!(table.runs().len(), 3);
}

#[test]
fn what_is_the_same_everywhere_is_no_difference() {
    let one = || {
        run(
            "passed",
            "eth0",
            &["CSUM"],
            &["a=failed=no reply after 1 s"],
        )
    };
    let mut other = one();
    "no reply after 2 s".clone_into(&mut other.checks[0].got);
    let table = side_by_side(vec![
        combination(&["microvm", "pci"], Ok(one())),
        combination(&["microvm", "mmio"], Ok(other)),
    ]);
    assert_eq!(table.differences, []);
}

#[test]
fn forms_are_not_compared_with_each_other() {
    let mut red = combination(
        &["microvm", "pci"],
        Ok(run("passed", "eth0", &[], &["a=failed=x"])),
    );
    "red".clone_into(&mut red.form);
    let table = side_by_side(vec![
        combination(
            &["microvm", "pci"],
            Ok(run("passed", "eth0", &[], &["a=passed=x"])),
        ),
        red,
    ]);
    assert_eq!(table.differences, []);
    assert!(table.markdown().contains("| red "), "{}", table.markdown());
}
