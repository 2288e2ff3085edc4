//! What a variant promises: which checks fail, and what they see.

use std::collections::{BTreeMap, BTreeSet};

use crate::did_you_mean::suggest;
use crate::scenario::error::code;
use crate::scenario::file::{Entry, Node, Place, Table, Value};
use crate::scenario::keys::ANY_OF;
use crate::scenario::lookup;
use crate::scenario::names::CheckId;
use crate::scenario::read::{At, Faults, Reader, text_of};

/// What must fail in a variant.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    /// Checks, those of the sets included, each with the words it must see when it fails.
    pub(crate) must_fail: BTreeMap<CheckId, String>,
    /// Of each of these at least one.
    pub(crate) any_of: Vec<Vec<CheckId>>,
}

/// Reads `must_fail` and `seen` of a variant whose checks and steps, laid over the file's, are in `tree`. A step that must
/// fail is one that must be refused in this form, and says so in the tree afterwards.
pub(crate) fn expectations(reader: &Reader<'_>, tree: &mut Table, faults: &Faults) -> Expectations {
    let mut named = Named {
        checks: ids(tree, "checks"),
        steps: ids(tree, "steps"),
        listed: BTreeSet::new(),
        expected: Expectations::default(),
        refused: Vec::new(),
        faults,
    };
    for item in reader.items("must_fail") {
        if let Value::Table(_) = &item.value {
            if let Some(set) = Reader::of(item, "must_fail", &ANY_OF, faults) {
                named.set(&set);
            }
        } else if let Some(id) = text_of(item, "must_fail", faults) {
            named.alone(&id);
        }
    }
    for (id, node) in reader.map("seen") {
        named.seen(&id, node);
    }
    let (expected, refused) = (named.expected, named.refused);
    let refused: Vec<_> = refused
        .into_iter()
        .map(|(id, place, words)| (id.to_owned(), place.clone(), words))
        .collect();
    for (id, place, words) in refused {
        refuse(tree, &id, &place, words);
    }
    expected
}

/// What `must_fail` names, as it is read.
struct Named<'t> {
    /// Whether each check is enabled.
    checks: BTreeMap<&'t str, bool>,
    /// The same of steps.
    steps: BTreeMap<&'t str, bool>,
    /// Whatever is named, right or wrong.
    listed: BTreeSet<&'t str>,
    expected: Expectations,
    /// Steps, with the words of their refusal.
    refused: Vec<(&'t str, &'t Place, String)>,
    faults: &'t Faults,
}

impl<'t> Named<'t> {
    /// An id that stands in `must_fail` itself.
    fn alone(&mut self, id: &At<'t, &'t str>) {
        if !self.listed.insert(id.value) {
            return twice(self.faults, id);
        }
        match (self.checks.get(id.value), self.steps.get(id.value)) {
            (Some(true), None) => drop(self.expect(id)),
            (None, Some(true)) => self.refused.push((id.value, id.place, String::new())),
            (None, Some(false)) => {
                let message = format!("step `{}` must fail, and is not enabled", id.value);
                (self.faults).conflict(id.place, message, "it is not done in this form");
            }
            _ => self.not_a_check(id),
        }
    }

    /// Checks of which at least one must fail.
    fn set(&mut self, set: &Reader<'t>) {
        let ids = set.texts("any_of");
        if let Some(entry) = set.need("any_of", set.entry("any_of"))
            && entry.node.value.is_array()
            && set.items("any_of").len() < 2
        {
            let message = "`any_of` has fewer than two checks";
            let told = (self.faults).conflict(&entry.node.place, message, "nothing to choose from");
            told.help("what must fail by itself stands in `must_fail` itself");
        }
        let mut read = Vec::new();
        for id in ids {
            if !self.listed.insert(id.value) {
                twice(self.faults, &id);
            } else if self.checks.get(id.value) == Some(&true) && !self.steps.contains_key(id.value)
            {
                read.extend(self.expect(&id));
            } else if self.steps.contains_key(id.value) && !self.checks.contains_key(id.value) {
                let message = format!("step `{}` cannot be in `any_of`", id.value);
                let told = self.faults.conflict(id.place, message, "not a check");
                told.help("a step that must be refused stands in `must_fail` itself");
            } else {
                self.not_a_check(&id);
            }
        }
        self.expected.any_of.push(read);
    }

    fn expect(&mut self, id: &At<'_, &str>) -> Option<CheckId> {
        let check = CheckId::try_from(id.value).ok()?;
        let must_fail = &mut self.expected.must_fail;
        must_fail.insert(check.clone(), String::new());
        Some(check)
    }

    /// Reports what is no check, or none that is looked at.
    fn not_a_check(&self, id: &At<'_, &str>) {
        match (self.checks.get(id.value), self.steps.get(id.value)) {
            (Some(_), Some(_)) => {
                let message = format!("`{}` in `must_fail` is a check and a step", id.value);
                self.faults.conflict(id.place, message, "which one?");
            }
            (Some(_), None) => {
                let message = format!("check `{}` must fail, and is not enabled", id.value);
                (self.faults).conflict(id.place, message, "it is not looked at in this form");
            }
            (None, _) => {
                let known = self.checks.keys().chain(self.steps.keys()).copied();
                let names = ("check or step", "checks and steps");
                self.faults.unknown(id, names, "", known);
            }
        }
    }

    /// Words of `seen`.
    fn seen(&mut self, id: &At<'_, &str>, node: &Node) {
        let words = text_of(node, id.value, self.faults);
        let words = words.map_or(String::new(), |words| words.value.to_owned());
        if let Some(seen) = self.expected.must_fail.get_mut(id.value) {
            *seen = words;
            return;
        }
        let mut refused = self.refused.iter_mut();
        if let Some((_, _, seen)) = refused.find(|(known, ..)| *known == id.value) {
            *seen = words;
            return;
        }
        if self.listed.contains(id.value) {
            return; // it is neither check nor step: that is reported already
        }
        let message = format!(
            "`seen` has words for `{}`, which is not in `must_fail`",
            id.value
        );
        let known = self.checks.contains_key(id.value) || self.steps.contains_key(id.value);
        let help = if known {
            "only what must fail is compared with words".to_owned()
        } else {
            let expected = self.expected.must_fail.keys().map(CheckId::as_str);
            let expected = expected.chain(self.refused.iter().map(|(id, ..)| *id));
            let expected: Vec<&str> = expected.collect();
            suggest(id.value, "ids in `must_fail`", expected.iter().copied())
        };
        (self
            .faults
            .conflict(id.place, message, "not in `must_fail`"))
        .help(help);
    }
}

fn twice(faults: &Faults, id: &At<'_, &str>) {
    let message = format!("`{}` is in `must_fail` twice", id.value);
    faults.report(id.place, code::DUPLICATE, message, "again");
}

/// Says of a step that it must be refused with these words. Without words it may be refused with any: the key has no place of
/// its own in a file then, by which [`steps`](super::steps) knows it from one that was left empty.
fn refuse(tree: &mut Table, id: &str, place: &Place, words: String) {
    let steps = tree.get_mut("steps");
    let steps = steps.and_then(|entry| entry.node.value.as_array_mut());
    let tables = steps.into_iter().flatten();
    let tables = tables.filter_map(|step| step.value.as_table_mut());
    for step in tables.filter(|step| lookup::text(step, "id") == Some(id)) {
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
    let named = lookup::with_ids(tree, key);
    named.map(|(id, one)| (id, !lookup::is_off(one))).collect()
}
