//! The key of the scenario file that makes a gap.

use super::located::Located;
use super::rows;
use super::value::{distance, same};
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::At;
use crate::diagnosis::gap::Gap;
use crate::diagnosis::net::plugged;
use crate::diagnosis::observed::Observed;
use crate::plan::FABRIC;
use crate::scenario::provides::Provides;
use crate::scenario::{Part, Scenario, Written, WrittenAt};

/// The keys that can make the gap, of its machine or guest.
pub(super) fn of_scenario(gap: &Gap, observed: &Observed<'_>) -> Vec<Located> {
    let machine = gap.machine.split('/').next().unwrap_or_default();
    let ways = rows::of(gap.code).scenario.iter();
    let found = ways.flat_map(|way| along(way, gap, machine, observed));
    let mut found: Vec<(usize, Located)> = found.collect();
    found.sort_by_key(|(far, _)| *far);
    let written = found.into_iter().map(|(_, one)| one);
    let renamed = renamed(gap, machine, observed).into_iter();
    removed(gap, machine, observed)
        .chain(renamed)
        .chain(written)
        .collect()
}

/// The name of a NIC that is nearly that of a link which is not there; none where two are as near.
fn renamed(gap: &Gap, machine: &str, observed: &Observed<'_>) -> Option<Located> {
    let link = gap
        .link
        .as_deref()
        .filter(|_| gap.code == Code::LinkAbsent)?;
    let guests = observed.scenario.guests.iter();
    let here =
        guests.filter(|(name, guest)| name.as_str() == machine || guest.on.as_str() == machine);
    let nics = here.flat_map(|(name, guest)| {
        let nics = guest.interfaces.iter().enumerate();
        nics.map(move |(at, nic)| (strsim::osa_distance(nic.id.as_str(), link), name, at))
    });
    let mut near: Vec<_> = nics.filter(|(edits, ..)| (1..=2).contains(edits)).collect();
    near.sort_by_key(|(edits, ..)| *edits);
    let (edits, name, at) = *near.first()?;
    if near.get(1).is_some_and(|(other, ..)| *other == edits) {
        return None;
    }
    let found = id_of_nic(observed, name.as_str(), at)?;
    let statement = format!(
        "`id` of the scenario says `{}`, and there is no `{link}`",
        source_of(&found)
    );
    Some(Located {
        code: None,
        statement: Some(statement),
        place: Some(At::of(&found.value)),
        evidence: Vec::new(),
        remedy: None,
    })
}

/// Where the scenario gives a guest's NIC its name.
fn id_of_nic(observed: &Observed<'_>, guest: &str, at: usize) -> Option<WrittenAt> {
    let way = [
        Part::Key("guests"),
        Part::Key(guest),
        Part::Key("interfaces"),
        Part::Nth(at),
        Part::Key("id"),
    ];
    observed.written.at(&way)
}

/// The name that the scenario gives to the host's end of a guest's NIC.
pub(super) fn name_of_link(gap: &Gap, observed: &Observed<'_>) -> Option<Located> {
    let link = gap.link.as_deref()?;
    let guests = observed.scenario.guests.iter();
    let mut here = guests.filter(|(_, guest)| guest.on.as_str() == gap.machine);
    let (name, at) = here.find_map(|(name, guest)| {
        let mut nics = guest.interfaces.iter();
        Some((name, nics.position(|nic| nic.id.as_ref() == link)?))
    })?;
    let found = id_of_nic(observed, name.as_str(), at)?;
    Some(Located {
        code: Some(Code::UnitNotMatched),
        statement: Some(format!("`id` of the scenario calls it `{link}`")),
        place: Some(At::of(&found.value)),
        evidence: Vec::new(),
        remedy: None,
    })
}

/// Elements of the scenario's `remove` that take away from the base topology what is missing.
fn removed<'o>(
    gap: &Gap,
    machine: &str,
    observed: &'o Observed<'_>,
) -> impl Iterator<Item = Located> + use<'o> {
    let of_port = gap
        .needed
        .as_deref()
        .filter(|_| gap.key.as_deref() == Some("port"));
    // Names are served at port 53 alone; all else is a web server's.
    let serves =
        |what: &str| of_port.is_none_or(|port| (what == "dnsmasq") == port.ends_with(" 53"));
    let rows = rows::of(gap.code)
        .removed
        .iter()
        .filter(|what| serves(what));
    let ways: Vec<String> = rows
        .map(|what| match what.strip_prefix('*') {
            Some(rest) => rest.to_owned(),
            None => format!("machines.{machine}.{what}"),
        })
        .collect();
    let elements = (0..MOST).map_while(|number| {
        let way = [Part::Key("remove"), Part::Nth(number)];
        observed.written.at(&way)
    });
    elements.filter_map(move |element| {
        let text = element.text.clone()?;
        let is_it = |way: &String| match way.starts_with('.') {
            true => text.ends_with(way.as_str()),
            false => text == *way,
        };
        ways.iter().any(is_it).then(|| Located {
            code: None,
            statement: Some(format!("`remove` of the scenario takes `{text}` away")),
            place: Some(At::of(&element.value)),
            evidence: Vec::new(),
            remedy: None,
        })
    })
}

/// A way with the names of the gap in the place of its placeholders, and from where it begins.
fn along(way: &str, gap: &Gap, machine: &str, observed: &Observed<'_>) -> Vec<(usize, Located)> {
    let scenario = observed.scenario;
    let link = gap.link.as_deref().unwrap_or_default();
    let key = gap.key.as_deref().unwrap_or_default();
    if (way.contains("LINK") && link.is_empty()) || (way.contains("KEY") && key.is_empty()) {
        return Vec::new();
    }
    // The scenario knows the port of a switch by what is plugged into it: `MACHINE/INTERFACE`.
    let socket = (machine == FABRIC)
        .then(|| plugged(scenario, link))
        .flatten();
    let mut beginnings: Vec<(Vec<Part<'_>>, &str)> = Vec::new();
    if let Some(rest) = way.strip_prefix("NIC.") {
        for (name, guest) in &scenario.guests {
            let nics = guest.interfaces.iter().enumerate();
            let own = nics.filter(|(at, nic)| {
                let host_end = guest.on.as_str() == machine && nic.id.as_ref() == link;
                let inside = name.as_str() == machine
                    && (link.is_empty()
                        || guest.interfaces.len() == 1
                        || link == format!("eth{at}"));
                host_end || inside
            });
            for (at, _) in own {
                let parts = [
                    Part::Key("guests"),
                    Part::Key(name.as_str()),
                    Part::Key("interfaces"),
                    Part::Nth(at),
                ];
                beginnings.push((parts.to_vec(), rest));
            }
        }
    } else if let Some(rest) = way.strip_prefix("PORT.") {
        if let Some(known) = scenario.machines.get(machine) {
            for bridge in known.bridges.keys() {
                let parts = [
                    Part::Key("machines"),
                    Part::Key(machine),
                    Part::Key("bridges"),
                    Part::Key(bridge.as_ref()),
                    Part::Key("ports"),
                    Part::Key(link),
                ];
                beginnings.push((parts.to_vec(), rest));
            }
        }
        let plugged = socket.as_deref().unwrap_or(link);
        for name in scenario.segments.keys() {
            let parts = [
                Part::Key("segments"),
                Part::Key(name.as_str()),
                Part::Key("ports"),
                Part::Key(plugged),
            ];
            beginnings.push((parts.to_vec(), rest));
        }
    } else {
        let of = match scenario.guests.contains_key(machine) {
            true => "guests",
            false => "machines",
        };
        beginnings.push((vec![Part::Key(of), Part::Key(machine)], way));
    }
    let mut found = Vec::new();
    for (beginning, rest) in beginnings {
        let mut parts = beginning.clone();
        parts.extend(parts_of(rest, link, key));
        match observed.written.at(&parts) {
            Some(_) => found.extend(at(&parts, gap, observed.written)),
            // Where networkd configures the machine, it is a unit that should say it.
            None if !runs_networkd(scenario, machine) => {
                found.extend(lacks(&beginning, rest, gap, observed.written));
            }
            None => {}
        }
    }
    found
}

/// The parts of `interfaces[name=LINK].mtu`.
fn parts_of<'k>(way: &'k str, link: &'k str, key: &'k str) -> Vec<Part<'k>> {
    let word = |text: &'k str| match text {
        "LINK" => link,
        "KEY" => key,
        text => text,
    };
    let mut parts = Vec::new();
    for step in way.split('.') {
        let (name, element) = match step.split_once('[') {
            Some((name, element)) => (name, element.strip_suffix(']')),
            None => (step, None),
        };
        parts.push(Part::Key(word(name)));
        if let Some(element) = element {
            parts.push(match element.split_once('=') {
                Some((key, value)) => Part::With(key, word(value)),
                None => Part::Nth(element.parse().unwrap_or_default()),
            });
        }
    }
    parts
}

fn runs_networkd(scenario: &Scenario, machine: &str) -> bool {
    let known = scenario.machines.get(machine);
    let guest = scenario.guests.get(machine);
    known.is_some_and(|machine| machine.networkd.is_some())
        || guest.is_some_and(|guest| Provides::of(&guest.image).networkd)
}

/// A table that lacks the key which would give what is needed.
fn lacks(table: &[Part<'_>], key: &str, gap: &Gap, written: &Written) -> Option<(usize, Located)> {
    let gives = matches!(
        (gap.code, key),
        (Code::PortNotEnslaved, "master") | (Code::AddressAbsent, "addresses")
    );
    let needed = gap.needed.as_deref().filter(|_| gives)?;
    // Only what stands for one NIC is sure to be the table that should have it.
    let of_nic = matches!(table, [.., Part::Key("interfaces"), Part::Nth(_)]);
    let found = written
        .at(table)
        .filter(|found| of_nic && !found.is_built_in())?;
    let located = Located {
        code: None,
        statement: Some(format!(
            "the scenario gives it no `{key}`, and `{needed}` is needed"
        )),
        place: Some(At::of(&found.value)),
        evidence: Vec::new(),
        remedy: None,
    };
    Some((FAR, located))
}

/// Elements of an array that are looked at.
const MOST: usize = 32;

/// The value at the end of a way; of an array of texts or of tables the element that the gap is about, or nearly.
fn at(way: &[Part<'_>], gap: &Gap, written: &Written) -> Option<(usize, Located)> {
    let whole = written.at(way)?;
    if whole.is_built_in() {
        return None;
    }
    let needed = gap.needed.as_deref();
    let is = gap.is.as_deref();
    let elements = (0..MOST).map_while(|number| written.at(&[way, &[Part::Nth(number)]].concat()));
    let mut best: Option<(usize, WrittenAt)> = None;
    for element in elements {
        let text = element.text.clone().unwrap_or_else(|| source_of(&element));
        let far = match (is, needed) {
            (Some(is), _) if same(&text, is) || mentions(&text, is) => Some(0),
            (_, Some(needed)) if mentions(&text, needed) => None,
            (_, Some(needed)) => near(&text, needed),
            _ => None,
        };
        if let Some(far) = far.filter(|far| best.as_ref().is_none_or(|(least, _)| far < least)) {
            best = Some((far, element));
        }
    }
    // Of a list no more than the element counts that the gap is about.
    let is_list = written.at(&[way, &[Part::Nth(0)]].concat()).is_some();
    if is_list && best.is_none() {
        return None;
    }
    let (far, found) = best.unwrap_or((FAR, whole));
    let stands = source_of(&found);
    // What says what is needed already is not to blame.
    if needed.is_some_and(|needed| same(&stands, needed) || mentions(&stands, needed)) {
        return None;
    }
    let place = At::of(&found.value);
    let key = way.iter().rev().find_map(|part| match part {
        Part::Key(key) => Some(*key),
        _ => None,
    });
    let statement = match (key, needed) {
        (Some(key), Some(needed)) => format!(
            "`{key}` of the scenario says `{}`, and `{needed}` is needed",
            source_of(&found)
        ),
        (Some(key), None) => format!("`{key}` of the scenario says `{}`", source_of(&found)),
        (None, _) => format!("the scenario says `{}`", source_of(&found)),
    };
    let located = Located {
        code: None,
        statement: Some(statement),
        place: Some(place),
        evidence: Vec::new(),
        remedy: None,
    };
    Some((far, located))
}

/// How near an element is to what is needed; a table by the nearest of its values.
fn near(element: &str, needed: &str) -> Option<usize> {
    if !element.starts_with('{') {
        return distance(element, needed);
    }
    let words = words(element).filter_map(|word| distance(word, needed));
    words.min()
}

/// Farther than any value that was compared: a key that only could have to do with it.
const FAR: usize = usize::MAX;

/// What stands at a place.
fn source_of(at: &WrittenAt) -> String {
    let text = at
        .value
        .source
        .text
        .get(at.value.span.clone())
        .unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_matches(['"', '\'']).to_owned()
}

/// Whether an element that is a table has this word among its values.
fn mentions(table: &str, word: &str) -> bool {
    table.starts_with('{') && words(table).any(|one| same(one, word))
}

/// The words of a table: keys and values.
fn words(table: &str) -> impl Iterator<Item = &str> {
    let words = table.split(['"', '\'', ' ', ',', '[', ']', '{', '}', '=']);
    words.filter(|one| !one.is_empty())
}
