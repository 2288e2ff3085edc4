//! `bridgelab matrix`: the product of some values over a scenario, in one table.

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use bridgelab_harness::report::{Outcome, side_by_side::SideBySide};
use support::output;

/// Nothing is built for values that nobody can take, and all of them are told.
#[test]
fn values_that_nobody_takes_are_bad_input() {
    let (code, out, err) = output(&["matrix", "simple-network"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("--hypervisor"), "{err}");
    let words = [
        "--transport",
        "pci,pcie",
        "--vcpu",
        "none",
        "--guests",
        "ghosts",
    ];
    let (code, out, err) = output(&[&["matrix", "simple-network"], &words[..]].concat());
    assert_eq!((code, out.as_str()), (Some(2), ""));
    for told in [
        "`transport` cannot be `pcie`",
        "did you mean `pci`?",
        "`vcpu` cannot be `none`",
        "one of vm, ghost",
    ] {
        assert!(err.contains(told), "{err}");
    }
    let many = (1..=65)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let (code, _, err) = output(&["matrix", "simple-network", "--vcpu", &many]);
    assert_eq!(code, Some(2));
    assert!(err.contains("65 combinations"), "{err}");
    let (code, _, err) = output(&[
        "matrix",
        "simple-network",
        "--vcpu",
        "1",
        "--variant",
        "no-20",
    ]);
    assert_eq!(code, Some(2));
    assert!(err.contains("has no form `no-20`"), "{err}");
}

/// A combination that cannot be is a row without a verdict, whose reason is named; where there is no other, nothing was
/// run, and that is no success.
#[test]
fn a_combination_that_cannot_be_is_blank_and_named() {
    let words = [
        "matrix",
        "simple-network",
        "--machine",
        "q35",
        "--transport",
        "mmio",
    ];
    let (code, out, err) = output(&words);
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

/// Forms of the file's own matrix are rows; values that are asked for stand in its place.
#[test]
fn ghosts_are_a_value_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let text = "version = 1\nsummary = 'a'\n[matrix]\nmem = [128, 256]\nvcpu = [1, 2]\n\
        [guests.a]\nimage = 'tiny'\n\
        [[checks]]\nid = 'up'\nfrom = 'desktop'\nping = { to = '192.168.1.1' }\n\
        [variants.red]\nmust_fail = ['up']\n\
        [[variants.red.checks]]\nid = 'up'\nfrom = 'desktop'\nping = { to = '192.168.1.99' }\nwithin = '1s'\n";
    std::fs::write(path("a.toml"), text).expect("a scenario");
    let (code, out, err) = output(&[
        "matrix",
        &path("a.toml"),
        "--all-variants",
        "--vcpu",
        "3",
        "--guests",
        "ghost",
        "--markdown",
        &path("table.md"),
        "--json",
        &path("table.json"),
        "--evidence",
        &path("runs"),
    ]);
    let json = std::fs::read_to_string(path("table.json")).unwrap_or_default();
    let table: SideBySide =
        serde_json::from_str(&json).unwrap_or_else(|_| panic!("{code:?}: {err}"));
    if table
        .runs()
        .iter()
        .all(|run| run.outcome == Outcome::Skipped)
    {
        support::skip("this machine has no namespaces");
        return;
    }
    assert_eq!(code, Some(0), "{out}{err}");
    let rows: Vec<_> = table
        .combinations
        .iter()
        .map(|one| (one.form.as_str(), one.values.join(" ")))
        .collect();
    let all = [
        "green,mem=128",
        "green,mem=256",
        "red,mem=128",
        "red,mem=256",
    ];
    assert_eq!(rows, all.map(|form| (form, "3 ghost".to_owned())));
    for run in table.runs() {
        assert_eq!(run.outcome, Outcome::Passed, "{run:?}");
        assert!(run.reproduce.contains("--set vcpu=3"), "{}", run.reproduce);
        assert!(
            run.reproduce.contains("--guests ghost"),
            "{}",
            run.reproduce
        );
        assert!(!run.reproduce.contains(",vcpu=3"), "{}", run.reproduce);
    }
    let markdown = std::fs::read_to_string(path("table.md")).expect("a table");
    assert_eq!(markdown, out);
    assert!(markdown.contains("| red,mem=256 "), "{markdown}");
}

/// What was asked for reaches the VMM: two processors on PCI, and no others.
#[test]
#[cfg_attr(not(feature = "vm"), ignore = "needs --features vm")]
fn two_transports_stand_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("table.json");
    let (code, out, err) = output(&[
        "matrix",
        "tiny-guest",
        "--transport",
        "mmio,pci",
        "--start",
        "cold",
        "--json",
        &json.to_string_lossy(),
    ]);
    let text = std::fs::read_to_string(&json).unwrap_or_default();
    let table: SideBySide =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{code:?}: {err}"));
    if table
        .runs()
        .iter()
        .all(|run| run.outcome == Outcome::Skipped)
    {
        support::skip("this machine cannot run MicroVMs");
        return;
    }
    assert_eq!(code, Some(0), "{out}{err}");
    let bus = |at: usize| {
        let run = table.combinations[at].run.as_ref().expect("a run");
        run.guests[0].nics[0].nic.bus.clone()
    };
    assert_eq!((bus(0), bus(1)), ("mmio".to_owned(), "pci".to_owned()));
    let told = table
        .differences
        .iter()
        .find(|one| one.about.ends_with("its bus"));
    assert!(told.is_some(), "{:?}", table.differences);
    assert!(out.contains("What differs"), "{out}");
}
