//! Every ending of a run, as a person and as a CI system read it. The runs are made up; what lies beside in
//! `snapshots/` was read line by line.

use std::collections::BTreeMap;

use bridgelab_client::protocol::HoldEvent;

use super::text::{Colour, verdict};
use super::units::{SaidReport, UnitsReport, WarningReport};
use super::{
    CheckOutcome, CheckReport, Outcome, Problem, Report, RunReport, SCHEMA, SightReport,
    StageReport, StepOutcome, StepReport, judge_run, junit,
};
use crate::host::networkd_said::UnitSaid;

fn check(id: &str, outcome: CheckOutcome, got: &str) -> CheckReport {
    CheckReport {
        id: id.to_owned(),
        from: "test1".to_owned(),
        kind: "ping".to_owned(),
        outcome,
        must_fail: false,
        any_of: Vec::new(),
        expected: "a reply from 192.168.1.1".to_owned(),
        got: got.to_owned(),
        attempts: 1,
        at_ms: 0,
        ms: 31,
        seen: Vec::new(),
    }
}

fn with_units(run: RunReport) -> RunReport {
    let mut run = RunReport {
        units: doubtful_units(),
        ..run
    };
    run.find_holes();
    run
}

fn doubtful_units() -> UnitsReport {
    let warning = |line, message: &str, help: Option<&str>| WarningReport {
        code: "unit.unknown-key".to_owned(),
        file: "scenarios/x/host/10-lan.network".into(),
        line,
        column: 1,
        message: message.to_owned(),
        help: help.map(str::to_owned),
    };
    let said = |line, words: &str| SaidReport {
        machine: "host".to_owned(),
        said: UnitSaid {
            file: "10-lan.network".to_owned(),
            line,
            words: words.to_owned(),
        },
    };
    UnitsReport {
        warnings: vec![
            warning(
                6,
                "unknown key `Adress` in section [Network]",
                Some("did you mean `Address=`?"),
            ),
            warning(
                2,
                "`10-lan.network` matches no link of machine `host`",
                None,
            ),
        ],
        said: vec![
            said(
                Some(6),
                "Unknown key 'Adress' in section [Network], ignoring.",
            ),
            said(
                None,
                "No valid settings found in the [Match] section, ignoring file.",
            ),
        ],
        not_applied: vec!["10-lan.link: Name=lan0 of host".to_owned()],
    }
}

/// A run with these checks, judged by [`judge_run`] as a real one is.
fn judged(
    variant: Option<&str>,
    must_fail: &[(&str, &str)],
    checks: Vec<CheckReport>,
) -> RunReport {
    let must_fail: BTreeMap<String, String> = must_fail
        .iter()
        .map(|&(id, words)| (id.to_owned(), words.to_owned()))
        .collect();
    let checks: Vec<CheckReport> = checks
        .into_iter()
        .map(|check| CheckReport {
            must_fail: check.any_of.is_empty() && must_fail.contains_key(&check.id),
            ..check
        })
        .collect();
    let (outcome, differences) = judge_run(&checks, &must_fail);
    let stages = [("topology", 24), ("boot", 28_120), ("checks", 1_903)];
    RunReport {
        scenario: "simple-network".to_owned(),
        variant: variant.map(str::to_owned),
        outcome,
        problem: None,
        differences,
        accelerator: "tcg".to_owned(),
        accelerator_reason: "the processor offers neither vmx nor svm".to_owned(),
        lab: super::LabReport::default(),
        guests: Vec::new(),
        checks,
        steps: Vec::new(),
        stages: stages
            .map(|(name, ms)| StageReport {
                name: name.to_owned(),
                at_ms: 0,
                ms,
                cut_short: false,
            })
            .to_vec(),
        waits: Vec::new(),
        units: Default::default(),
        versions: BTreeMap::from([("host.kernel".to_owned(), "6.12.95".to_owned())]),
        leaks: Vec::new(),
        left_running: Vec::new(),
        unwritten: Vec::new(),
        not_gathered: Vec::new(),
        holes: Vec::new(),
        diagnosis: Vec::new(),
        evidence: Some("/evidence/1".into()),
        reproduce: "bridgelab run simple-network --accel tcg".to_owned(),
        started: None,
        ms: 31_062,
    }
}

fn without_verdict(outcome: Outcome, problem: Problem, checks: Vec<CheckReport>) -> RunReport {
    RunReport {
        outcome,
        problem: Some(problem),
        differences: Vec::new(),
        ..judged(None, &[], checks)
    }
}

fn problem(code: &str, chain: &[&str], help: Option<&str>) -> Problem {
    Problem {
        code: code.to_owned(),
        chain: chain.iter().map(|&link| link.to_owned()).collect(),
        help: help.map(str::to_owned),
    }
}

const REPLY: &str = "a reply from 192.168.1.1 after 0.3 ms";
const SILENCE: &str = "no reply from 192.168.1.1";

/// A run of nine checks that ended within them: five were decided, and two were being looked at.
fn cut_short(outcome: Outcome) -> RunReport {
    use CheckOutcome::{Failed, Passed, Undecided};
    let ended = |id: &str, got: &str, attempts| CheckReport {
        attempts,
        ..check(id, Undecided, got)
    };
    let checks = vec![
        check("ping-1", Passed, REPLY),
        check("ping-2", Passed, REPLY),
        check("ping-3", Failed, SILENCE),
        ended("ping-4", "the run ended first; seen last: no reply", 7),
        ended("ping-5", "the run ended first; seen last: no reply", 1),
        check("ping-6", Passed, REPLY),
        check("ping-7", Passed, REPLY),
        ended("ping-8", "the run ended first", 0),
        ended("ping-9", "the run ended first", 0),
    ];
    let daemon = problem("host.daemon-ended", &["`dnsmasq` of `router` ended"], None);
    let mut run = without_verdict(outcome, daemon, checks);
    for stage in run.stages.iter_mut().filter(|one| one.name == "checks") {
        stage.cut_short = true;
    }
    for name in ["evidence", "teardown"] {
        run.stages.push(stage(name));
    }
    if outcome == Outcome::Cancelled {
        run.problem = None;
    }
    run.cancelled_by(super::Cancelled::Terminated);
    run
}

fn stage(name: &str) -> StageReport {
    StageReport {
        name: name.to_owned(),
        at_ms: 30_100,
        ms: 700,
        cut_short: false,
    }
}

/// One run for each ending, by the name of its snapshot.
fn endings() -> Vec<(&'static str, RunReport)> {
    use CheckOutcome::{Failed, NotRun, Passed};
    let ping = |outcome, got| {
        vec![
            check("host-ping", Passed, REPLY),
            check("guest-ping", outcome, got),
        ]
    };
    let many = (1..=6).map(|n| check(&format!("ping-{n}"), Failed, SILENCE));
    let red =
        |must_fail, outcome, got| judged(Some("tap-outside-match"), must_fail, ping(outcome, got));
    let named = &[("guest-ping", "no reply")];
    let reds = ["ping-1", "ping-2", "ping-3", "ping-4", "ping-5", "ping-6"];
    let all_red = judged(
        Some("no-router"),
        &reds.map(|id| (id, "no reply")),
        reds.map(|id| check(id, Failed, SILENCE)).to_vec(),
    );
    let any_of = |outcome, got| {
        let mut checks = ping(outcome, got);
        checks.push(check("guest-ra", Passed, "2001:db8::/64"));
        for check in &mut checks[1..] {
            check.any_of = vec!["guest-ping".to_owned(), "guest-ra".to_owned()];
        }
        let red = &[("guest-ping", "no reply"), ("guest-ra", "")];
        judged(Some("tap-outside-match"), red, checks)
    };
    vec![
        ("passed", judged(None, &[], ping(Passed, REPLY))),
        ("failed", judged(None, &[], ping(Failed, SILENCE))),
        ("failed-many", judged(None, &[], many.collect())),
        ("variant", red(named, Failed, SILENCE)),
        ("variant-many", all_red),
        ("variant-holds", red(named, Passed, REPLY)),
        ("variant-any-of", any_of(Failed, SILENCE)),
        ("variant-none-of", any_of(Passed, REPLY)),
        (
            "variant-otherwise",
            red(&[("guest-ping", "Unreachable")], Failed, SILENCE),
        ),
        (
            "blind",
            judged(
                None,
                &[],
                ping(NotRun, "look from a guest: the guest is gone"),
            ),
        ),
        (
            "leaked",
            RunReport {
                leaks: vec!["process 4711 dnsmasq".to_owned()],
                left_running: vec![super::LeftRunning {
                    machine: "router".to_owned(),
                    process: 24,
                    command: "python3 -m http.server 80".to_owned(),
                }],
                ..judged(None, &[], ping(Passed, REPLY))
            },
        ),
        (
            "units",
            with_units(judged(None, &[], ping(Failed, "no reply from 192.168.1.1"))),
        ),
        (
            "units-passed",
            with_units(judged(None, &[], ping(Passed, REPLY))),
        ),
        (
            "skipped",
            RunReport {
                accelerator: "none".to_owned(),
                accelerator_reason: "nothing was started".to_owned(),
                stages: Vec::new(),
                evidence: None,
                versions: BTreeMap::new(),
                ms: 0,
                ..without_verdict(
                    Outcome::Skipped,
                    problem(
                        "host.tun",
                        &[
                            "the kernel has no TAP devices",
                            "`dnsmasq` is not installed",
                        ],
                        Some("bridgelab doctor --setup"),
                    ),
                    Vec::new(),
                )
            },
        ),
        (
            "broken",
            without_verdict(
                Outcome::Broken,
                problem(
                    "service.ended",
                    &[
                        "boot guest `test1`",
                        "`qemu-system-x86_64` ended with status 1: \"no <initrd>\"",
                    ],
                    None,
                ),
                Vec::new(),
            ),
        ),
        ("cancelled", cut_short(Outcome::Cancelled)),
        ("broken-in-checks", cut_short(Outcome::Broken)),
        (
            "timed-out",
            without_verdict(
                Outcome::TimedOut,
                problem(
                    "guest.boot-timeout",
                    &[
                        "wait 240s for guest `test1` to open its steering channel; last console lines:\nloading",
                    ],
                    Some("see guests/test1/serial.log in the evidence"),
                ),
                vec![check("host-ping", Passed, REPLY)],
            ),
        ),
    ]
}

#[test]
fn every_ending_as_text() {
    for (name, run) in endings() {
        insta::assert_snapshot!(format!("verdict-{name}"), verdict(&run, Colour::Off));
    }
}

#[test]
fn every_ending_as_junit() {
    let report = Report {
        schema: SCHEMA,
        runs: endings().into_iter().map(|(_, run)| run).collect(),
    };
    insta::assert_snapshot!("junit", junit::render(&report).expect("XML"));
}

/// JUnit's counts must be those of the listed cases, and a run that did not pass must not be all green.
#[test]
fn junit_counts_what_it_lists() {
    for (name, run) in endings() {
        let whole = run.outcome == Outcome::Passed && run.units.not_applied.is_empty();
        let report = Report {
            schema: SCHEMA,
            runs: vec![run],
        };
        let xml = junit::render(&report).expect("XML");
        let mut bad = 0;
        for (attribute, element) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ] {
            let listed = xml.matches(&format!("<{element} ")).count();
            assert!(
                xml.contains(&format!(" {attribute}=\"{listed}\"")),
                "{name}: {attribute}\n{xml}"
            );
            bad += if element == "testcase" { 0 } else { listed };
        }
        assert_eq!(bad == 0, whole, "{name}:\n{xml}");
    }
}

#[test]
fn a_stage_in_front_moves_everything_behind_it() {
    let mut run = judged(
        None,
        &[],
        vec![check("host-ping", CheckOutcome::Passed, "a reply")],
    );
    let (checks, stages, ms) = (run.checks.clone(), run.stages.clone(), run.ms);
    run.began_earlier("lab-vm", std::time::Duration::from_millis(700));
    assert_eq!(
        (&*run.stages[0].name, run.stages[0].at_ms, run.stages[0].ms),
        ("lab-vm", 0, 700)
    );
    for (moved, before) in run.stages[1..].iter().zip(&stages) {
        assert_eq!(moved.at_ms, before.at_ms + 700);
    }
    for (moved, before) in run.checks.iter().zip(&checks) {
        assert_eq!(moved.at_ms, before.at_ms + 700);
        assert!(
            moved
                .seen
                .iter()
                .zip(&before.seen)
                .all(|(m, b)| m.at_ms == b.at_ms + 700)
        );
    }
    assert_eq!(run.ms, ms + 700);
}

/// The client reads less of a run than there is, and what it reads is what is there: nothing is lost, nothing renamed.
#[test]
fn what_is_written_of_a_run_is_what_a_test_reads_of_it() {
    let mut full = with_units(judged(
        Some("red"),
        &[("a", "no reply")],
        vec![check("a", CheckOutcome::Failed, "no reply")],
    ));
    full.checks[0].any_of = vec!["a".to_owned(), "b".to_owned()];
    full.checks[0].seen = vec![SightReport {
        at_ms: 3,
        holds: None,
        got: "nothing yet".to_owned(),
    }];
    full.steps = vec![StepReport {
        id: "down".to_owned(),
        action: "link_down".to_owned(),
        command: "ip -n host link set eno1 down".to_owned(),
        outcome: StepOutcome::Refused,
        may_fail: true,
        refused: Some("busy".to_owned()),
        said: "Device or resource busy".to_owned(),
        at_ms: 5,
        ms: 1,
    }];
    full.problem = Some(Problem {
        code: "c".to_owned(),
        chain: vec!["outer".to_owned(), "inner".to_owned()],
        help: Some("a command".to_owned()),
    });
    for outcome in [Outcome::Passed, Outcome::TimedOut, Outcome::Cancelled] {
        full.outcome = outcome;
        let report = Box::new(full.clone());
        let line = serde_json::to_string(&HoldEvent::Report { report }).expect("JSON");
        let Ok(HoldEvent::Report { report: read }) = serde_json::from_str::<HoldEvent>(&line)
        else {
            unreachable!("not a report: {line}");
        };
        assert_eq!(read.outcome, full.outcome);
        assert_eq!(read.checks, full.checks);
        assert_eq!(read.steps, full.steps);
        let whole = serde_json::to_value(&full).expect("JSON");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), whole);
    }
}
