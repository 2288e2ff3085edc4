//! What the machines' states say, and what the packets did: where both disagree, the packets are right.

use crate::diagnosis::code::Code;
use crate::diagnosis::course::{Course, Seen};
use crate::diagnosis::found::Found;
use crate::diagnosis::point::Point;
use crate::diagnosis::trace::TAKEN;

/// Both together.
pub(super) struct Joined {
    /// What was found, that which the packets agree with first.
    pub(super) found: Vec<Found>,
    /// The last point at which the packets were seen.
    pub(super) last_seen: Option<Point>,
    /// Where both disagree.
    pub(super) not_established: Vec<String>,
}

/// Puts first what the packets agree with.
pub(super) fn join(course: &Course, mut found: Vec<Found>) -> Joined {
    let on_its_way = if course.answer.is_empty() {
        &course.request
    } else {
        &course.answer
    };
    let last_seen = on_its_way.last().map(|seen| seen.point.clone());
    let mut not_established = Vec::new();
    let drops = course.request.iter().chain(&course.answer);
    let mut drops = drops.filter_map(|seen| Some((seen, seen.dropped_by.as_deref()?)));
    // That nothing is heard of a packet any more may be a trace that was cut: what is certain by the state comes before that.
    let heard = |(_, rule): &(&Seen, &str)| *rule != TAKEN || found.iter().all(|one| !one.certain);
    if let Some((seen, rule)) = drops.rfind(heard) {
        let dropped = dropped(seen, rule, &found);
        found.retain(|one| one.gap.machine != dropped.gap.machine || !of_hooks(one.gap.code));
        found.insert(0, dropped);
        return Joined {
            found,
            last_seen: Some(seen.point.clone()),
            not_established,
        };
    }
    if let Some(last) = &last_seen {
        let (fits, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| agrees(one, last));
        if let (true, Some(first)) = (fits.is_empty(), others.first()) {
            not_established.push(format!(
                "why the packet was not seen after {last}: the state of the machines says: {}",
                first.gap.statement
            ));
        }
        found = fits;
        found.extend(others);
    }
    Joined {
        found,
        last_seen,
        not_established,
    }
}

fn of_hooks(code: Code) -> bool {
    matches!(code, Code::HookRule | Code::HookPolicy | Code::HookBridgeNf)
}

/// Whether a packet that was last seen there can have been stopped by this.
fn agrees(found: &Found, last: &Point) -> bool {
    let between = found.between.as_ref();
    let near = between.is_some_and(|(before, after)| {
        before.machine == last.machine || after.machine == last.machine
    });
    near || found.gap.machine == last.machine
}

/// The rule or the policy that dropped it, as the kernel's trace has it.
fn dropped(seen: &Seen, rule: &str, found: &[Found]) -> Found {
    let machine = &seen.point.machine;
    let policy = rule.contains("policy");
    let by_walk = found
        .iter()
        .find(|one| one.gap.machine == *machine && of_hooks(one.gap.code));
    let bridge_nf = by_walk.is_some_and(|one| one.gap.code == Code::HookBridgeNf);
    let code = match (bridge_nf, policy) {
        (true, _) => Code::HookBridgeNf,
        (false, true) => Code::HookPolicy,
        (false, false) => Code::HookRule,
    };
    let statement = format!("{machine} drops the packet at {}: {rule}", seen.point);
    let mut dropped = Found::at(code, machine, statement)
        .is(rule)
        .seen(format!("{}: {}", seen.packet, rule), "nft monitor trace");
    if let Some(by_walk) = by_walk {
        dropped.gap.link.clone_from(&by_walk.gap.link);
        dropped.gap.key.clone_from(&by_walk.gap.key);
        dropped.gap.needed.clone_from(&by_walk.gap.needed);
        dropped
            .gap
            .evidence
            .extend(by_walk.gap.evidence.iter().cloned());
    }
    dropped
}
