//! Asking tcpdump about the filters of a scenario, before anything runs.

use std::collections::BTreeSet;

use super::declared::Packet;
use crate::host::tcpdump;
use crate::scenario::{LoadedScenario, Scenario, ScenarioErrors};

/// Filters of a scenario's instances that tcpdump refuses, each once; `None` where it refuses none, or is not installed.
pub fn filter_faults(loaded: &LoadedScenario) -> Option<ScenarioErrors> {
    let green = loaded.scenario(None);
    let variants = loaded.variants().map(|name| loaded.scenario(Some(name)));
    let forms: Vec<Scenario> = std::iter::once(green)
        .chain(variants)
        .filter_map(Result::ok)
        .collect();
    let mut asked = BTreeSet::new();
    let mut faults = Vec::new();
    for check in forms.iter().flat_map(|form| &form.checks) {
        let Some(Packet { filter, .. }) = check.kind.downcast_ref() else {
            continue;
        };
        if asked.insert(filter.text.as_str())
            && let Some(said) = tcpdump::filter_fault(&filter.text)
        {
            faults.push(filter.refused(&said));
        }
    }
    ScenarioErrors::new(faults)
}
