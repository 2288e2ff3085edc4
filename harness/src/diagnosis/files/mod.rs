//! Which line of which file makes a gap: from what a kernel lacks to what its configuration says.
//!
//! ```text
//! rows      which keys of unit files and of the scenario can make a gap with a code
//! machine   the unit files and links of a machine, as networkd sees them
//! units     the line of a unit file
//! unmatched why no unit is applied to a link
//! spelling  keys and sections that networkd does not know
//! matching  why a unit file does not match a link
//! routes    the line that leaves a machine without a route
//! netdev    why a link that networkd makes is not there
//! docker    the unit that takes Docker's veths
//! keys      the key of the scenario file
//! located   what all of them give
//! rulesets  the line of a ruleset
//! setting   what a line of a unit file says
//! ```

mod at;
mod docker;
mod keys;
mod located;
mod machine;
mod matching;
mod netdev;
mod routes;
mod rows;
mod rulesets;
mod setting;
mod spelling;
mod units;
mod unmatched;
mod value;

use super::code::Code;
use super::gap::Gap;
use super::observed::Observed;
use crate::scenario::units::places;

pub use located::Located;

use self::machine::UnitMachine;

/// The files of all machines and guests, read once.
#[derive(Debug)]
pub struct Files<'o> {
    observed: &'o Observed<'o>,
    machines: Vec<UnitMachine<'o>>,
}

impl<'o> Files<'o> {
    /// Those of what was observed.
    pub fn of(observed: &'o Observed<'o>) -> Self {
        let all = places(observed.scenario).into_iter();
        let machines = all.map(|place| UnitMachine::of(place, observed));
        Self {
            observed,
            machines: machines.collect(),
        }
    }

    /// The places that may make a gap, the most likely first; none where no file is known to be at fault.
    pub fn locate(&self, gap: &Gap) -> Vec<Located> {
        let observed = self.observed;
        let mut found = Vec::new();
        let mut machines = self.machines.iter();
        if let Some(machine) = machines.find(|machine| machine.name == gap.machine) {
            found.extend(docker::veths(gap, machine));
            found.extend(netdev::link(gap, machine));
            found.extend(units::lines(gap, machine, observed));
        }
        found.extend(rulesets::rule(gap, observed));
        // Beside a unit that nearly matches a link, the name of the link may be the wrong one.
        let unmatched = |one: &Located| one.code == Some(Code::UnitNotMatched);
        if found.iter().any(unmatched) {
            found.extend(keys::name_of_link(gap, observed));
        }
        found.extend(keys::of_scenario(gap, observed));
        let mut seen = Vec::new();
        found.retain(|one| {
            let new = !seen.contains(&one.place);
            seen.push(one.place.clone());
            new
        });
        for edit in found
            .iter_mut()
            .filter_map(|one| one.remedy.as_mut())
            .flat_map(|remedy| &mut remedy.edits)
        {
            edit.file = observed.written.from_folder(&edit.file);
        }
        found
    }
}

#[cfg(test)]
mod tests;
