//! What the tables of bridges (`bridge -j fdb`, `mdb`) have in common, versions 6.1 to 6.15.

use serde_json::Value;

use super::Verdict;

/// Says whether a table's value is the wanted one; every value is where the check wants none in particular.
pub(super) fn is_or_any(value: &Value, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value == wanted)
}

/// Judges a table by the entries that the check describes (`found`) and by all that have its address (`others`).
///
/// `nowhere` says in words that no entry has the address; `absent`: no entry may be in `found`.
pub(super) fn verdict(
    found: &[String],
    others: &[String],
    nowhere: impl Fn() -> String,
    absent: bool,
) -> Verdict {
    let told = |list: &[String]| match list {
        [] => nowhere(),
        list => list.join("; "),
    };
    match (found.is_empty(), absent) {
        (false, false) => Verdict::holds(told(found)),
        (true, true) => Verdict::holds(told(others)),
        (false, true) => Verdict::violated(told(found)),
        (true, false) => Verdict::violated(told(others)),
    }
}
