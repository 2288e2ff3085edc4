//! `report.html`, `timeline.perfetto.json` and what GitHub Actions is told, of real runs of one machine.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bridgelab_harness::report::{Outcome, RunReport};
use roxmltree::Document;
use serde_json::Value;
use support::{bridgelab, ran};

/// Bytes of a usual page.
const USUAL: usize = 300 << 10;

/// A machine with an address; the check asks for this one.
fn scenario(folder: &Path, asked: &str) {
    let text = format!(
        "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n[[checks]]\nid = 'address'\nfrom = 'host'\n\
         within = '1s'\naddress = {{ interface = 'eno1', address = '{asked}' }}\n"
    );
    let unit = "[Match]\nName=eno1\n[Network]\nAddress=192.168.1.2/24\n";
    fs::create_dir_all(folder.join("host")).expect("a folder");
    fs::write(folder.join("scenario.toml"), text).expect("a scenario");
    fs::write(folder.join("host/10-lan.network"), unit).expect("a unit");
}

/// The run of this scenario; `None`, said aloud, when this host cannot run it.
fn run(folder: &Path, asked: &str) -> Option<RunReport> {
    scenario(&folder.join("lan"), asked);
    let mut command = bridgelab(&["run"]);
    command
        .arg(folder.join("lan"))
        .arg("--evidence")
        .arg(folder.join("evidence"));
    let (report, _) = ran(&mut command, folder)?;
    Some(report)
}

/// The bytes that a reference of a link stands for (RFC 3986).
fn decoded(reference: &str) -> String {
    let mut parts = reference.split('%');
    let mut bytes = parts.next().expect("a beginning").as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// Each link leads to a file that is there, and each file of the evidence but the page and the run's word has a link.
fn every_link_leads_to_a_file(evidence: &Path, page: &str) {
    let body = &page[page.find("<body>").expect("a body")..page.find("</html>").expect("an end")];
    let document = Document::parse(body).expect("well-formed");
    let links = document
        .descendants()
        .filter_map(|node| node.attribute("href"));
    let links = links.filter(|link| !link.starts_with('#'));
    let linked: BTreeSet<String> = links.map(decoded).collect();
    for link in &linked {
        assert!(link.starts_with("./"), "{link} leads out of the folder");
        assert!(evidence.join(link).is_file(), "{link} leads nowhere");
    }
    for name in [
        "report.json",
        "verdict.txt",
        "plan.txt",
        "timeline.perfetto.json",
        "machines/host/networkd.log",
        "captures/summary.txt",
        "scenarios/lan/host/10-lan.network",
    ] {
        assert!(
            linked.contains(&format!("./{name}")),
            "{name} is not linked: {linked:?}"
        );
    }
}

#[test]
fn a_green_and_a_red_run_leave_a_page_whose_links_lead_to_their_evidence() {
    for (asked, outcome, words) in [
        (
            "192.168.1.2/24",
            Outcome::Passed,
            "The network is as the scenario says.",
        ),
        (
            "192.168.1.9/24",
            Outcome::Failed,
            "The network is not as the scenario says.",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(report) = run(folder.path(), asked) else {
            return;
        };
        assert_eq!(report.outcome, outcome, "{:?}", report.differences);
        let evidence = report.evidence.as_ref().expect("evidence");
        let page = fs::read_to_string(evidence.join("report.html")).expect("a page");
        assert!(page.contains(words), "{page}");
        assert!(page.len() < USUAL, "{} bytes", page.len());
        assert!(!page.contains("<script") && !page.contains(" style="));
        every_link_leads_to_a_file(evidence, &page);
        let times = fs::read_to_string(evidence.join("timeline.perfetto.json")).expect("times");
        let times: Value = serde_json::from_str(&times).expect("JSON");
        let events = times["traceEvents"].as_array().expect("events");
        let slices = events.iter().filter(|event| event["ph"] == "X");
        let names: Vec<&str> = slices.filter_map(|event| event["name"].as_str()).collect();
        for stage in &report.stages {
            assert!(
                names.contains(&stage.name.as_str()),
                "{}: {names:?}",
                stage.name
            );
        }
    }
}

/// A workflow's commands and summary come from the run, whose exit code they do not change.
#[test]
fn in_a_workflow_a_red_run_is_annotated_and_summed_up() {
    let folder = tempfile::tempdir().expect("a folder");
    scenario(&folder.path().join("lan"), "192.168.1.9/24");
    for (summary, told) in [
        ("summary.md", ""),
        ("missing/summary.md", "warning: write the step's summary"),
    ] {
        let mut command = bridgelab(&["run"]);
        command
            .arg(folder.path().join("lan"))
            .arg("--evidence")
            .arg(folder.path().join("evidence"));
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_WORKSPACE", folder.path());
        command.env("GITHUB_STEP_SUMMARY", folder.path().join(summary));
        let Some((_, output)) = ran(&mut command, folder.path()) else {
            return;
        };
        assert_eq!(output.status.code(), Some(1));
        let said = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        let command = "::error file=lan/host/10-lan.network,line=4,";
        assert!(said.lines().any(|line| line.starts_with(command)), "{said}");
        assert!(said.contains(told), "{said}");
    }
    let summary = fs::read_to_string(folder.path().join("summary.md")).expect("a summary");
    assert!(
        summary.contains("| lan | **failed** |") && summary.contains("| address | host |"),
        "{summary}"
    );
}
