//! What runs when: which guests, daemons and NICs there are after each step.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::file::Place;
use crate::scenario::read::At;
use crate::scenario::validate::Context;
use crate::scenario::{Check, VantagePoint};

/// What runs at some point of the steps.
#[derive(Debug, Clone, Default)]
pub struct State {
    guests: BTreeSet<String>,
    /// Daemons that were stopped, as `PLACE DAEMON`.
    stopped: BTreeSet<String>,
    /// NICs that are not plugged in, as `GUEST ID`.
    unplugged: BTreeSet<String>,
    /// MAC addresses of NICs that steps plugged in, by `GUEST ID`.
    pub macs: BTreeMap<String, String>,
    /// Commands in the background: the step, and the guest that they run in.
    commands: BTreeMap<String, Option<String>>,
    /// The same of those that may have been refused.
    doubtful: BTreeSet<String>,
    excused: bool,
}

impl State {
    /// When the lab stands and those guests are up that boot with it.
    pub(super) fn at_first(context: &Context<'_>) -> Self {
        let guests = context.known.guests.iter();
        let running = guests.filter(|(_, guest)| guest.boots);
        Self {
            guests: running.map(|(name, _)| (*name).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Whether the next step may be refused, so that nothing can be said about it here.
    pub(super) fn excuse(&mut self, excused: bool) {
        self.excused = excused;
    }

    /// Whether a guest runs.
    pub fn runs(&self, guest: &str) -> bool {
        self.guests.contains(guest)
    }

    /// Starts (`true`) or stops a guest; reports one that is so already.
    pub fn turn_guest(&mut self, context: &Context<'_>, guest: &At<'_, &str>, on: bool) {
        if !context.known.guests.contains_key(guest.value) {
            return;
        }
        let name = format!("guest `{}`", guest.value);
        let is = self.runs(guest.value);
        self.turn(context, guest.place, &name, (is, on), RUNS);
        let own = |place: &Option<String>| place.as_deref() == Some(guest.value);
        if !on && let Some((step, _)) = self.commands.iter().find(|(_, place)| own(place)) {
            let message = format!("the command of step `{step}` runs in {name}");
            let label = "it would end with the guest";
            let help = format!("end it by a step before this one: `kill = {{ run = \"{step}\" }}`");
            (context.faults.conflict(guest.place, message, label)).help(help);
        }
        if self.excused {
            return;
        }
        if on {
            self.guests.insert(guest.value.to_owned());
            let prefix = format!("{} ", guest.value);
            // Its VMM starts with the NICs of the scenario, and its daemons with it.
            self.unplugged.retain(|nic| !nic.starts_with(&prefix));
            let others = self.macs.keys();
            let others = others.filter(|nic| nic.starts_with(&prefix));
            self.unplugged.extend(others.cloned());
            self.stopped.retain(|one| !one.starts_with(&prefix));
        } else {
            self.guests.remove(guest.value);
        }
    }

    /// Starts or stops a daemon; reports one that is so already.
    pub fn turn_daemon(
        &mut self,
        context: &Context<'_>,
        on: &At<'_, VantagePoint>,
        daemon: &str,
        start: bool,
    ) {
        let (VantagePoint::Machine(place) | VantagePoint::Guest(place)) = &on.value else {
            return;
        };
        let key = format!("{place} {daemon}");
        let name = format!("{daemon} on `{place}`");
        let is = !self.stopped.contains(&key);
        self.turn(context, on.place, &name, (is, start), RUNS);
        if !self.excused {
            set(&mut self.stopped, key, !start);
        }
    }

    /// A step starts a command in the background.
    pub fn start_command(&mut self, step: &str, on: &VantagePoint) {
        if self.excused {
            self.doubtful.insert(step.to_owned());
            return;
        }
        let guest = match on {
            VantagePoint::Machine(_) => None,
            VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) => {
                Some(guest.to_string())
            }
        };
        self.commands.insert(step.to_owned(), guest);
    }

    /// A step ends one; reports where none runs by that name.
    pub fn end_command(&mut self, context: &Context<'_>, step: &At<'_, &str>) {
        let known = self.doubtful.contains(step.value) || self.commands.contains_key(step.value);
        if !known {
            let message = format!(
                "no command of a step `{}` runs in the background",
                step.value
            );
            report(context, step.place, message);
        }
        if !self.excused {
            self.commands.remove(step.value);
            self.doubtful.remove(step.value);
        }
    }

    /// Plugs or unplugs a NIC; reports one that is so already.
    pub fn turn_nic(
        &mut self,
        context: &Context<'_>,
        guest: &At<'_, &str>,
        interface: &At<'_, &str>,
        plugged: bool,
    ) {
        let key = format!("{} {}", guest.value, interface.value);
        let name = format!("NIC `{}` of guest `{}`", interface.value, guest.value);
        let known = context.known.guests.get(guest.value);
        let declared = known.is_some_and(|known| known.macs.contains_key(interface.value));
        let is = (declared || self.macs.contains_key(&key)) && !self.unplugged.contains(&key);
        self.turn(context, interface.place, &name, (is, plugged), PLUGGED);
        if !self.excused {
            set(&mut self.unplugged, key, !plugged);
        }
    }

    /// Reports what is so already.
    fn turn(
        &self,
        context: &Context<'_>,
        place: &Place,
        name: &str,
        (is, wanted): (bool, bool),
        (on, off): (&str, &str),
    ) {
        if is == wanted && !self.excused {
            let word = if is { on } else { off };
            report(context, place, format!("{name} {word} already"));
        }
    }
}

const RUNS: (&str, &str) = ("runs", "is stopped");
const PLUGGED: (&str, &str) = ("is plugged in", "is not plugged in");

fn set(all: &mut BTreeSet<String>, key: String, there: bool) {
    match there {
        true => all.insert(key),
        false => all.remove(&key),
    };
}

fn report(context: &Context<'_>, place: &Place, message: String) {
    (context.faults).conflict(place, message, "at this point of the steps");
}

/// Which guests run after each step.
#[derive(Debug)]
pub(in crate::scenario::validate) struct Timeline {
    at_first: State,
    after: BTreeMap<String, State>,
    order: Vec<String>,
    /// Of the last step.
    place: Option<Place>,
}

impl Timeline {
    pub(super) fn new(at_first: &State) -> Self {
        Self {
            at_first: at_first.clone(),
            after: BTreeMap::new(),
            order: Vec::new(),
            place: None,
        }
    }

    pub(super) fn add(&mut self, step: &At<'_, &str>, state: &State) {
        self.after.insert(step.value.to_owned(), state.clone());
        self.order.push(step.value.to_owned());
        self.place = Some(step.place.clone());
    }

    /// Whether what a step has started goes on after it.
    pub(in crate::scenario::validate) fn goes_on(&self, step: &str) -> bool {
        let state = self.after.get(step);
        state.is_some_and(|state| state.commands.contains_key(step))
    }

    /// Reports a command in the background that nothing is done or looked at beside.
    pub(in crate::scenario::validate) fn idle(&self, context: &Context<'_>, checks: &[Check]) {
        let (Some(last), Some(place)) = (self.order.last(), &self.place) else {
            return;
        };
        let is_beside = |check: &Check| {
            check
                .after
                .as_ref()
                .is_some_and(|step| step.as_str() == last)
        };
        if !self.goes_on(last) || checks.iter().any(is_beside) {
            return;
        }
        let message = format!("nothing happens while the command of step `{last}` runs");
        let label = "no step and no check comes after it";
        let help = format!("give the checks that it is for `after = \"{last}\"`");
        (context.faults.conflict(place, message, label)).help(help);
    }

    /// Reports a check after a step that is not there, and one that looks from a guest that does not run then.
    pub(in crate::scenario::validate) fn runs_then(
        &self,
        context: &Context<'_>,
        after: Option<&At<'_, &str>>,
        from: Option<&At<'_, VantagePoint>>,
    ) {
        if let Some(step) = after
            && !self.after.contains_key(step.value)
        {
            let known = self.order.iter().map(String::as_str);
            context.faults.unknown(step, ("step", "steps"), "", known);
        }
        self.looks_then(context, after, from);
    }

    /// Reports a place that is looked at and does not run then.
    pub(in crate::scenario::validate) fn looks_then(
        &self,
        context: &Context<'_>,
        after: Option<&At<'_, &str>>,
        from: Option<&At<'_, VantagePoint>>,
    ) {
        let state = match after {
            None => Some(&self.at_first),
            Some(step) => self.after.get(step.value),
        };
        let Some(state) = state else { return };
        let Some(from) = from else { return };
        let (VantagePoint::Guest(guest) | VantagePoint::Container(guest, _)) = &from.value else {
            return;
        };
        if state.runs(guest.as_str()) {
            return;
        }
        let when = match after {
            None => "before the first step".to_owned(),
            Some(step) => format!("after step `{}`", step.value),
        };
        let message = format!("guest `{guest}` does not run {when}");
        (context.faults).conflict(from.place, message, "nobody looks from there");
    }
}
