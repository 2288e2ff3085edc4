//! What is said of a diagnosis that is made by hand.

use super::*;
use crate::diagnosis::{At, Code, Evidence, Proof, Remedy, Station};
use crate::report::{CheckReport, Outcome};

fn check(id: &str, outcome: CheckOutcome) -> CheckReport {
    CheckReport {
        id: id.to_owned(),
        from: "test1".to_owned(),
        kind: "ping".to_owned(),
        outcome,
        must_fail: false,
        any_of: Vec::new(),
        expected: "a reply".to_owned(),
        got: "no reply".to_owned(),
        attempts: 1,
        at_ms: 0,
        ms: 1,
        seen: Vec::new(),
    }
}

fn point(machine: &str, station: Station, link: &str) -> Point {
    Point {
        machine: machine.to_owned(),
        station,
        link: Some(link.to_owned()),
    }
}

fn diagnosis(checks: &[&str]) -> Diagnosis {
    let seen = |machine: &str, station, link: &str| Seen {
        point: point(machine, station, link),
        packet: "ARP who has 192.168.1.1".to_owned(),
        dropped_by: None,
    };
    Diagnosis {
        code: Code::LinkKind,
        checks: checks.iter().map(|id| (*id).to_owned()).collect(),
        assumed: Vec::new(),
        course: Some(Course {
            request: vec![
                seen("test1", Station::Egress, "eth0"),
                seen("host", Station::Ingress, "vm-test1"),
            ],
            answer: Vec::new(),
            blind: Vec::new(),
        }),
        last_seen: Some(point("host", Station::Ingress, "vm-test1")),
        first_missing: Some(point("host", Station::BridgePrerouting, "vm-test1")),
        cause: Cause {
            statement: "`br0.netdev` says `Kind=dummy`, and `bridge` is needed".to_owned(),
            object: "host br0".to_owned(),
            place: Some(At {
                file: "host/br0.netdev".into(),
                line: 2,
                column: 6,
                text: "Kind=dummy".to_owned(),
            }),
            evidence: vec![Evidence {
                fact: "br0 is of kind dummy".to_owned(),
                machine: "host".to_owned(),
                command: "ip -d link show br0".to_owned(),
                file: None,
            }],
        },
        others: Vec::new(),
        remedy: Some(Remedy {
            statement: "write `Kind=bridge`".to_owned(),
            source: None,
            edits: vec![Edit {
                file: "host/br0.netdev".into(),
                line: Some(2),
                from: "Kind=dummy".to_owned(),
                to: "Kind=bridge".to_owned(),
            }],
        }),
        proven: None,
        not_established: Vec::new(),
    }
}

fn run(diagnosis: Vec<Diagnosis>) -> RunReport {
    let checks = [
        check("a", CheckOutcome::Failed),
        check("b", CheckOutcome::Failed),
        check("c", CheckOutcome::Passed),
    ];
    let run = serde_json::json!({
        "scenario": "page", "variant": null, "outcome": Outcome::Failed, "problem": null,
        "differences": [], "accelerator": "ghost", "accelerator_reason": "", "guests": [],
        "checks": checks, "stages": [], "versions": {}, "leaks": [], "evidence": null,
        "reproduce": "", "ms": 1, "diagnosis": diagnosis,
    });
    serde_json::from_value(run).expect("a report")
}

#[test]
fn a_cause_comes_with_its_line_its_break_and_its_remedy() {
    let text = in_short(&run(vec![diagnosis(&["a", "b"])]));
    let wanted = "  1 likely cause explains 2 of 2 failed checks:
  host/br0.netdev:2:6 `Kind=dummy` [link.kind]
    `br0.netdev` says `Kind=dummy`, and `bridge` is needed
    request: test1 -> host -X-; last seen: host ingress vm-test1; not seen: host bridge prerouting vm-test1
    remedy: write `Kind=bridge`
";
    assert_eq!(text, wanted);
    assert_eq!(in_short(&run(Vec::new())), "");
}

#[test]
fn only_what_an_experiment_has_shown_is_called_a_cause() {
    let mut one = diagnosis(&["a", "b"]);
    one.proven = Some(Proof {
        hold: 2,
        of: 2,
        broken: Vec::new(),
    });
    let text = explanation(&run(vec![one.clone()]));
    assert!(
        text.contains("\n1 cause explains 2 of 2 failed checks:\n"),
        "{text}"
    );
    assert!(text.contains("tried: with it 2 of 2 checks hold"), "{text}");
    assert!(
        text.contains("  - Kind=dummy\n     + Kind=bridge\n"),
        "{text}"
    );
    one.proven = Some(Proof {
        hold: 1,
        of: 2,
        broken: Vec::new(),
    });
    let text = explanation(&run(vec![one.clone()]));
    assert!(text.contains("1 likely cause"), "{text}");
    one.code = Code::UnknownNoFact;
    let text = explanation(&run(vec![one]));
    assert!(
        text.contains("no cause is known for 2 of 2 failed checks"),
        "{text}"
    );
}

#[test]
fn an_explanation_is_short_whatever_was_found() {
    let many: Vec<Diagnosis> = (0..9).map(|_| diagnosis(&["a", "b"])).collect();
    let text = explanation(&run(many));
    assert!(text.lines().count() <= LINES, "{text}");
    assert!(text.ends_with(" more in report.json\n"), "{text}");
    let mut long = diagnosis(&["a"]);
    long.remedy.as_mut().expect("a remedy").edits[0].to = "x\n".repeat(100);
    let text = explanation(&run(vec![long]));
    assert!(text.lines().count() <= LINES, "{text}");
}

#[test]
fn what_a_tool_said_forges_no_line() {
    let mut one = diagnosis(&["a"]);
    one.cause.statement = "said\n  evidence: /forged".to_owned();
    for text in [
        in_short(&run(vec![one.clone()])),
        explanation(&run(vec![one])),
    ] {
        assert!(
            !text
                .lines()
                .any(|line| line.trim_start().starts_with("evidence:")),
            "{text}"
        );
    }
}
