//! `bridgelab explain`: the line that is to blame, and the remedy tried in a second lab.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use bridgelab_harness::report::{Outcome, Report, RunReport};
use support::{bridgelab, ran};

/// A machine whose unit file matches another link than the one that there is.
fn scenario(folder: &Path) {
    let text = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n[[checks]]\nid = 'address'\nfrom = 'host'\n\
                within = '5s'\naddress = { interface = 'eno1', address = '192.168.1.2/24' }\n[[checks]]\nid = 'router'\n\
                from = 'host'\nwithin = '5s'\nping = { to = '192.168.1.1' }\n";
    let unit = "[Match]\nName=eno2\n[Network]\nAddress=192.168.1.2/24\n";
    fs::create_dir_all(folder.join("host")).expect("a folder");
    fs::write(folder.join("scenario.toml"), text).expect("a scenario");
    fs::write(folder.join("host/10-lan.network"), unit).expect("a unit");
}

/// What explain says of the evidence of a run, with these options.
fn explained(run: &RunReport, more: &[&str]) -> String {
    let evidence = run.evidence.as_ref().expect("a folder");
    let mut command = bridgelab(&["explain"]);
    let output = command.arg(evidence).args(more).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_line_is_named_and_its_remedy_mends_every_check() {
    let folder = tempfile::tempdir().expect("a folder");
    scenario(&folder.path().join("lan"));
    let mut command = bridgelab(&["run"]);
    command
        .arg(folder.path().join("lan"))
        .arg("--evidence")
        .arg(folder.path().join("evidence"));
    let Some((run, _)) = ran(&mut command, folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Failed, "{:?}", run.problem);

    let text = explained(&run, &["--no-prove"]);
    assert!(text.lines().count() <= 25, "{text}");
    let head = "1 likely cause explains 2 of 2 failed checks:";
    assert!(text.lines().any(|line| line == head), "{text}");
    let title = "10-lan.network:2:6 `Name=eno2` [unit.not_matched]";
    assert!(text.contains(title), "{text}");

    let json = explained(&run, &["--json"]);
    let report: Report = serde_json::from_str(&json).expect("a report");
    let diagnosis = &report.runs[0].diagnosis[0];
    assert_eq!(diagnosis.checks, ["address", "router"]);
    let remedy = diagnosis.remedy.as_ref().expect("a remedy");
    assert_eq!(remedy.edits[0].file, Path::new("host/10-lan.network"));
    let proof = diagnosis.proven.as_ref().expect("it was tried");
    assert!(proof.proves(), "{proof:?}");
    assert_eq!((proof.hold, proof.of), (2, 2));
    // What was tried is a copy.
    let unit = fs::read_to_string(folder.path().join("lan/host/10-lan.network"));
    assert!(unit.expect("a unit").contains("Name=eno2\n"));
}

#[test]
fn a_run_tries_the_remedy_itself_when_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    scenario(&folder.path().join("lan"));
    let mut command = bridgelab(&["run", "--prove"]);
    command
        .arg(folder.path().join("lan"))
        .arg("--evidence")
        .arg(folder.path().join("evidence"));
    let Some((run, output)) = ran(&mut command, folder.path()) else {
        return;
    };
    // The verdict is that of the scenario as it is.
    assert_eq!(run.outcome, Outcome::Failed, "{:?}", run.problem);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = [
        "  1 likely cause explains 2 of 2 failed checks:",
        "  1 cause explains 2 of 2 failed checks:",
    ];
    for line in lines {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    // What was found by it stands in the evidence as well.
    let evidence = run.evidence.as_ref().expect("a folder");
    let kept = fs::read_to_string(evidence.join("report.json")).expect("a report");
    let kept: Report = serde_json::from_str(&kept).expect("a report");
    for run in [&run, &kept.runs[0]] {
        let proof = run.diagnosis[0].proven.as_ref().expect("it was tried");
        assert!(proof.proves(), "{proof:?}");
    }
}

#[test]
fn a_symptom_leads_to_the_forms_that_show_it() {
    support::turn::beside_others();
    let mut command = bridgelab(&["explain", "--symptom"]);
    let output = command.arg("docker container has no network");
    let output = output.output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("simple-network/no-19-docker: "), "{text}");
    let again = "    bridgelab explain simple-network --variant no-19-docker";
    assert!(text.lines().any(|line| line == again), "{text}");
}
