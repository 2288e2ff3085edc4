//! The steps of a scenario, each as what does it by hand.

use super::actions;
use super::by_hand::ByHand;
use crate::plan::GuestKind;
use crate::scenario::Scenario;
use crate::scenario::step::{Answer, Step};

/// What does by hand the same as each step, in order; without steps that a variant took away.
pub fn by_hand(scenario: &Scenario, guests: GuestKind) -> impl Iterator<Item = (&Step, ByHand)> {
    scenario.steps.iter().filter_map(move |step| {
        let action = actions::of(step.action.as_deref()?);
        Some((step, action.by_hand(scenario, guests)))
    })
}

/// The steps as text, for the end of a plan; empty when there are none.
pub(in crate::lab) fn render(scenario: &Scenario, guests: GuestKind) -> String {
    if scenario.steps.is_empty() {
        return String::new();
    }
    let steps = scenario.steps.iter();
    let steps: String = steps.map(|step| planned(scenario, step, guests)).collect();
    format!("# then {} steps\n{steps}", scenario.steps.len())
}

fn planned(scenario: &Scenario, step: &Step, guests: GuestKind) -> String {
    let after: Vec<&str> = scenario
        .checks
        .iter()
        .filter(|check| check.after.as_ref() == Some(&step.id))
        .map(|check| check.id.as_str())
        .collect();
    let done = match step.action.as_deref() {
        None => "# taken away".to_owned(),
        Some(action) => match actions::of(action).by_hand(scenario, guests) {
            ByHand::Fact(fact) => format!("# wait for {fact}"),
            other => other.line(guests),
        },
    };
    let answer = match &step.answer {
        Answer::Done => String::new(),
        Answer::Either => ", may fail".to_owned(),
        Answer::Refused(words) => format!(", must be refused with \"{words}\""),
    };
    let mut text = format!("# step {}{answer}\n{done}\n", step.id);
    if !after.is_empty() {
        text += &format!("#   checks: {}\n", after.join(", "));
    }
    text
}
