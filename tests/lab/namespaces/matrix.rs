//! `bridgelab matrix` with ghosts, which makes the same table as with MicroVMs.

use bridgelab_harness::report::{Outcome, side_by_side::SideBySide};
use support::output;

/// Instances of the file's own matrix are rows; values of the command line take its place.
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
