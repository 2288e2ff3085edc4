//! Ghost guests in a run: where they are looked from, and what waits for what.

use super::run::Run;
use crate::check::{ghost_limit, no_server, of};
use crate::deadline::Deadline;
use crate::host::netlink_events::Whereabouts;
use crate::plan::{GuestKind, ghost};
use crate::report::{
    GuestReport, NOT_SHOWN, Outcome, Problem, StageReport, StepOutcome, not_shown,
};
use crate::scenario::Check;
use crate::scenario::names::MachineName;

/// Why a look would be of no use now.
pub(super) enum Before {
    /// Nobody has the address yet that it sends to.
    NotYet(String),
    /// What it asks for is not there in a ghost.
    Unshown(String),
}

impl Run<'_> {
    /// Whether that guest is a ghost in this run.
    pub(super) fn is_ghost(&self, name: &MachineName) -> bool {
        self.job.guests == GuestKind::Ghost && self.scenario.guests.contains_key(name)
    }

    /// Why this run cannot show what the check asks; `None` when it can.
    pub(super) fn ghost_limit(&self, check: &Check) -> Option<String> {
        match self.job.guests {
            GuestKind::Vm => None,
            GuestKind::Ghost => ghost_limit(self.scenario, check),
        }
    }

    /// What the report says about the ghosts; why the run shall not even begin, where they would mislead.
    pub(super) fn introduce_ghosts(&mut self) -> Result<(), Problem> {
        if self.job.guests == GuestKind::Vm {
            return Ok(());
        }
        self.report.accelerator = "ghost".to_owned();
        for name in self.scenario.guests.keys() {
            self.report.guests.push(GuestReport {
                name: name.to_string(),
                machine: "ghost".to_owned(),
                reason: "by --guests ghost".to_owned(),
                start: "ghost".to_owned(),
                start_reason: "a namespace needs no boot".to_owned(),
                memory: None,
                nics: Vec::new(),
            });
        }
        let unfit = ghost::unfit(self.scenario);
        if unfit.is_empty() {
            return Ok(());
        }
        let mut chain =
            vec!["a ghost's NIC would answer these otherwise than a guest's".to_owned()];
        chain.extend(unfit);
        Err(Problem {
            code: NOT_SHOWN.to_owned(),
            chain,
            help: Some("run it with MicroVMs: `--guests vm`".to_owned()),
        })
    }

    /// A packet to an address that nobody has, or that is still in duplicate address detection, cannot be answered;
    /// and it costs: its neighbour entry then asks again only after a whole second (RFC 4861, `RETRANS_TIMER`).
    /// So such a look waits for the address for half of its time, then it is made all the same.
    ///
    /// Only where the lab sees all addresses: not with MicroVMs.
    pub(super) fn before_look(&self, check: &Check, by: Deadline) -> Option<Before> {
        if self.job.guests == GuestKind::Vm && !self.scenario.guests.is_empty() {
            return None;
        }
        let target = of(&check.kind).target()?;
        let to = target.address;
        let place = self.lab.changes().whereabouts(to)?;
        match place {
            Whereabouts::Up(machine) => {
                let ghost = self
                    .scenario
                    .guests
                    .keys()
                    .any(|name| name.as_ref() == machine);
                (target.listens && ghost).then(|| Before::Unshown(no_server(&machine)))
            }
            _ if by.left() < by.elapsed() || to.is_loopback() => None,
            Whereabouts::Tentative(machine) => {
                Some(Before::NotYet(format!("{to} is tentative on {machine}")))
            }
            Whereabouts::Nowhere => Some(Before::NotYet(format!("nobody has {to}"))),
        }
    }

    /// Downgrades a pass that showed nothing.
    pub(super) fn weigh_skips(&mut self) {
        if self.report.outcome != Outcome::Passed {
            return;
        }
        let words = self.scenario.must_fail.iter();
        let words = words
            .map(|(id, words)| (id.to_string(), words.clone()))
            .collect();
        let refused = self
            .report
            .steps
            .iter()
            .find(|step| step.refused.is_some() && step.outcome == StepOutcome::Skipped);
        let undone = refused.map(|step| Problem {
            code: NOT_SHOWN.to_owned(),
            chain: vec![
                format!("step {} must be refused, and was skipped", step.id),
                step.said.clone(),
            ],
            help: Some("run it with MicroVMs: `--guests vm`".to_owned()),
        });
        if let Some(problem) = not_shown(&self.report.checks, &words).or(undone) {
            self.report.outcome = Outcome::Skipped;
            self.report.problem = Some(problem);
        }
    }

    /// The stage `dad`: from the run's start until the last address that a networkd set up was through duplicate
    /// address detection. Stand-ins skip theirs.
    pub(super) fn note_detection(&mut self) {
        let machines = self.lab.machines().map(|machine| machine.name());
        let last = machines
            .filter(|name| self.lab.has_networkd(name))
            .filter_map(|name| self.lab.changes().last_detection(name))
            .max();
        if let Some(last) = last {
            self.report.stages.push(StageReport {
                name: "dad".to_owned(),
                at_ms: 0,
                ms: last.duration_since(self.started).as_millis() as u64,
                cut_short: false,
            });
        }
    }
}
