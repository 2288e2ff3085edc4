//! Compares what guests from one template said of themselves.

use std::collections::BTreeMap;
use std::fs;

use bridgelab_harness::report::{GuestReport, RunReport};

/// Properties that no two machines have in common. A guest without Docker or OpenSSH lacks the last two.
const UNIQUE: [&str; 6] = [
    "machine_id",
    "hostname",
    "boot_id",
    "random",
    "host_key",
    "docker0",
];
/// Properties that must be empty on a machine that has met no other. Only networkd keeps leases.
const NONE: [&str; 2] = ["neighbours", "leases"];

/// Number of guests of the run that started from a template and share nothing with each other, except `meant`.
///
/// # Errors
/// What two of them share, or what one has not said.
pub(crate) fn distinct(run: &RunReport, meant: &[&str]) -> Result<usize, String> {
    let from_templates = run.guests.iter().filter(|guest| guest.start == "template");
    let told: Vec<(&GuestReport, BTreeMap<String, String>)> = from_templates
        .map(|guest| Ok((guest, identity(run, &guest.name)?)))
        .collect::<Result<_, String>>()?;
    for (at, (guest, is)) in told.iter().enumerate() {
        for key in NONE {
            if is.get(key).is_some_and(|count| count != "0") {
                return Err(format!("{}: {key} {}", guest.name, is[key]));
            }
        }
        for key in &UNIQUE[..4] {
            if !is.contains_key(*key) {
                return Err(format!("{} does not tell its {key}: {is:?}", guest.name));
            }
        }
        for (other, has) in &told[..at] {
            let unmeant = UNIQUE.into_iter().filter(|key| !meant.contains(key));
            let same = unmeant.into_iter().find(|key| {
                is.get(*key)
                    .is_some_and(|value| has.get(*key) == Some(value))
            });
            if let Some(key) = same {
                let (one, two) = (&other.name, &guest.name);
                return Err(format!("{one} and {two} have the same {key}: {}", is[key]));
            }
        }
    }
    Ok(told.len())
}

/// `guests/NAME/identity.txt` of the evidence.
fn identity(run: &RunReport, guest: &str) -> Result<BTreeMap<String, String>, String> {
    let folder = run.evidence.as_ref().ok_or("there is no evidence")?;
    let file = folder.join("guests").join(guest).join("identity.txt");
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect())
}
