//! A lab as it was found: the host's bridge, router, desktop, internet and a ghost guest of the scenario `tiny-guest`, which a
//! test then breaks in one thing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::diagnosis::causes::diagnose::of_lab;
use crate::diagnosis::net::Net;
use crate::diagnosis::state::{Link, State};
use crate::diagnosis::{Answers, Course, Diagnosis, Facts, Observed, Unheld};
use crate::scenario::{LoadedScenario, Scenario, Written};

/// What the machines answered: iproute2 6.1 and systemd 257 in namespaces, cut to what is read.
const ANSWERS: [(&str, &str); 5] = [
    ("host", include_str!("../../fixtures/tiny-guest/host.json")),
    (
        "router",
        include_str!("../../fixtures/tiny-guest/router.json"),
    ),
    (
        "desktop",
        include_str!("../../fixtures/tiny-guest/desktop.json"),
    ),
    (
        "internet",
        include_str!("../../fixtures/tiny-guest/internet.json"),
    ),
    (
        "tiny1",
        include_str!("../../fixtures/tiny-guest/tiny1.json"),
    ),
];

/// The states of the machines, by name.
pub(super) type Lab = BTreeMap<String, State>;

/// The lab, in which everything is as it should be.
pub(super) fn lab() -> Lab {
    let states = ANSWERS.iter().map(|(name, text)| {
        let answers: Value = serde_json::from_str(text).expect("JSON");
        let answers = answers.as_object().expect("questions").iter();
        let by_question = answers.map(|(question, answer)| (question.clone(), printed(answer)));
        let answers = Answers {
            by_question: by_question.collect(),
            unasked: None,
        };
        ((*name).to_owned(), State::of(&answers))
    });
    states.collect()
}

/// As the tool printed it: JSON, or lines.
fn printed(answer: &Value) -> String {
    let lines = answer.as_array().into_iter().flatten().map(Value::as_str);
    match lines.collect::<Option<Vec<&str>>>() {
        Some(lines) if !lines.is_empty() => lines.join("\n"),
        _ => answer.to_string(),
    }
}

/// A machine of the lab.
pub(super) fn at<'l>(lab: &'l mut Lab, machine: &str) -> &'l mut State {
    lab.get_mut(machine).expect("a machine")
}

/// A link of a machine.
pub(super) fn link<'l>(lab: &'l mut Lab, machine: &str, link: &str) -> &'l mut Link {
    at(lab, machine).links.get_mut(link).expect("a link")
}

/// The scenario, with what a test adds to it.
pub(super) fn scenario(more: &str) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/tiny-guest");
    let file = root.join("scenario.toml");
    let text = std::fs::read_to_string(&file).expect("the scenario");
    // The variants come last; checks can be added before them alone.
    let (green, _) = text.split_once("# --- red ---").expect("its variants");
    let loaded: LoadedScenario =
        crate::scenario::load_text_with(&file, format!("{green}\n{more}"), &[])
            .expect("a scenario");
    loaded.scenario(None).expect("its green form")
}

/// The green form of another scenario of the library.
pub(super) fn green(name: &str) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let loaded = crate::scenario::load(&root.join(name)).expect("a scenario");
    loaded.scenario(None).expect("its green form")
}

/// What is said when these checks do not hold, each with what it saw.
pub(super) fn said(
    scenario: &Scenario,
    lab: Lab,
    unheld: &[(&str, &str)],
    courses: &BTreeMap<String, Course>,
) -> Vec<Diagnosis> {
    let unheld: Vec<Unheld<'_>> = unheld
        .iter()
        .map(|(id, got)| {
            let mut checks = scenario.checks.iter();
            let check = checks.find(|check| check.id.as_str() == *id);
            Unheld {
                check: check.expect("a check of the scenario"),
                got,
            }
        })
        .collect();
    let (facts, said) = (Facts::new(), BTreeMap::new());
    let written = Written::of(&scenario.path, "", None);
    let observed = Observed {
        scenario,
        written: &written,
        unheld: &unheld,
        held: &[],
        facts: &facts,
        courses,
        said: &said,
    };
    // Which lines make the gaps is tested where it is sought.
    of_lab(&Net::joined(scenario, lab), &observed, |_| Vec::new())
}
