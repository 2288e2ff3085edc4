//! The forms of a file: base, file and variants laid over each other and read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{Fault, ScenarioErrors};
use super::file::{Place, Source, Table, parse};
use super::names::VariantName;
use super::overlay::lay;
use super::read::{Faults, Reader, parsed};
use super::shape::{FILE, LAYERED, VARIANT};
use super::validate::{Origin, UnitFolders, expectations, scenario};
use super::{Scenario, words};

/// The green form and the variants of a file, or everything that is wrong with any of them.
pub(super) fn read(
    file: &Table,
    source: &Arc<Source>,
    origin: &Origin,
) -> Result<(Scenario, BTreeMap<VariantName, Scenario>), ScenarioErrors> {
    let (units, faults) = (UnitFolders::default(), Faults::default());
    let source = Arc::clone(source);
    let place = Place { source, span: 0..0 };
    // Reports the file's unknown keys, as the green form does; `Collected` keeps one of the two.
    let root = Reader::new(file, &place, &FILE, &faults);
    let on_base = root.word("base", words::base).is_none_or(|base| base.value);
    let below = if on_base { base()? } else { Table::new() };
    let mut layer = file.clone();
    layer.remove("variants");
    let green_tree = lay(&below, &layer);

    let mut collected = Collected::default();
    let (green, found) = scenario(&green_tree, &place, origin, &units);
    collected.add(found, None);

    let mut variants = BTreeMap::new();
    for (key, node) in root.map("variants") {
        let name = parsed(key, words::variant_name, &faults).map(|name| name.value);
        let Some(reader) = Reader::of(node, key.value, &VARIANT, &faults) else {
            continue;
        };
        let over = LAYERED
            .iter()
            .filter_map(|&key| Some((key.to_owned(), reader.entry(key)?.clone())));
        let tree = lay(&green_tree, &over.collect());
        let summary = reader.text("summary").map(|text| text.value.to_owned());
        let must_fail = expectations(&reader, &tree, &faults);
        let (laid, found) = scenario(&tree, &place, origin, &units);
        collected.add(found, name.as_ref());
        variants.extend(name.map(|name| {
            let variant = Some(name.clone());
            let summary = summary.unwrap_or_else(|| green.summary.clone());
            let scenario = Scenario {
                variant,
                summary,
                must_fail,
                ..laid
            };
            (name, scenario)
        }));
    }
    collected.add(faults.into_vec(), None);
    match ScenarioErrors::new(collected.faults) {
        Some(errors) => Err(errors),
        None => Ok((green, variants)),
    }
}

/// The built-in base topology.
fn base() -> Result<Table, ScenarioErrors> {
    let shown = PathBuf::from("base.toml (built in)");
    let text = include_str!("base.toml").to_owned();
    parse(&Source::new(shown, text, true))
}

/// The faults of all forms; one that shows up in several is kept once.
#[derive(Default)]
struct Collected {
    faults: Vec<Fault>,
    seen: BTreeMap<(bool, usize, usize, String), usize>,
}

impl Collected {
    fn add(&mut self, faults: Vec<Fault>, variant: Option<&VariantName>) {
        for mut fault in faults {
            let (built_in, start, end, message) = fault.order();
            let key = (built_in, start, end, message.to_owned());
            if let Some(&at) = self.seen.get(&key) {
                let known = &mut self.faults[at];
                if !known.variants.is_empty() {
                    known.variants.extend(variant.cloned());
                }
                continue;
            }
            fault.variants.extend(variant.cloned());
            self.seen.insert(key, self.faults.len());
            self.faults.push(fault);
        }
    }
}
