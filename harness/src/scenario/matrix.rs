//! The matrix: values of guests' keys, of which every combination is a form of its own.

use std::collections::BTreeSet;

use super::Imposed;
use super::error::{Fault, code};
use super::file::{Entry, Node, Table, Value};
use super::forms::MatrixValue;
use super::names::MachineName;
use super::near::nearest;
use super::read::{At, Faults, Reader};
use super::shape::GUEST;

/// More would take days under TCG, so it was not meant.
const MOST: usize = 64;
/// The most keys. Each of them is in the name of every form.
const MOST_KEYS: usize = 64;

/// One value of one key, as it stands in the file.
type Chosen = (MatrixValue, Entry);

/// One value of each key.
pub(super) type Combination = Vec<Chosen>;

/// Every combination, in the file's order of values; one empty combination where there is no matrix.
pub(super) fn combinations(root: &Reader<'_>, tree: &Table, faults: &Faults) -> Vec<Combination> {
    let mut dimensions: Vec<Vec<Chosen>> = Vec::new();
    let mut place = None;
    let keys = root.map("matrix").map(|(_, node)| match &node.value {
        Value::Table(own) => own.len(),
        _ => 1,
    });
    if keys.sum::<usize>() > MOST_KEYS
        && let Some((key, _)) = root.map("matrix").next()
    {
        let message = format!("the matrix has more than {MOST_KEYS} keys");
        let label = "each of them is in the name of every form".to_owned();
        let help = "set in the guests themselves what has one value".to_owned();
        faults.add(Fault::new(key.place, code::LIMIT, message, label).help(help));
        return vec![Combination::new()];
    }
    for (key, node) in root.map("matrix") {
        place.get_or_insert(key.place);
        let Value::Table(own) = &node.value else {
            dimensions.extend(values(&key, node, None, faults));
            continue;
        };
        if !guests(tree).any(|guest| guest == key.value) {
            faults.unknown(&key, ("guest", "guests"), "", guests(tree));
            continue;
        }
        let Ok(guest) = MachineName::try_from(key.value) else {
            continue; // reported where the guest stands
        };
        for (name, entry) in own {
            let key = At {
                value: name.as_str(),
                place: &entry.key,
            };
            dimensions.extend(values(&key, &entry.node, Some(&guest), faults));
        }
    }
    let count = dimensions
        .iter()
        .try_fold(1_usize, |count, one| count.checked_mul(one.len()));
    if let Some(place) = place
        && count.is_none_or(|count| count > MOST)
    {
        let message = format!("the matrix has more than {MOST} combinations");
        let label = "multiplied, these are too many".to_owned();
        faults.add(Fault::new(place, code::LIMIT, message, label));
        return vec![Combination::new()];
    }
    dimensions
        .into_iter()
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

/// Takes the keys that are imposed out of the combinations: of such a key, the matrix' values do not count.
pub(super) fn unmixed(combinations: &mut Vec<Combination>, imposed: &[Imposed]) {
    let is_imposed = |value: &MatrixValue| imposed.iter().any(|one| one.key() == value.key);
    let mut seen = BTreeSet::new();
    for combination in &mut *combinations {
        combination.retain(|(value, _)| !is_imposed(value));
    }
    combinations.retain(|combination| {
        let values = combination.iter().map(|(value, _)| value.clone());
        seen.insert(values.collect::<Vec<_>>())
    });
}

/// The values of one key; `None`: there is something wrong with it.
fn values(
    key: &At<'_, &str>,
    node: &Node,
    guest: Option<&MachineName>,
    faults: &Faults,
) -> Option<Vec<Chosen>> {
    let single = GUEST.keys.iter().filter(|key| key.kind.is_single());
    let known = single.map(|key| key.name);
    if !known.clone().any(|known| known == key.value) {
        let message = format!("`{}` cannot be in a matrix", key.value);
        let label = "no key of guests that takes a single value".to_owned();
        let near = nearest(key.value, known).map(|near| format!("did you mean `{near}`?"));
        faults.add(Fault::new(key.place, code::UNKNOWN_KEY, message, label).help(near));
        return None;
    }
    let Value::Array(items) = &node.value else {
        faults.wrong_type(node, key.value, "an array of values");
        return None;
    };
    if let Some(beyond) = items.get(MOST) {
        let message = format!("`{}` has more than {MOST} values in the matrix", key.value);
        let label = "each is a form of its own".to_owned();
        let help = format!("of all keys together there are at most {MOST} combinations");
        faults.add(Fault::new(&beyond.place, code::LIMIT, message, label).help(help));
        return None;
    }
    let mut chosen: Vec<Chosen> = Vec::new();
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
        if chosen.iter().any(|(other, _)| other.value == value) {
            let message = format!("`{value}` is in the matrix twice");
            faults.add(Fault::new(
                &item.place,
                code::DUPLICATE,
                message,
                "again".to_owned(),
            ));
            return None;
        }
        let named = MatrixValue {
            guest: guest.cloned(),
            key: key.value.to_owned(),
            value,
        };
        chosen.push((
            named,
            Entry {
                key: key.place.clone(),
                node: item.clone(),
            },
        ));
    }
    if chosen.is_empty() {
        let message = format!("`{}` has no values in the matrix", key.value);
        let fault = Fault::new(&node.place, code::BAD_VALUE, message, "empty".to_owned());
        faults.add(fault);
        return None;
    }
    Some(chosen)
}

/// The names of the guests of a tree.
fn guests(tree: &Table) -> impl Iterator<Item = &str> + Clone {
    let guests = tree
        .get("guests")
        .and_then(|entry| match &entry.node.value {
            Value::Table(guests) => Some(guests),
            _ => None,
        });
    guests
        .into_iter()
        .flat_map(|guests| guests.keys().map(String::as_str))
}

/// Reports what a guest says itself of a key that the matrix sets: nobody would ever read it.
pub(super) fn unused(tree: &Table, combination: &Combination, faults: &Faults) {
    let Some(Value::Table(guests)) = tree.get("guests").map(|entry| &entry.node.value) else {
        return;
    };
    for (value, _) in combination {
        for (name, guest) in guests {
            let meant = value.guest.as_ref().is_none_or(|own| own.as_str() == name);
            if let Value::Table(guest) = &guest.node.value
                && let Some(entry) = guest.get(&value.key)
                && meant
            {
                let key = &value.key;
                let message = format!("`{key}` of guest `{name}` is in the matrix as well");
                let label = "the matrix has its values".to_owned();
                faults.add(Fault::new(&entry.key, code::CONFLICT, message, label));
            }
        }
    }
}

/// A tree with these values in its guests.
pub(super) fn with(tree: &Table, combination: &Combination) -> Table {
    let mut tree = tree.clone();
    let Some(Value::Table(guests)) = tree.get_mut("guests").map(|entry| &mut entry.node.value)
    else {
        return tree;
    };
    for (value, entry) in combination {
        for (name, guest) in &mut *guests {
            let meant = value.guest.as_ref().is_none_or(|own| own.as_str() == name);
            if let Value::Table(guest) = &mut guest.node.value
                && meant
            {
                guest.insert(value.key.clone(), entry.clone());
            }
        }
    }
    tree
}
