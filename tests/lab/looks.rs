//! Checks on a real LAN of namespaces, each with the outcome that it must have.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use bridgelab_harness::report::CheckOutcome::{self, NotRun, Passed};
use bridgelab_harness::report::{CheckReport, Outcome};

use support::{bridgelab, lan_scenario, ran, set_up, told};

/// A check, the outcome that it must have, and words that it must have seen.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) outcome: CheckOutcome,
    pub(crate) words: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) const fn case(
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

/// Machines that the checks name: one with a known MAC address, and bridges without ports.
const MACHINES: &str = r#"
[machines.desktop]
interfaces = [
  { name = "eth0", segment = "lan", mac = "02:00:00:00:00:20", addresses = ["192.168.1.20/24", "2001:db8::20/64"] },
]

"#;

/// Runs the page's host with these checks and compares each outcome. `None`, said aloud, when this host cannot run it.
pub(crate) fn judge(cases: &[Case]) -> Option<Vec<CheckReport>> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    judge_among(MACHINES, folder.path(), cases)
}

/// As [`judge`], with these machines and ghosts beside the host. `folder` has their files.
pub(crate) fn judge_among(
    machines: &str,
    folder: &Path,
    cases: &[Case],
) -> Option<Vec<CheckReport>> {
    set_up();
    let checks: String = cases
        .iter()
        .map(|case| format!("[[checks]]\nid = \"{}\"\n{}\n\n", case.id, case.text))
        .collect();
    let scenario = lan_scenario(folder, &format!("{machines}{checks}"));
    let mut command = bridgelab(&["run", "--guests", "ghost"]);
    command
        .arg(&scenario)
        .arg("--evidence")
        .arg(folder.join("evidence"))
        .env_remove("BRIDGELAB_SETUP");
    let (run, output) = ran(&mut command, folder)?;
    // A check that nobody could look at leaves the run without a verdict, whatever other checks saw.
    let blind = cases.iter().any(|case| case.outcome == NotRun);
    let ended = match run.outcome {
        Outcome::Broken => blind,
        Outcome::Passed | Outcome::Failed => !blind,
        _ => false,
    };
    assert!(ended, "{}", told(&output));
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

/// Time of a check that must fail: only as long as it takes to see that.
const SHORT: &str = "within = \"700ms\"\n";

/// A check from a machine, as one line. A check that must fail gets the short time.
fn looks(from: &str, outcome: CheckOutcome, kind: &str) -> &'static str {
    let time = if outcome == Passed { "" } else { SHORT };
    format!("from = \"{from}\"\n{time}{kind}").leak()
}

/// Cases from rows of `id outcome words from kind`.
pub(crate) fn table(rows: &[(&'static str, CheckOutcome, &'static str, &str, &str)]) -> Vec<Case> {
    rows.iter()
        .map(|&(id, outcome, words, from, kind)| {
            case(id, outcome, words, looks(from, outcome, kind))
        })
        .collect()
}
