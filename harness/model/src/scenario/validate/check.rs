//! Checks: who looks, from where, and for how long.

use std::sync::Arc;

use super::during::Order;
use super::steps::Timeline;
use super::{Context, times, vmm};
use crate::scenario::check_kind::{self, kinds};
use crate::scenario::error::code;
use crate::scenario::keys::{CHECK, TableKeys};
use crate::scenario::names::{MachineName, StepId};
use crate::scenario::read::{At, Reader};
use crate::scenario::{Check, CheckKind, VantagePoint};

pub(crate) fn checks<'a>(
    context: &Context<'a>,
    root: &Reader<'a>,
    timeline: &Timeline,
) -> Vec<Check> {
    let mut readers = root.tables("checks", &CHECK);
    // What one that is taken away asks about may be taken away as well.
    readers.retain(|reader| reader.flag("enabled").unwrap_or(true));
    let order = Order::of(&readers);
    let checks: Vec<Check> = readers
        .iter()
        .filter_map(|reader| check(context, reader, timeline, &order))
        .collect();
    timeline.idle(context, &checks);
    checks
}

fn check<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    timeline: &Timeline,
    order: &Order<'_>,
) -> Option<Check> {
    let id = context.claims.id(reader, "check");
    let from = if reader.entry("from").is_none() && reader.entry("vmm").is_some() {
        let place = reader.place;
        vmm::vantage(context, reader).map(|value| At { value, place })
    } else {
        let from = reader.need("from", reader.text("from"));
        from.and_then(|text| Some(text.with(vantage(context, &text)?)))
    };
    let after = reader.text("after");
    timeline.runs_then(context, after.as_ref(), from.as_ref());
    let during = order.during(context, reader, timeline);
    since_the_start(context, reader);
    let times = times::times(context, reader);
    let table_keys = the_kind(context, reader)?;
    let kind = reader
        .table(table_keys.what, table_keys)
        .and_then(|reader| check_kind::read(context, &reader, table_keys, from.as_ref()));
    if let Some(with) = kind.as_ref().and_then(|kind| kind.with())
        && let Some(place) = reader.entry(table_keys.what).map(|entry| &entry.node.place)
    {
        let value = with.clone();
        timeline.looks_then(context, after.as_ref(), Some(&At { value, place }));
    }
    Some(Check {
        id: id?,
        from: from?.value,
        after: after.and_then(|after| StepId::try_from(after.value).ok()),
        during,
        times,
        kind: kind?,
    })
}

/// With `during` a capture counts from there on, whatever `since` says.
fn since_the_start(context: &Context<'_>, reader: &Reader<'_>) {
    let packet = (reader.entry("packet")).and_then(|entry| entry.node.value.as_table());
    if let (Some(_), Some(packet)) = (reader.entry("during"), packet)
        && let Some(since) = packet.get("since")
        && since.node.value.as_text() == Some("start")
    {
        let message = "`since = \"start\"` beside `during`";
        let label = "counted is what came since that check began";
        context.faults.conflict(&since.key, message, label);
    }
}

/// Reads the one kind of check that a table has, as seen `from` there.
pub fn read_kind<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    from: super::From<'_, 'a>,
) -> Option<Arc<dyn CheckKind>> {
    let table_keys = the_kind(context, reader)?;
    let reader = reader.table(table_keys.what, table_keys)?;
    check_kind::read(context, &reader, table_keys, from)
}

/// The one kind that the check has.
pub(crate) fn the_kind(context: &Context<'_>, reader: &Reader<'_>) -> Option<&'static TableKeys> {
    let what = Choice {
        whole: "a check",
        missing: "a check needs to say what it checks",
        none: "no kind of check is in it",
        second: "a second kind of check",
        help: "write two checks, each with its own id",
    };
    the_one(context, reader, kinds(), &what)
}

/// How faults name a table that must have exactly one of some keys.
pub(crate) struct Choice {
    pub(crate) whole: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) none: &'static str,
    pub(crate) second: &'static str,
    pub(crate) help: &'static str,
}

/// The one of `all` that the table has.
pub(crate) fn the_one(
    context: &Context<'_>,
    reader: &Reader<'_>,
    all: &'static [TableKeys],
    what: &Choice,
) -> Option<&'static TableKeys> {
    let mut kinds: Vec<_> = all
        .iter()
        .filter_map(|table_keys| Some((reader.entry(table_keys.what)?, table_keys)))
        .collect();
    kinds.sort_by_key(|(entry, _)| entry.key.order());
    match kinds.as_slice() {
        // An unknown key is reported already, and is what was meant to be the kind.
        [] if !reader.all_known() => None,
        [] => {
            let names: Vec<_> = all.iter().map(|kind| format!("`{}`", kind.what)).collect();
            let help = format!("one of {}", names.join(", "));
            let faults = context.faults;
            let told = faults.report(reader.place, code::MISSING_KEY, what.missing, what.none);
            told.help(help);
            None
        }
        [(_, table_keys)] => Some(*table_keys),
        [(_, first), others @ ..] => {
            for (entry, other) in others {
                let message = format!(
                    "{} is both `{}` and `{}`",
                    what.whole, first.what, other.what
                );
                let told = context.faults.conflict(&entry.key, message, what.second);
                told.help(what.help);
            }
            None
        }
    }
}

/// What `from` means: a machine, a guest, or `GUEST/CONTAINER`.
pub fn vantage(context: &Context<'_>, from: &At<'_, &str>) -> Option<VantagePoint> {
    let known = &context.known;
    let name = |text: &str| MachineName::try_from(text).ok();
    if let Some((guest, container)) = from.value.split_once('/') {
        if known
            .guests
            .get(guest)
            .is_some_and(|guest| guest.containers.contains(container))
        {
            return Some(VantagePoint::Container(name(guest)?, name(container)?));
        }
    } else if known.guests.contains_key(from.value) {
        return Some(VantagePoint::Guest(name(from.value)?));
    } else if known.machines.contains_key(from.value) {
        return Some(VantagePoint::Machine(name(from.value)?));
    }
    let vantages = known.vantages();
    let vantages = vantages.iter().map(String::as_str);
    let names = ("machine, guest or container", "places to look from");
    context.faults.unknown(from, names, "", vantages);
    None
}
