//! What a variant promises: which checks fail, and what they see.

use std::collections::BTreeMap;

use crate::scenario::error::{Fault, code};
use crate::scenario::file::{Entry, Node, Place, Table, Value};
use crate::scenario::names::CheckId;
use crate::scenario::near::suggest;
use crate::scenario::read::{At, Faults, Reader, text_of};

/// The checks that must fail, each with the words it must see.
type Expectations = BTreeMap<CheckId, String>;

/// Reads `must_fail` and `seen` of a variant whose checks and steps, laid over the file's, are in `tree`. A step that must
/// fail is one that must be refused in this form, and says so in the tree afterwards.
pub(in crate::scenario) fn expectations(
    reader: &Reader<'_>,
    tree: &mut Table,
    faults: &Faults,
) -> Expectations {
    let mut expected = Expectations::new();
    let mut refused: Vec<(&str, &Place, String)> = Vec::new();
    let must_fail = reader.texts("must_fail");
    let ids = ids(tree, "checks");
    let steps = self::ids(tree, "steps");
    for id in &must_fail {
        let fault = |message: String, label: &str| {
            faults.add(Fault::new(
                id.place,
                code::CONFLICT,
                message,
                label.to_owned(),
            ));
        };
        match (ids.get(id.value), steps.get(id.value)) {
            (Some(_), Some(_)) => fault(
                format!("`{}` in `must_fail` is a check and a step", id.value),
                "which one?",
            ),
            (Some(false), None) => fault(
                format!("check `{}` must fail, and is not enabled", id.value),
                "it is not looked at in this form",
            ),
            (None, Some(false)) => fault(
                format!("step `{}` must fail, and is not enabled", id.value),
                "it is not done in this form",
            ),
            (None, None) => {
                let known = ids.keys().chain(steps.keys()).copied();
                faults.unknown(id, ("check or step", "checks and steps"), "", known);
            }
            (Some(true), None) => {
                if let Ok(check) = CheckId::try_from(id.value)
                    && expected.insert(check, String::new()).is_some()
                {
                    twice(faults, id);
                }
            }
            (None, Some(true)) => match refused.iter().any(|(known, ..)| *known == id.value) {
                true => twice(faults, id),
                false => refused.push((id.value, id.place, String::new())),
            },
        }
    }
    for (id, node) in reader.map("seen") {
        let words = text_of(node, id.value, faults);
        let words = words.map_or(String::new(), |words| words.value.to_owned());
        if let Some(seen) = expected.get_mut(id.value) {
            *seen = words;
            continue;
        }
        if let Some((_, _, seen)) = refused.iter_mut().find(|(known, ..)| *known == id.value) {
            *seen = words;
            continue;
        }
        if must_fail.iter().any(|listed| listed.value == id.value) {
            continue; // listed, but neither check nor step: that is reported already
        }
        let message = format!(
            "`seen` has words for `{}`, which is not in `must_fail`",
            id.value
        );
        let help = if ids.contains_key(id.value) || steps.contains_key(id.value) {
            "only what must fail is compared with words".to_owned()
        } else {
            let expected = expected.keys().map(CheckId::as_str);
            let expected = expected.chain(refused.iter().map(|(id, ..)| *id));
            let expected: Vec<&str> = expected.collect();
            suggest(id.value, "ids in `must_fail`", expected.iter().copied())
        };
        let label = "not in `must_fail`".to_owned();
        faults.add(Fault::new(id.place, code::CONFLICT, message, label).help(help));
    }
    for (id, place, words) in refused {
        refuse(tree, id, place, words);
    }
    expected
}

fn twice(faults: &Faults, id: &At<'_, &str>) {
    let message = format!("`{}` is in `must_fail` twice", id.value);
    let label = "again".to_owned();
    faults.add(Fault::new(id.place, code::DUPLICATE, message, label));
}

/// Says of a step that it must be refused with these words. Without words it may be refused with any: the key has no place of
/// its own in a file then, by which [`steps`](super::steps) knows it from one that was left empty.
fn refuse(tree: &mut Table, id: &str, place: &Place, words: String) {
    let Some(Value::Array(steps)) = tree.get_mut("steps").map(|entry| &mut entry.node.value) else {
        return;
    };
    for step in steps {
        let Value::Table(step) = &mut step.value else {
            continue;
        };
        if step.get("id").and_then(|entry| entry.node.value.as_text()) != Some(id) {
            continue;
        }
        step.remove("may_fail");
        let start = place.span.start;
        let nowhere = Place {
            source: place.source.clone(),
            span: start..start,
        };
        let value = Value::String(words.clone());
        let node = Node {
            place: place.clone(),
            value,
        };
        step.insert("refused".to_owned(), Entry { key: nowhere, node });
    }
}

/// The ids of all checks or steps, also of those that are wrong otherwise, and whether each is enabled.
fn ids<'t>(tree: &'t Table, key: &str) -> BTreeMap<&'t str, bool> {
    let Some(Value::Array(items)) = tree.get(key).map(|entry| &entry.node.value) else {
        return BTreeMap::new();
    };
    let tables = items.iter().filter_map(|item| match &item.value {
        Value::Table(table) => Some(table),
        _ => None,
    });
    let named = tables.filter_map(|table| {
        let enabled = table.get("enabled").map(|entry| &entry.node.value);
        let enabled = !matches!(enabled, Some(Value::Boolean(false)));
        Some((table.get("id")?.node.value.as_text()?, enabled))
    });
    named.collect()
}
