//! What is not the same in all combinations of a form.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Combination, Difference, Sight, word};
use crate::report::{CheckOutcome, CheckReport, GuestReport, NicReport, RunReport};

/// A row of the table, from 1, and its run.
type Row<'a> = (usize, &'a RunReport);

/// A fact of a NIC: what it is called, and how it reads.
type Fact = (&'static str, fn(&NicReport) -> String);

/// Facts of a NIC that are compared, beside its features.
const NIC: [Fact; 5] = [
    ("its name in the guest", |nic| nic.nic.name.clone()),
    ("its bus", |nic| nic.nic.bus.clone()),
    ("the MTU that the VMM tells the guest", told_mtu),
    ("its MTU in the guest", |nic| nic.nic.mtu.to_string()),
    ("its queues in the guest", |nic| nic.nic.queues.to_string()),
];

/// The MTU that a VMM told its guest of a NIC.
pub(super) fn told_mtu(nic: &NicReport) -> String {
    if nic.nic.features.iter().any(|name| name == "MTU") {
        nic.nic.mtu.to_string()
    } else {
        "none".to_owned()
    }
}

/// Form by form, in the order of the table: the checks, then the facts.
pub(super) fn differences(combinations: &[Combination]) -> Vec<Difference> {
    let mut forms: Vec<(&str, Vec<Row<'_>>)> = Vec::new();
    for (at, combination) in combinations.iter().enumerate() {
        let Some(run) = combination.ran() else {
            continue;
        };
        let row = (at + 1, run);
        match forms.iter_mut().find(|(form, _)| *form == combination.form) {
            Some((_, rows)) => rows.push(row),
            None => forms.push((&combination.form, vec![row])),
        }
    }
    let of = |(form, rows): &(&str, Vec<Row<'_>>)| {
        let mut found = checks(rows);
        found.extend(guests(rows));
        for one in &mut found {
            (*form).clone_into(&mut one.form);
        }
        found
    };
    forms.iter().flat_map(of).collect()
}

/// The values by the rows in which they were seen; `None` when all are the same.
fn differs(about: String, values: impl IntoIterator<Item = (usize, String)>) -> Option<Difference> {
    let mut sights: Vec<Sight> = Vec::new();
    for (row, seen) in values {
        match sights.iter_mut().find(|sight| sight.seen == seen) {
            Some(sight) => sight.rows.push(row),
            None => sights.push(Sight {
                seen,
                rows: vec![row],
            }),
        }
    }
    (sights.len() > 1).then_some(Difference {
        form: String::new(),
        about,
        expected: None,
        sights,
    })
}

/// Checks that did not end alike. What was seen is told of a check that does not hold. Of one that holds it is told only for the kind
/// `vmm`, whose words may differ between two VMMs.
fn checks(rows: &[Row<'_>]) -> Vec<Difference> {
    let mut ids: Vec<&str> = Vec::new();
    for check in rows.iter().flat_map(|(_, run)| &run.checks) {
        if !ids.contains(&check.id.as_str()) {
            ids.push(&check.id);
        }
    }
    let of = |id: &str| {
        let found: Vec<(usize, &CheckReport)> = rows
            .iter()
            .filter_map(|(row, run)| Some((*row, run.checks.iter().find(|one| one.id == id)?)))
            .collect();
        let first = found.first()?.1;
        let alike = |(_, one): &(usize, &CheckReport)| one.outcome == first.outcome;
        let words = first.kind == "vmm";
        if found.iter().all(alike) && !words {
            return None;
        }
        let seen = |(row, one): (usize, &CheckReport)| {
            let seen = match one.outcome {
                CheckOutcome::Passed if !words => word(one.outcome).to_owned(),
                outcome => format!("{}: {}", word(outcome), one_line(&one.got)),
            };
            (row, seen)
        };
        let mut difference = differs(
            format!("`{id}` from {}", first.from),
            found.into_iter().map(seen),
        )?;
        difference.expected = Some(one_line(&first.expected));
        Some(difference)
    };
    ids.into_iter().filter_map(of).collect()
}

/// Facts of guests and NICs that differ.
fn guests(rows: &[Row<'_>]) -> Vec<Difference> {
    let every = rows.iter().flat_map(|(_, run)| &run.guests);
    let names: BTreeSet<&str> = every.map(|guest| guest.name.as_str()).collect();
    let mut found = Vec::new();
    for name in names {
        let of: Vec<(usize, &GuestReport)> = rows
            .iter()
            .filter_map(|(row, run)| {
                Some((*row, run.guests.iter().find(|guest| guest.name == name)?))
            })
            .collect();
        let machines = of.iter().map(|(row, guest)| (*row, guest.machine.clone()));
        found.extend(differs(format!("`{name}`: its machine"), machines));
        let starts = of.iter().map(|(row, guest)| (*row, start(guest)));
        found.extend(differs(format!("`{name}`: its start"), starts));
        found.extend(nics(name, &of));
    }
    found
}

/// How a guest started, and why not from a template. The template's name is left out, since it tells a reader nothing.
fn start(guest: &GuestReport) -> String {
    match guest.start.as_str() {
        "cold" => format!("cold: {}", one_line(&guest.start_reason)),
        other => other.to_owned(),
    }
}

fn nics(guest: &str, rows: &[(usize, &GuestReport)]) -> Vec<Difference> {
    let mut by_id: BTreeMap<&str, Vec<(usize, &NicReport)>> = BTreeMap::new();
    for (row, guest) in rows {
        for nic in &guest.nics {
            if let Some(id) = &nic.id {
                by_id.entry(id).or_default().push((*row, nic));
            }
        }
    }
    let mut found = Vec::new();
    for (id, nics) in by_id {
        for (what, fact) in NIC {
            let values = nics.iter().map(|(row, nic)| (*row, fact(nic)));
            found.extend(differs(format!("`{guest}`, NIC `{id}`: {what}"), values));
        }
        let everywhere =
            |name: &String| nics.iter().all(|(_, nic)| nic.nic.features.contains(name));
        let own = |nic: &NicReport| {
            let own = nic.nic.features.iter().filter(|name| !everywhere(name));
            match own.map(String::as_str).collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => "none of these".to_owned(),
                some => some,
            }
        };
        let values = nics.iter().map(|(row, nic)| (*row, own(nic)));
        let about = format!("`{guest}`, NIC `{id}`: features that not all have");
        found.extend(differs(about, values));
    }
    found
}

/// Puts the words of a program on one line.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
