//! Which line of which file makes a gap: from what a kernel lacks to what its configuration says.
//!
//! ```text
//! rows      which keys of unit files and of the scenario can make a gap with a code
//! machine   the unit files and links of a machine, as networkd sees them
//! units     the line of a unit file
//! matching  why a unit file does not match a link
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
mod rows;
mod rulesets;
mod setting;
mod units;
mod value;

use super::gap::Gap;
use super::observed::Observed;

pub use located::Located;

/// The places that may make a gap, the most likely first; none where no file is known to be at fault.
pub fn locate(gap: &Gap, observed: &Observed<'_>) -> Vec<Located> {
    let mut found = Vec::new();
    if let Some(machine) = machine::UnitMachine::of(&gap.machine, observed) {
        found.extend(docker::veths(gap, &machine));
        found.extend(netdev::link(gap, &machine));
        found.extend(units::lines(gap, &machine));
    }
    found.extend(rulesets::rule(gap, observed));
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

#[cfg(test)]
mod tests;
