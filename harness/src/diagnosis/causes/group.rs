//! Few causes for many checks: the one that explains most first.

use std::collections::{BTreeMap, BTreeSet};

use super::suspects::Suspects;
use crate::diagnosis::code::Code;
use crate::diagnosis::files::Located;
use crate::diagnosis::finding::At;
use crate::diagnosis::found::Found;
use crate::diagnosis::gap::Gap;

/// By what two gaps are one cause: the same line of a file, or the same thing of the same machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Line(At),
    Thing(Box<Thing>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thing {
    code: Code,
    machine: String,
    link: Option<String>,
    is: Option<String>,
    needed: Option<String>,
    key: Option<String>,
}

/// A gap of one or more checks, and what the files say about it.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    /// As it was found first.
    pub(super) found: Found,
    /// What the files say.
    pub(super) located: Vec<Located>,
}

/// A cause, with the checks that it explains.
#[derive(Debug)]
pub(super) struct Group {
    /// The cause.
    pub(super) suspect: Suspect,
    /// Places of its checks in the list of all, in order.
    pub(super) checks: Vec<usize>,
    /// What else may be the cause, that of most of these checks first.
    pub(super) others: Vec<Suspect>,
}

/// Groups checks by their causes.
pub(super) fn group(
    all: &[Suspects<'_>],
    mut locate: impl FnMut(&Gap) -> Vec<Located>,
) -> Vec<Group> {
    let mut suspects: BTreeMap<Key, Suspect> = BTreeMap::new();
    let mut keys: Vec<Vec<Key>> = Vec::new();
    let mut known: Vec<(Gap, Vec<Located>)> = Vec::new();
    for one in all {
        let mut own = Vec::new();
        for found in &one.found {
            let located = match known.iter().find(|(gap, _)| *gap == found.gap) {
                Some((_, located)) => located.clone(),
                None => {
                    let located = locate(&found.gap);
                    known.push((found.gap.clone(), located.clone()));
                    located
                }
            };
            let key = key(&found.gap, &located);
            let found = found.clone();
            suspects
                .entry(key.clone())
                .or_insert(Suspect { found, located });
            if !own.contains(&key) {
                own.push(key);
            }
        }
        keys.push(own);
    }
    let mut left: BTreeSet<usize> = (0..all.len())
        .filter(|check| !keys[*check].is_empty())
        .collect();
    let mut groups = Vec::new();
    while let Some(best) = best(&suspects, &keys, &left) {
        let checks: Vec<usize> = left
            .iter()
            .copied()
            .filter(|check| keys[*check].contains(&best))
            .collect();
        left.retain(|check| !checks.contains(check));
        let others = others(&suspects, &keys, &checks, &best);
        let suspect = suspects[&best].clone();
        groups.push(Group {
            suspect,
            checks,
            others,
        });
    }
    alone(&mut groups);
    groups.sort_by_key(|group| {
        (
            usize::MAX - group.checks.len(),
            group.checks.first().copied(),
        )
    });
    groups
}

fn key(gap: &Gap, located: &[Located]) -> Key {
    match located.first().and_then(|first| first.place.clone()) {
        Some(place) => Key::Line(place),
        None => Key::Thing(Box::new(thing(gap))),
    }
}

fn thing(gap: &Gap) -> Thing {
    // Without a route it is the machine that has none: where to is the checks' business.
    let needed = match gap.code {
        Code::RouteNone | Code::RouteNoneBack => {
            let v6 = gap.needed.as_ref().map(|to| to.contains(':'));
            v6.map(|v6| if v6 { "IPv6" } else { "IPv4" }.to_owned())
        }
        // What is there is at fault; how long each check's packets are differs.
        Code::LinkMtu => None,
        // A packet knows the address alone, a check its prefix as well.
        Code::AddressAbsent => {
            let address = gap
                .needed
                .as_ref()
                .and_then(|needed| needed.split('/').next());
            address.map(ToOwned::to_owned)
        }
        _ => gap.needed.clone(),
    };
    Thing {
        code: gap.code,
        machine: gap.machine.clone(),
        link: gap.link.clone(),
        is: gap.is.clone(),
        needed,
        key: gap.key.clone(),
    }
}

/// The cause of most of the checks that are left. One that a packet meets first counts twice; of equal ones the lower layer.
fn best(
    suspects: &BTreeMap<Key, Suspect>,
    keys: &[Vec<Key>],
    left: &BTreeSet<usize>,
) -> Option<Key> {
    let mut scores: BTreeMap<&Key, usize> = BTreeMap::new();
    for own in left.iter().map(|check| &keys[*check]) {
        for (place, key) in own.iter().enumerate() {
            *scores.entry(key).or_default() += if place == 0 { 2 } else { 1 };
        }
    }
    let rank = |key: &Key| {
        let code = suspects[key].found.gap.code;
        (code.is_unknown(), code, key.clone())
    };
    let all = scores.into_iter();
    let best = all.min_by_key(|(key, score)| {
        let unknown = suspects[*key].found.gap.code.is_unknown();
        (unknown, usize::MAX - score, rank(key))
    })?;
    Some(best.0.clone())
}

fn others(
    suspects: &BTreeMap<Key, Suspect>,
    keys: &[Vec<Key>],
    checks: &[usize],
    best: &Key,
) -> Vec<Suspect> {
    let mut counts: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in checks.iter().flat_map(|check| &keys[*check]) {
        *counts.entry(key).or_default() += 1;
    }
    counts.remove(best);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(key, count)| (usize::MAX - count, *key));
    counts
        .into_iter()
        .map(|(key, _)| suspects[key].clone())
        .collect()
}

/// Checks that cannot be followed have the cause of the others, where those have one alone.
fn alone(groups: &mut Vec<Group>) {
    let of_no_probe = |group: &Group| group.suspect.found.gap.code == Code::UnknownNoProbe;
    let (unfollowed, mut known): (Vec<Group>, Vec<Group>) = groups.drain(..).partition(of_no_probe);
    if let [only] = known.as_mut_slice()
        && !only.suspect.found.gap.code.is_unknown()
    {
        let more = unfollowed.iter().flat_map(|group| &group.checks);
        only.checks.extend(more.copied());
        only.checks.sort_unstable();
        *groups = known;
        return;
    }
    known.extend(unfollowed);
    *groups = known;
}
