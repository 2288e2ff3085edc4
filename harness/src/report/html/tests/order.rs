//! What stands on a page, and in which order.

use roxmltree::Document;

use super::{bare, body, full, made_up, names, parts, text};
use crate::report::{CheckOutcome, Outcome};

#[test]
fn causes_come_first_and_the_command_that_repeats_it_last() {
    let page = full(&made_up::run());
    let document = Document::parse(body(&page)).expect("well-formed");
    let expected = [
        "causes", "network", "checks", "steps", "time", "units", "machines", "evidence", "again",
    ];
    assert_eq!(parts(&document), expected);
    let names = names(&page);
    for name in [
        "script", "link", "img", "iframe", "form", "@style", "@onclick", "@onload", "@src",
    ] {
        assert!(!names.contains(name), "{name}");
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
}

#[test]
fn a_cause_is_told_with_its_line_the_break_the_remedy_and_whether_it_is_proven() {
    let page = full(&made_up::run());
    let told = text(&page);
    for words in [
        "1 cause explains 2 of 2 checks",
        "1. no unit of host puts my-microvm on br0",
        "Proven: with the remedy 2 of 2 checks hold in a second lab.",
        "host/10-lan.network:3:6",
        "     2  Name=eno1\n>    3  Name=vm-*\n     4  \n",
        "last seen: host ingress my-microvm | \u{2717} not seen: host bridge prerouting br0",
        "--- host/10-lan.network\n+++ host/10-lan.network\n@@ -3,1 +3,1 @@\n-Name=vm-*\n+Name=vm-* my-microvm\n",
        "on host: bridge -d link, in diagnosis/host/ports.json",
        "whether udev renamed the link",
        "lost here",
    ] {
        assert!(told.contains(words), "not there: {words}\n{told}");
    }
    let at = |words: &str| told.find(words).expect(words);
    assert!(
        at("no unit of host") < at("expected a reply"),
        "causes before checks"
    );
}

#[test]
fn a_cause_that_no_second_lab_has_shown_is_called_likely() {
    let mut run = made_up::run();
    run.diagnosis[0].proven = None;
    let told = text(&bare(&run));
    assert!(told.contains("Likely, not proven: no remedy was tried"));
    assert!(told.contains("1 likely cause explains 2 of 2 checks"));
    run.diagnosis[0].proven = Some(crate::diagnosis::Proof {
        hold: 1,
        of: 2,
        broken: vec!["host-address".to_owned()],
    });
    let told = text(&bare(&run));
    assert!(told.contains(
        "Not proven: with the remedy 1 of 2 checks hold in a second lab, and 1 that held do not."
    ));
    assert!(!told.contains("\u{2713} Proven"));
}

/// Words that say what became of each check, so that nobody needs to see a colour.
#[test]
fn each_state_has_a_word_and_a_shape_and_the_gravest_stands_first() {
    let told = text(&bare(&made_up::run()));
    let states = [
        "\u{2717} does not hold",
        "! not looked at",
        "? undecided",
        "\u{25c6} fails as it must",
        "\u{25cb} skipped",
        "\u{2713} holds",
    ];
    let places = states.map(|state| told.find(state).expect(state));
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn a_run_without_verdict_or_diagnosis_has_a_page_that_says_so() {
    for outcome in [
        Outcome::Broken,
        Outcome::TimedOut,
        Outcome::Skipped,
        Outcome::Cancelled,
    ] {
        let mut run = made_up::run();
        run.outcome = outcome;
        run.checks.clear();
        run.differences.clear();
        run.holes.clear();
        run.diagnosis.clear();
        let page = bare(&run);
        let told = text(&page);
        assert!(told.contains("No verdict on the network: "), "{told}");
        assert!(told.contains("boot guest `test1`") && told.contains("What helps: see serial.log"));
        let document = Document::parse(body(&page)).expect("well-formed");
        assert_eq!(parts(&document), ["steps", "time", "units", "again"]);
    }
    let mut run = made_up::run();
    run.diagnosis.clear();
    assert!(text(&bare(&run)).contains("No cause was established for 2 checks"));
    run.checks
        .retain(|check| check.outcome == CheckOutcome::Passed);
    let page = bare(&run);
    let document = Document::parse(body(&page)).expect("well-formed");
    assert_eq!(parts(&document)[0], "checks");
}
