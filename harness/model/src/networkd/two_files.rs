//! Two files for one link: networkd takes the first by name, and the other counts for nothing there.

use std::collections::BTreeMap;

use super::keys::UnitKind;
use super::link::{LinkName, Links};
use super::matching::{Matches, is_conditional, names};
use super::unit::Unit;
use super::warning::{Warning, code};

/// Units that no link is left for, and those that name a link which another one names, too. A general unit behind a more
/// special one, `20-lan.network` with `Type=ether` behind `19-docker.network`, is how it is meant to be done.
pub fn warnings(units: &[Unit], links: &Links) -> Vec<(String, Warning)> {
    let mut found = Vec::new();
    for kind in [UnitKind::Network, UnitKind::Link] {
        let of_kind =
            |unit: &&Unit| unit.kind == kind && unit.head.is_some() && !is_conditional(unit);
        let mut taken: BTreeMap<usize, &Unit> = BTreeMap::new();
        for unit in units.iter().filter(of_kind) {
            let verdicts = links.all.iter().map(|link| unit.matches(links, link));
            let verdicts: Vec<Matches> = verdicts.collect();
            let surely = |at: &usize| verdicts[*at] == Matches::Yes;
            let lost: Vec<usize> = taken.keys().copied().filter(surely).collect();
            let all_lost =
                (0..verdicts.len()).all(|at| verdicts[at] == Matches::No || lost.contains(&at));
            let by_both = lost.iter().find_map(|at| {
                let LinkName::Exactly(link) = &links.all[*at].name else {
                    return None;
                };
                let winner = names(taken[at], link)?;
                Some((taken[at], link, winner, names(unit, link)?))
            });
            if let Some((winner, link, first, second)) = by_both {
                let message = format!("`{link}` is matched by two files");
                let label = format!("`{}` wins: it comes first by name", winner.name);
                let (line, _) = first.value_place.position();
                let shown = first.value_place.source.shown.display();
                let warning = Warning::new(&second.value_place, code::TWO_FILES, message, label);
                let warning = warning.help(format!("the other one: {shown}:{line}"));
                found.push((unit.name.clone(), warning));
            } else if let (true, Some(at), Some(head)) = (all_lost, lost.first(), &unit.head) {
                let winner = taken[at];
                let message = format!("`{}` is never used", unit.name);
                let label = format!("`{}` takes all links that it matches", winner.name);
                let warning = Warning::new(head, code::TWO_FILES, message, label);
                let warning = warning.help("of several files the first by name wins".to_owned());
                found.push((unit.name.clone(), warning));
            }
            for (at, verdict) in verdicts.iter().enumerate() {
                if *verdict == Matches::Yes {
                    taken.entry(at).or_insert(unit);
                }
            }
        }
    }
    found
}
