//! Every kind of check, and every time of one, seen to hold and seen to fail, on a real LAN of namespaces: root or not,
//! without a guest.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::fs;

use bridgelab_harness::report::CheckOutcome::{self, Failed, Passed};
use bridgelab_harness::report::{CheckReport, Outcome, Report};
use support::{bridgelab, lan_scenario, set_up, skip};

/// A check, how it must end, and words that what it saw must contain.
struct Case {
    id: &'static str,
    outcome: CheckOutcome,
    words: &'static str,
    text: &'static str,
}

const fn case(
    id: &'static str,
    outcome: CheckOutcome,
    words: &'static str,
    text: &'static str,
) -> Case {
    Case {
        id,
        outcome,
        words,
        text,
    }
}

/// Runs the page's host with these checks and compares each. `None`, said aloud, when this host cannot.
fn judge(cases: &[Case]) -> Option<Vec<CheckReport>> {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let checks: String = cases
        .iter()
        .map(|case| format!("[[checks]]\nid = \"{}\"\n{}\n\n", case.id, case.text))
        .collect();
    let scenario = lan_scenario(folder.path(), &checks);
    let json = folder.path().join("report.json");
    let output = bridgelab(&["run"])
        .arg(&scenario)
        .arg("--evidence")
        .arg(folder.path().join("evidence"))
        .arg("--json")
        .arg(&json)
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("the program under test starts");
    let verdict = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        skip(&verdict);
        return None;
    }
    let text = fs::read_to_string(&json);
    let text = text.unwrap_or_else(|error| panic!("no report ({error}): {verdict}\n{progress}"));
    let report: Report = serde_json::from_str(&text).expect("a report");
    let run = report.runs.into_iter().next().expect("one run");
    assert!(
        matches!(run.outcome, Outcome::Passed | Outcome::Failed),
        "{verdict}\n{progress}"
    );
    let mut wrong = Vec::new();
    for (case, check) in cases.iter().zip(&run.checks) {
        assert_eq!(case.id, check.id);
        eprintln!("{}: {:?}: {}", check.id, check.outcome, check.got);
        if check.outcome != case.outcome || !check.got.contains(case.words) {
            wrong.push(format!(
                "{}: wanted {:?} with \"{}\", got {:?}: {}",
                case.id, case.outcome, case.words, check.outcome, check.got
            ));
        }
    }
    assert_eq!(cases.len(), run.checks.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Some(run.checks)
}

#[test]
fn times_are_kept() {
    let cases = [
        case(
            "steady",
            Passed,
            "192.168.1.20/24 on eth0, from ",
            "from = \"desktop\"\nholds_for = \"700ms\"\naddress = { address = \"192.168.1.20/24\" }",
        ),
        // networkd's own address is tentative for a second and more (RFC 4862); the desktop's was there before.
        case(
            "late",
            Passed,
            "2001:db8::a/64 on br0, and not yet at ",
            "from = \"host\"\nfails_until = \"300ms\"\naddress = { address = \"2001:db8::a/64\" }",
        ),
        case(
            "too-early",
            Failed,
            "before 0.3 s: 192.168.1.20/24 on eth0",
            "from = \"desktop\"\nfails_until = \"300ms\"\naddress = { address = \"192.168.1.20/24\" }",
        ),
        case(
            "never",
            Passed,
            "no reply from 192.168.1.99",
            "from = \"desktop\"\nwithin = \"1s\"\nfails = true\nping = { to = \"192.168.1.99\" }",
        ),
        case(
            "never-and-yet",
            Failed,
            "it holds at 0.0 s: a reply from 192.168.1.1",
            "from = \"desktop\"\nfails = true\nping = { to = \"192.168.1.1\" }",
        ),
    ];
    let Some(checks) = judge(&cases) else { return };
    let by = |id: &str| checks.iter().find(|check| check.id == id).expect(id);
    assert!(by("steady").ms >= 700 && by("steady").attempts >= 3);
    assert!(by("never").ms >= 1000);
    // Missing or tentative, then there.
    let seen = &by("late").seen;
    assert_eq!(seen.first().and_then(|seen| seen.holds), Some(false));
    assert_eq!(seen.last().and_then(|seen| seen.holds), Some(true));
    assert_eq!(
        by("never").expected,
        "never, for 1s: a reply from 192.168.1.99"
    );
}
