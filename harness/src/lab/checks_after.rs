//! The checks of one stage, with the start of containers beside the first of them.

use std::time::Instant;

use super::checking::{Checker, Group};
use super::containers::{note_containers, start_containers};
use super::ended::Ended;
use super::job::Event;
use super::order::Order;
use super::run::Run;
use crate::scenario::names::StepId;

impl Run<'_> {
    /// Looks at the checks `after` a step, or at those before the first step, in the parts of an [`Order`].
    pub(super) async fn checks_after(&mut self, after: Option<&StepId>) -> Result<(), Ended> {
        let stage = match after {
            None => "checks".to_owned(),
            Some(step) => format!("checks after {step}"),
        };
        let text = match after {
            None => "checking".to_owned(),
            Some(step) => format!("checking after {step}"),
        };
        let begun = self.record.stage(&stage, &text);
        let (asked, scenario) = (self.asked, self.asked.scenario);
        let now = scenario.checks.iter();
        let now = now.filter(|check| check.after.as_ref() == after);
        let order = Order::of(now, |id| scenario.must_fail.contains_key(id));
        let mut group = Group::new(&order);
        let blind = self.record.blind();
        let checker = Checker::new(asked, &self.testbed, &self.observer, blind.clone());
        let guests = &*self.testbed.guests;
        group.busy.set(after.is_none());
        let containers = async {
            let begun = Instant::now();
            let began = match after {
                None => start_containers(asked, guests, None).await?,
                Some(_) => Vec::new(),
            };
            if after.is_none() && guests.boots() {
                (asked.tell)(Event::Settled);
            }
            group.busy.set(false);
            Ok((began, begun, begun.elapsed()))
        };
        let early = async { Ok::<_, Ended>(checker.check_all(&order.early, &group).await) };
        // A container that Docker refused, and that no check asks for, ends the run without a verdict: do not wait for the
        // checks.
        let (mut decided, (began, begun_containers, took)) = tokio::try_join!(early, containers)?;
        note_containers(began, &mut self.observer, &mut self.record);
        let checker = Checker::new(asked, &self.testbed, &self.observer, blind);
        decided |= checker.check_all(&order.late, &group).await;
        group.traffic.counts_from = Instant::now();
        decided |= checker.check_all(&order.red, &group).await;
        group.alone = after.is_none() && order.has_only_last();
        decided |= checker.check_all(&order.last, &group).await;
        let mut guests = scenario.guests.values();
        let containers = guests.any(|guest| !guest.containers.is_empty());
        if after.is_none() && containers && self.testbed.guests.boots() {
            self.record.timed("containers", begun_containers, took);
        }
        self.record.decided_early |= decided;
        self.record.keep(&self.observer.pending);
        self.record.done(&stage, begun);
        Ok(())
    }
}
