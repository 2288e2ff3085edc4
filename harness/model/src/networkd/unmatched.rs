//! A unit that matches no link: which of its lines it is, and what could stand there.

use super::keys::UnitKind;
use super::link::Links;
use super::matching::{decisive, is_of_udev, is_wireless};
use super::unit::Unit;
use super::warning::{Warning, code};
use crate::did_you_mean::suggest;
use crate::place::Place;

/// The warning about a unit without a valid setting in `[Match]`; `head` is where it begins.
pub fn without_match(unit: &Unit, head: &Place) -> Warning {
    let key = match unit.kind {
        UnitKind::Link => "OriginalName",
        _ => "Name",
    };
    let message = format!("`{}` has no valid setting in [Match]", unit.name);
    let warning = Warning::new(head, code::MATCH, message, "networkd ignores the file");
    warning.help(format!("to match every link: `{key}=*`"))
}

/// The warning about one that matches none of the links of `owner`, at the first line that no link fits; where each line has a
/// link, at the name.
pub fn matches_nothing(unit: &Unit, head: &Place, owner: &str, links: &Links) -> Warning {
    let message = format!("`{}` matches no link of {owner}", unit.name);
    let new = |at: &Place, label: &str, help: Option<String>| {
        Warning::new(at, code::MATCH, message, label).help(help)
    };
    let settings = unit.match_settings();
    let Some(setting) = decisive(&settings, links) else {
        let by_name = |key: &str| matches!(key, "Name" | "OriginalName");
        let named = settings.iter().find(|one| by_name(&one.key));
        let first = named.or(settings.first());
        let at = first.map_or(head, |setting| &setting.value_place);
        return new(at, "no link fits all lines of [Match]", None);
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
            let known = links.all.iter().filter_map(|link| link.mac.clone());
            let known = known.collect();
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
    new(&setting.value_place, label, help)
}
