//! The matrix: values of guests' and machines' keys, and of those of their interfaces, of which every combination is a form of
//! its own.

use std::collections::BTreeSet;

use super::Overrides;
use super::error::code;
use super::file::{Entry, Node, Place, Table, Value};
use super::keys::TableKeys;
use super::matrix_value::MatrixValue;
use super::names::{IfName, MachineName};
use super::reach::{ALL, Chosen, GUESTS, all_keys, keys, owners};
use super::read::{At, Faults, Reader};
use crate::did_you_mean::nearest;

/// More would take days under TCG, so it was not meant.
const MOST: usize = 64;
/// The most keys. Each of them is in the name of every form.
const MOST_KEYS: usize = 64;

/// One value of each key.
pub(super) type Combination = Vec<Chosen>;

/// Every combination, in the file's order of values; one empty combination where there is no matrix.
pub(super) fn combinations(root: &Reader<'_>, tree: &Table, faults: &Faults) -> Vec<Combination> {
    let Some(matrix) = root.entry("matrix") else {
        return vec![Combination::new()];
    };
    if count(&matrix.node) > MOST_KEYS {
        let message = format!("the matrix has more than {MOST_KEYS} keys");
        let label = "each of them is in the name of every form";
        let first = root.map("matrix").next();
        let place = first.map_or(&matrix.key, |(key, _)| key.place);
        let told = faults.report(place, code::LIMIT, message, label);
        told.help("set in the file itself what has one value");
        return vec![Combination::new()];
    }
    let mut dimensions = Dimensions {
        all: Vec::new(),
        faults,
    };
    let mut place = &matrix.key;
    for (at, (key, node)) in root.map("matrix").enumerate() {
        if at == 0 {
            place = key.place;
        }
        let Value::Table(own) = &node.value else {
            dimensions.add(&key, node, &Whose::default(), &GUESTS);
            continue;
        };
        let Some(all_keys) = all_keys(tree, key.value) else {
            let names = ("guest or machine", "guests and machines");
            faults.unknown(&key, names, "", owners(tree));
            continue;
        };
        let Ok(owner) = MachineName::try_from(key.value) else {
            continue; // reported where it stands
        };
        dimensions.of_owner(owner, &key, own, &all_keys);
    }
    let all = dimensions.all;
    let count = all
        .iter()
        .try_fold(1_usize, |count, one| count.checked_mul(one.len()));
    if count.is_none_or(|count| count > MOST) {
        let message = format!("the matrix has more than {MOST} combinations");
        let label = "multiplied, these are too many";
        faults.report(place, code::LIMIT, message, label);
        return vec![Combination::new()];
    }
    all.into_iter()
        .fold(vec![Combination::new()], |before, one| {
            let with = |combination: &Combination| {
                let combination = combination.clone();
                one.clone().into_iter().map(move |chosen| {
                    let mut longer = combination.clone();
                    longer.push(chosen);
                    longer
                })
            };
            before.iter().flat_map(with).collect()
        })
}

/// The keys of a matrix, those below names included.
fn count(node: &Node) -> usize {
    match &node.value {
        Value::Table(own) => own.values().map(|entry| count(&entry.node)).sum(),
        _ => 1,
    }
}

/// Takes the keys that are imposed out of the combinations: of such a key, the matrix' values do not count.
pub(super) fn unmixed(combinations: &mut Vec<Combination>, overrides: &[Overrides]) {
    let is_imposed = |chosen: &Chosen| {
        let mut all = overrides.iter();
        chosen.is_of_guests() && all.any(|one| one.key() == chosen.value.key)
    };
    let mut seen = BTreeSet::new();
    for combination in &mut *combinations {
        combination.retain(|chosen| !is_imposed(chosen));
    }
    combinations.retain(|combination| {
        let values = combination.iter().map(|chosen| chosen.value.clone());
        seen.insert(values.collect::<Vec<_>>())
    });
}

/// Whose keys are set: those of one machine or guest, or of one of its interfaces; else of all guests.
#[derive(Debug, Clone, Default)]
struct Whose {
    owner: Option<MachineName>,
    interface: Option<IfName>,
    /// Where the narrower of the two is named.
    named: Option<Place>,
}

/// Keys of the matrix, each with its values.
struct Dimensions<'f> {
    all: Vec<Vec<Chosen>>,
    faults: &'f Faults,
}

impl Dimensions<'_> {
    /// Reads what stands below the name of a machine or guest: its keys, those of all its interfaces, and tables of the keys of
    /// one of them.
    fn of_owner(
        &mut self,
        owner: MachineName,
        named: &At<'_, &str>,
        own: &Table,
        all_keys: &[&'static TableKeys; 2],
    ) {
        let whose = Whose {
            owner: Some(owner),
            interface: None,
            named: Some(named.place.clone()),
        };
        self.empty(named, own);
        for (name, Entry { key, node }) in own {
            let at = At {
                value: name.as_str(),
                place: key,
            };
            let Value::Table(own) = &node.value else {
                self.add(&at, node, &whose, all_keys);
                continue;
            };
            self.empty(&at, own);
            let Ok(interface) = IfName::try_from(name.as_str()) else {
                let message = format!("`{name}` is no interface's name");
                let label = "keys of an interface stand below its name";
                self.faults.report(key, code::BAD_NAME, message, label);
                continue;
            };
            let whose = Whose {
                interface: Some(interface),
                named: Some(key.clone()),
                ..whose.clone()
            };
            for (name, Entry { key, node }) in own {
                let at = At {
                    value: name.as_str(),
                    place: key,
                };
                self.add(&at, node, &whose, &all_keys[1..]);
            }
        }
    }

    fn empty(&self, named: &At<'_, &str>, own: &Table) {
        if own.is_empty() {
            let message = format!("`{}` has no keys in the matrix", named.value);
            (self.faults).report(named.place, code::BAD_VALUE, message, "empty");
        }
    }

    /// Reads one key, which is one of these tables, and its values.
    fn add(
        &mut self,
        key: &At<'_, &str>,
        node: &Node,
        whose: &Whose,
        all_keys: &[&'static TableKeys],
    ) {
        let mut known = keys(all_keys);
        let Some((table_keys, _)) = known.clone().find(|(_, known)| known.name == key.value) else {
            let message = format!("`{}` cannot be in a matrix", key.value);
            let plural = all_keys.iter().map(|table_keys| plural(table_keys));
            let plural: Vec<_> = plural.collect();
            let label = format!(
                "no key of {} that takes a single value",
                plural.join(" or ")
            );
            let names = known.by_ref().map(|(_, key)| key.name);
            let near = nearest(key.value, names).map(|near| format!("did you mean `{near}`?"));
            // Only the tree knows whose name a key stands below: a schema takes any that somebody has.
            let code = match keys(&ALL).any(|(_, known)| known.name == key.value) {
                true => code::CONFLICT,
                false => code::UNKNOWN_KEY,
            };
            (self.faults.report(key.place, code, message, label)).help_if(near);
            return;
        };
        let Some(values) = values(key, node, self.faults) else {
            return;
        };
        let chosen: Vec<Chosen> = values
            .into_iter()
            .map(|(value, item)| Chosen {
                value: MatrixValue {
                    owner: whose.owner.clone(),
                    interface: whose.interface.clone(),
                    key: key.value.to_owned(),
                    value,
                },
                table_keys,
                named: whose.named.clone().unwrap_or_else(|| key.place.clone()),
                entry: Entry {
                    key: key.place.clone(),
                    node: item.clone(),
                },
            })
            .collect();
        let before = self.all.iter().filter_map(|one| one.first());
        if let Some(first) = chosen.first()
            && let Some(other) = before.into_iter().find(|other| other.meets(first))
        {
            let message = format!("`{}` is in the matrix twice for one table", key.value);
            let (line, _) = other.entry.key.source.position(other.entry.key.span.start);
            let label = format!("also in line {line}");
            let help = "each with a table of its own, by the names of its machine or guest and of its interface";
            (self.faults.conflict(key.place, message, label)).help(help);
            return;
        }
        self.all.push(chosen);
    }
}

/// `a guest's interface`: `guests' interfaces`.
fn plural(table_keys: &TableKeys) -> String {
    let what = table_keys.what.trim_start_matches("a ");
    match what.split_once("'s ") {
        Some((owner, thing)) => format!("{owner}s' {thing}s"),
        None => format!("{what}s"),
    }
}

/// The values of one key as text, each with its place; `None`: there is something wrong with them.
fn values<'n>(
    key: &At<'_, &str>,
    node: &'n Node,
    faults: &Faults,
) -> Option<Vec<(String, &'n Node)>> {
    let Value::Array(items) = &node.value else {
        faults.wrong_type(node, key.value, "an array of values");
        return None;
    };
    if let Some(beyond) = items.get(MOST) {
        let message = format!("`{}` has more than {MOST} values in the matrix", key.value);
        let label = "each is a form of its own";
        let help = format!("of all keys together there are at most {MOST} combinations");
        (faults.report(&beyond.place, code::LIMIT, message, label)).help(help);
        return None;
    }
    let mut chosen: Vec<(String, &Node)> = Vec::new();
    for item in items {
        let value = match &item.value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            _ => {
                faults.wrong_type(item, key.value, "strings, integers or booleans in a matrix");
                return None;
            }
        };
        if chosen.iter().any(|(other, _)| *other == value) {
            let message = format!("`{value}` is in the matrix twice");
            faults.report(&item.place, code::DUPLICATE, message, "again");
            return None;
        }
        chosen.push((value, item));
    }
    if chosen.is_empty() {
        let message = format!("`{}` has no values in the matrix", key.value);
        faults.report(&node.place, code::BAD_VALUE, message, "empty");
        return None;
    }
    Some(chosen)
}
