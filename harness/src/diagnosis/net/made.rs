//! The graph of what was observed.

use std::collections::BTreeMap;

use super::graph::Net;
use super::{meant, wires};
use crate::diagnosis::observed::Observed;
use crate::diagnosis::state::State;
use crate::scenario::Scenario;

impl<'a> Net<'a> {
    /// The lab as it was observed.
    pub(in crate::diagnosis) fn of(observed: &Observed<'a>) -> Self {
        let asked = observed.facts.iter();
        let asked = asked.filter(|(_, answers)| answers.unasked.is_none());
        let states = asked.map(|(name, answers)| (name.clone(), State::of(answers)));
        Self::joined(observed.scenario, states.collect())
    }

    /// The lab whose machines are in these states.
    pub(in crate::diagnosis) fn joined(
        scenario: &'a Scenario,
        states: BTreeMap<String, State>,
    ) -> Self {
        let mut net = Self {
            scenario,
            states,
            edges: BTreeMap::new(),
        };
        wires::join(&mut net);
        meant::join(&mut net);
        net
    }
}
