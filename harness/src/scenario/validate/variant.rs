//! What a variant promises: which checks fail, and what they see.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::error::{Fault, code};
use crate::scenario::file::{Table, Value};
use crate::scenario::names::CheckId;
use crate::scenario::near::suggest;
use crate::scenario::read::{Faults, Reader, text_of};

/// The checks that must fail, each with the words it must see.
type Expectations = BTreeMap<CheckId, String>;

/// Reads `must_fail` and `seen` of a variant whose checks, laid over the file's, are in `tree`.
pub(in crate::scenario) fn expectations(
    reader: &Reader<'_>,
    tree: &Table,
    faults: &Faults,
) -> Expectations {
    let ids = check_ids(tree);
    let mut expected = Expectations::new();
    let must_fail = reader.texts("must_fail");
    for id in &must_fail {
        if !ids.contains(id.value) {
            faults.unknown(id, ("check", "checks"), "", ids.iter().copied());
        } else if let Ok(check) = CheckId::try_from(id.value)
            && expected.insert(check, String::new()).is_some()
        {
            let message = format!("check `{}` is in `must_fail` twice", id.value);
            faults.add(Fault::new(
                id.place,
                code::DUPLICATE,
                message,
                "again".to_owned(),
            ));
        }
    }
    for (id, node) in reader.map("seen") {
        let words = text_of(node, id.value, faults);
        if let Some(seen) = expected.get_mut(id.value) {
            *seen = words.map_or(String::new(), |words| words.value.to_owned());
            continue;
        }
        if must_fail.iter().any(|listed| listed.value == id.value) {
            continue; // listed, but no check: that is reported already
        }
        let message = format!(
            "`seen` has words for `{}`, which is not in `must_fail`",
            id.value
        );
        let help = if ids.contains(id.value) {
            "only a check that must fail is compared with words".to_owned()
        } else {
            let expected = expected.keys().map(CheckId::as_str);
            suggest(id.value, "checks in `must_fail`", expected)
        };
        let label = "not in `must_fail`".to_owned();
        faults.add(Fault::new(id.place, code::CONFLICT, message, label).help(help));
    }
    expected
}

/// The ids of all checks, also of those that are wrong otherwise.
fn check_ids(tree: &Table) -> BTreeSet<&str> {
    let Some(Value::Array(checks)) = tree.get("checks").map(|entry| &entry.node.value) else {
        return BTreeSet::new();
    };
    checks
        .iter()
        .filter_map(|check| match &check.value {
            Value::Table(table) => table.get("id"),
            _ => None,
        })
        .filter_map(|id| match &id.node.value {
            Value::String(id) => Some(id.as_str()),
            _ => None,
        })
        .collect()
}
