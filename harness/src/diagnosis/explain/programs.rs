//! VMMs, processes, and rules that count.

use super::at::{At, Explained};
use crate::check::kinds::{Counter, Process, Vmm};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;

/// Words of a VMM that could not open its TAP.
const OF_TAPS: [&str; 6] = [
    "could not configure /dev/net/tun",
    "could not open /dev/net/tun",
    "Enabling tap interface failed",
    "TUNSETIFF",
    "Operation not permitted",
    "Device or resource busy",
];

/// `vmm`.
pub(super) fn vmm(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Vmm>()?;
    let (machine, got) = (asked.guest.as_str(), at.unheld.got);
    let of_tap = OF_TAPS.iter().any(|words| got.contains(words));
    let code = if of_tap {
        Code::VmmTapRefused
    } else {
        Code::VmmNotStarted
    };
    let statement = format!("the VMM of {machine} is not as asked for: {got}");
    let found = Found::at(code, machine, statement)
        .is(got)
        .seen(got, "the VMM's stderr");
    Some(Explained::of(vec![found]))
}

/// `process`.
pub(super) fn process(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Process>()?;
    let (machine, got) = (at.machine(), at.unheld.got);
    let statement = format!("{} of {machine} is not as asked for: {got}", asked.name);
    let found = Found::at(Code::ServiceNotRunning, &machine, statement)
        .key(&asked.name)
        .is(got)
        .seen(got, "ps -e -o user,args");
    Some(Explained::of(vec![found]))
}

/// `counter`: too many packets were counted by what drops, or too few by what passes.
pub(super) fn counter(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Counter>()?;
    let (machine, got) = (at.machine(), at.unheld.got);
    let place = format!("{} {}", asked.table, asked.chain);
    let code = if asked.rule.is_empty() {
        Code::HookPolicy
    } else {
        Code::HookRule
    };
    let statement = format!("{place} on {machine} counted otherwise than asked for: {got}");
    let found = Found::at(code, &machine, statement)
        .is(if asked.rule.is_empty() {
            "policy drop"
        } else {
            &asked.rule
        })
        .key(place)
        .seen(got, "nft -a list ruleset");
    Some(Explained::of(vec![found.maybe()]))
}
