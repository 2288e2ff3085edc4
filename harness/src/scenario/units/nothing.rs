//! A unit that matches no link: which of its lines it is, and what could stand there.

use super::links::Links;
use super::matching::{decisive, is_of_udev, is_wireless};
use super::unit::Unit;
use crate::scenario::VantagePoint;
use crate::scenario::did_you_mean::suggest;
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;

/// The warning, at the first line that no link fits; where each line has a link, at the name.
pub(super) fn matches_nothing(
    unit: &Unit,
    head: &Place,
    place: &VantagePoint,
    links: &Links,
) -> Fault {
    let owner = match place {
        VantagePoint::Machine(name) => format!("machine `{name}`"),
        other => format!("guest `{other}`"),
    };
    let message = format!("`{}` matches no link of {owner}", unit.name);
    let new = |at: &Place, label: String, help: Option<String>| {
        Fault::new(at, code::UNIT_MATCH, message, label).help(help)
    };
    let settings = unit.matches();
    let Some(setting) = decisive(&settings, links) else {
        let by_name = |key: &str| matches!(key, "Name" | "OriginalName");
        let named = settings.iter().find(|one| by_name(&one.key));
        let first = named.or(settings.first());
        let at = first.map_or(head, |setting| &setting.value_place);
        return new(at, "no link fits all lines of [Match]".to_owned(), None);
    };
    let word = setting.value.trim_start_matches('!').split_whitespace();
    let word = word.clone().next().unwrap_or_default();
    let near = |what: &str, known: Vec<String>| {
        let known = known.iter().map(String::as_str);
        Some(suggest(word, &format!("{what} of {owner}"), known))
    };
    let kinds = || links.all.iter().map(|link| &link.kind);
    let sorted = |mut known: Vec<String>| {
        known.sort_unstable();
        known.dedup();
        known
    };
    let (label, help) = match setting.key.as_str() {
        "Name" | "OriginalName" => ("no such link", near("links", links.names())),
        "MACAddress" | "PermanentMACAddress" => {
            let known = links.all.iter().filter_map(|link| link.mac);
            let known = known.map(|mac| mac.to_string()).collect();
            ("no link has this address", near("MAC addresses", known))
        }
        "Type" => {
            let known = kinds().filter_map(|kind| kind.types()).flatten();
            let known = sorted(known.map(str::to_owned).collect());
            ("no link is of this type", near("types of links", known))
        }
        "Kind" => {
            let known = kinds().filter_map(|kind| kind.kind()?);
            let known = sorted(known.map(str::to_owned).collect());
            ("no link is of this kind", near("kinds of links", known))
        }
        "Driver" => {
            let known = kinds().filter_map(|kind| kind.driver()?);
            let known = sorted(known.map(str::to_owned).collect());
            ("no link has this driver", near("drivers of links", known))
        }
        key if is_of_udev(key) => (
            "udev alone knows it, and a machine that is a namespace has none",
            None,
        ),
        key if is_wireless(key) => ("no link is wireless", None),
        _ => ("no such link", None),
    };
    new(&setting.value_place, label.to_owned(), help)
}
