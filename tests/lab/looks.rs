//! Checks on a real LAN of namespaces, each with the way in which it must end.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use bridgelab_harness::report::CheckOutcome::{self, NotRun, Passed};
use bridgelab_harness::report::{CheckReport, Outcome};

use support::{bridgelab, lan_scenario, ran, set_up, told};

/// A check, how it must end, and words that what it saw must contain.
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

/// What the checks name: a MAC address, and bridges with nothing on them.
const MACHINES: &str = r#"
[machines.desktop]
interfaces = [
  { name = "eth0", segment = "lan", mac = "02:00:00:00:00:20", addresses = ["192.168.1.20/24", "2001:db8::20/64"] },
]

"#;

/// Runs the page's host with these checks and compares each. `None`, said aloud, when this host cannot.
pub(crate) fn judge(cases: &[Case]) -> Option<Vec<CheckReport>> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    judge_among(MACHINES, folder.path(), cases)
}

/// The same beside these machines and ghosts; their files are in `folder`.
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
    // One that nobody could look at leaves no verdict on the network, whatever the others saw.
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

/// For a check that must fail here: no longer than it takes to see that.
const SHORT: &str = "within = \"700ms\"\n";

/// A check from a machine, in one line; a red one looks for a short time only.
fn looks(from: &str, outcome: CheckOutcome, kind: &str) -> &'static str {
    let time = if outcome == Passed { "" } else { SHORT };
    format!("from = \"{from}\"\n{time}{kind}").leak()
}

/// `id outcome words | from kind`, for the many.
pub(crate) fn table(rows: &[(&'static str, CheckOutcome, &'static str, &str, &str)]) -> Vec<Case> {
    rows.iter()
        .map(|&(id, outcome, words, from, kind)| {
            case(id, outcome, words, looks(from, outcome, kind))
        })
        .collect()
}
