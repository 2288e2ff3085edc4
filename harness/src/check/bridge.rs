//! What the tables of bridges (`bridge -j fdb`, `mdb`) have in common, versions 6.1 to 6.15.

use serde_json::Value;

use super::Verdict;

/// Whether it is the wanted one, where one is wanted.
pub(super) fn is_or_any(value: &Value, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value == wanted)
}

/// Of entries as they should be, and of all.
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
