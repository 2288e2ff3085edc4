//! `bridgelab matrix` with MicroVMs: the guests really have the values that are varied.

use bridgelab_harness::report::{Outcome, side_by_side::SideBySide};
use support::output;

/// The VMM gets what was asked for: two processors on PCI, and on nothing else.
#[test]
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
