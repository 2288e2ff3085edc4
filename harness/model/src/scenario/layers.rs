//! The forms of a file: base, file and variants laid over each other and read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{DRAWN, Fault, ScenarioErrors};
use super::file::{Place, Source, Table, parse, same};
use super::keys::{BASES, FILE, LAYERED, VARIANT};
use super::limits::{Budget, things, values};
use super::matrix::{combinations, unmixed};
use super::names::VariantName;
use super::overlay::lay;
use super::reach::{unused, with};
use super::read::{Faults, Reader, parsed};
use super::removal::without;
use super::validate::{Expectations, Origin, UnitFolders, expectations, scenario, unit_files};
use super::{LoadedScenario, Overrides, Scenario, one_layer, parse};

/// The forms of a file, or everything that is wrong with any of them.
pub(super) fn read(
    file: &Table,
    source: &Arc<Source>,
    origin: &Origin,
    overrides: &[Overrides],
) -> Result<LoadedScenario, ScenarioErrors> {
    let (units, faults) = (UnitFolders::default(), Faults::default());
    let source = Arc::clone(source);
    let place = Place { source, span: 0..0 };
    // Reports the file's unknown keys, as the green form does; `Collected` keeps one of the two.
    let root = Reader::new(file, &place, &FILE, &faults);
    let on_base = root.meaning("base", &BASES).is_none_or(|base| base.value);
    let below = if on_base { base()? } else { Table::new() };
    let below = without(&below, &root.texts("remove"), &faults);
    let mut layer = file.clone();
    layer.remove("variants");
    let green_tree = lay(&below, &layer);
    one_layer::of_file(&layer, &one_layer::turned(file), &faults);
    let mut combinations = combinations(&root, &green_tree, &faults);
    unmixed(&mut combinations, overrides);
    let size = |tree: &Table| values(tree, unit_files(tree, &origin.files, &units));
    let budget = Budget::new(&root, size(&green_tree), combinations.len(), &faults);

    let mut collected = Collected::default();
    let mut warned = Collected::default();
    // A form for each combination of the matrix, and what is wrong with it.
    let mut forms_of = |tree: &Table, variant: Option<&VariantName>| -> Vec<Scenario> {
        if !things(tree, &faults) {
            return Vec::new();
        }
        if let Some(first) = combinations.first() {
            let found = Faults::default();
            unused(tree, first, &found);
            collected.add(found.into_vec(), variant);
        }
        let forms = combinations.iter().filter_map(|combination| {
            let mut own = None;
            if !combination.is_empty() || !overrides.is_empty() {
                let own = own.insert(with(tree, combination));
                for value in overrides {
                    value.lay(own);
                }
            }
            let tree = own.as_ref().unwrap_or(tree);
            // With so many faults, those of further forms are for another day.
            let enough = collected.faults.len() >= DRAWN;
            if enough || !budget.spend(size(tree)) {
                return None;
            }
            let (form, found) = scenario(tree, &place, origin, &units);
            let (warnings, found) = found.into_iter().partition(Fault::is_warning);
            collected.add(found, variant);
            warned.add(Vec::clone(&warnings), variant);
            let values = combination.iter().map(|chosen| chosen.value.clone());
            Some(Scenario {
                variant: variant.cloned(),
                matrix: values.collect(),
                overrides: overrides.iter().map(Overrides::named).collect(),
                warnings,
                ..form
            })
        });
        forms.collect()
    };
    let mut forms = forms_of(&green_tree, None);
    let (summary, needs) = match forms.first() {
        Some(green) => (green.summary.clone(), green.needs.clone()),
        None => Default::default(),
    };
    for (key, node) in root.map("variants") {
        if !budget.is_left() {
            break;
        }
        let name = parsed(key, parse::our_name, &faults).map(|name| name.value);
        let Some(reader) = Reader::of(node, key.value, &VARIANT, &faults) else {
            continue;
        };
        let over = LAYERED
            .iter()
            .filter_map(|&key| Some((key.to_owned(), reader.entry(key)?.clone())));
        let over = over.collect();
        let below = without(&green_tree, &reader.texts("remove"), &faults);
        one_layer::of_variant(&over, &below, &faults);
        let mut tree = lay(&below, &over);
        if same(&tree, &green_tree) {
            let message = format!("variant `{}` changes nothing", key.value);
            let told = faults.conflict(key.place, message, "it is the file once more");
            told.help(
                "say in it what is otherwise: a key of a machine, guest, segment, check or step",
            );
        }
        let own = reader.text("summary").map(|text| text.value.to_owned());
        let mut needs = needs.clone();
        needs.extend(reader.values("needs", parse::capability));
        let Expectations { must_fail, any_of } = expectations(&reader, &mut tree, &faults);
        let laid = forms_of(&tree, name.as_ref());
        if name.is_some() {
            forms.extend(laid.into_iter().map(|form| Scenario {
                summary: own.clone().unwrap_or_else(|| summary.clone()),
                needs: needs.clone(),
                must_fail: must_fail.clone(),
                any_of: any_of.clone(),
                ..form
            }));
        }
    }
    collected.add(faults.into_vec(), None);
    if let Some(errors) = ScenarioErrors::new(collected.faults) {
        return Err(errors);
    }
    let mut forms = forms.into_iter();
    match forms.next() {
        Some(first) => Ok(LoadedScenario {
            first: Box::new(first),
            rest: forms.collect(),
            warnings: warned.in_order(),
            text: String::new(),
        }),
        None => unreachable!("there is a combination even without a matrix"),
    }
}

/// The built-in base topology.
pub(super) fn base() -> Result<Table, ScenarioErrors> {
    let shown = PathBuf::from("base.toml (built in)");
    let text = include_str!("base.toml").to_owned();
    parse(&Source::new(shown, text, true))
}

/// The faults of all forms; one that shows up in several is kept once.
#[derive(Default)]
struct Collected {
    faults: Vec<Fault>,
    seen: BTreeMap<(bool, PathBuf, usize, usize, String), usize>,
}

impl Collected {
    fn add(&mut self, faults: Vec<Fault>, variant: Option<&VariantName>) {
        for mut fault in faults {
            let (built_in, file, start, end, message) = fault.order();
            let key = (built_in, file.to_owned(), start, end, message.to_owned());
            if let Some(&at) = self.seen.get(&key) {
                let known = &mut self.faults[at];
                if !known.variants.is_empty() {
                    // A variant has a form for each combination of the matrix.
                    let new = variant.filter(|name| !known.variants.contains(name));
                    known.variants.extend(new.cloned());
                }
                continue;
            }
            fault.variants.extend(variant.cloned());
            self.seen.insert(key, self.faults.len());
            self.faults.push(fault);
        }
    }
    fn in_order(mut self) -> Vec<Fault> {
        self.faults.sort_by(|a, b| a.order().cmp(&b.order()));
        self.faults
    }
}
