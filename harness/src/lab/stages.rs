//! Runs a scenario in a worker's namespaces, from the first namespace to the verdict.

use std::pin::pin;
use std::time::Instant;

use super::background::{ENDED_EARLY, EndedEarly};
use super::daemon_times::GRACE;
use super::ended::Ended;
use super::evidence;
use super::gathered;
use super::leaks;
use super::left_running::left_running;
use super::run::Run;
use super::steps::actions::needs_of;
use super::testbed::Testbed;
use super::topology::Lab;
use super::watch::Lost;
use crate::diagnostic::Diagnostic;
use crate::host::daemon::DaemonEnded;
use crate::host::unwritten;
use crate::plan::TopologyPlan;
use crate::report::{Outcome, RunReport};

/// What ended a run's stages.
enum By {
    /// A request from outside.
    Request,
    /// A daemon of a machine that ended.
    Daemon(DaemonEnded),
    /// A guest that ended.
    Guest(Lost),
    /// A command in the background that ended.
    Background(EndedEarly),
    /// Their own end.
    Itself(Result<(), Ended>),
}

impl Run<'_> {
    /// Carries out everything but teardown. Returns when there is a verdict, or when `cancelled` does.
    pub(super) async fn carry_out(&mut self, cancelled: impl Future<Output = ()>) {
        let told = self.testbed.watch.losses();
        let lost = async {
            match told {
                Some(mut told) => told.recv().await,
                None => None,
            }
        };
        let told = self.testbed.backgrounds.early_ends();
        let early = async {
            match told {
                Some(mut told) => told.recv().await,
                None => None,
            }
        };
        let keeper = self.testbed.keeper.clone();
        let mut cancelled = pin!(cancelled);
        let by = tokio::select! {
            biased;
            () = &mut cancelled => By::Request,
            ended = keeper.ended() => By::Daemon(ended),
            Some(lost) = lost => By::Guest(lost),
            Some(early) = early => By::Background(early),
            ended = Box::pin(self.stages()) => By::Itself(ended),
        };
        let ended = match by {
            By::Request => None,
            By::Daemon(ended) => Some(Err(Ended::Broken(Diagnostic::new(&ended)))),
            By::Guest(lost) => Some(Err(self.testbed.lost(lost).await.into())),
            By::Background(early) => Some(Err(Ended::Broken(Diagnostic::new(&early)))),
            // A daemon that ended may be the cause of whatever the stages ended with, so it comes first.
            By::Itself(ended) => Some(match (keeper.ended_by_now().await, ended) {
                (Some(daemon), _) => Err(Ended::Broken(Diagnostic::new(&daemon))),
                (None, Ok(())) => self.diagnose_and_end(cancelled).await,
                (None, ended) => ended,
            }),
        };
        let (record, pending) = (&mut self.record, &self.observer.pending);
        match &ended {
            Some(Ok(())) => {}
            // A skipped run looked at no check, so none is undecided.
            Some(Err(Ended::Skipped(_))) => record.cut_stage_short(),
            None | Some(Err(_)) => record.cut_checks_short(pending),
        }
        match ended {
            None => record.end(Outcome::Cancelled, None),
            Some(Ok(())) => record.judge(),
            Some(Err(Ended::Skipped(problem))) => record.end(Outcome::Skipped, Some(problem)),
            Some(Err(Ended::Broken(why))) => record.end(Outcome::Broken, Some(why.into())),
            Some(Err(Ended::TimedOut(why))) => record.end(Outcome::TimedOut, Some(why.into())),
        }
        record.weigh_standstills();
        record.weigh_stopped();
    }

    async fn stages(&mut self) -> Result<(), Ended> {
        let asked = self.asked;
        let introduced = self.testbed.guests.introduce(&mut self.record);
        introduced.map_err(Ended::Skipped)?;
        // Prepare before the machines are made, each of which copies the worker's mounts.
        self.testbed.guests.prepare(asked)?;
        let plan = TopologyPlan::with_guests(asked.scenario, asked.job.guests);
        let begun = self.record.stage("topology", "building the topology");
        self.testbed.lab = Lab::build(&plan, asked.folders, &self.testbed.keeper).await?;
        self.record.done("topology", begun);
        for (what, begun, took) in self.testbed.lab.take_waits() {
            self.record.waited("topology", what, begun, took);
        }
        // Look for what is missing before the guests boot, which takes the most time of all.
        let steps = &asked.scenario.steps;
        needs_of(&self.testbed.lab, steps).await?;
        let (guests, around) = self.guests();
        guests.boot(around).await?;
        self.checks_after(None).await?;
        let Testbed { guests, lab, .. } = &self.testbed;
        guests.settled(lab, asked, &mut self.record);
        self.steps().await?;
        self.hand_over().await
    }

    /// Looks for causes while the commands in the background run, unless `cancelled` returns first, and ends these commands.
    async fn diagnose_and_end(&mut self, cancelled: impl Future<Output = ()>) -> Result<(), Ended> {
        if self.is_to_be_diagnosed() {
            let Testbed {
                backgrounds,
                guests,
                ..
            } = &mut self.testbed;
            backgrounds.run_still(&**guests, &mut self.record).await?;
            // The checks are decided: one that ends from now on ended in time.
            backgrounds.let_end();
            let diagnosed = tokio::select! {
                biased;
                () = cancelled => false,
                () = self.diagnose() => true,
            };
            if !diagnosed {
                self.record.cut_stage_short();
            }
        }
        self.end_backgrounds().await
    }

    /// Ends the commands in the background.
    async fn end_backgrounds(&mut self) -> Result<(), Ended> {
        let Testbed {
            backgrounds,
            guests,
            ..
        } = &mut self.testbed;
        backgrounds.end(&**guests, &mut self.record).await
    }

    /// Gathers what can be gathered, before anything is taken down.
    pub(super) async fn gather_evidence(&mut self) {
        let begun = self.record.stage("evidence", "gathering evidence");
        let asked = self.asked;
        // Measure memory first: gathering the rest makes guests touch more of theirs.
        let mut memory = evidence::memory(&self.testbed, &asked.folders.evidence).await;
        for guest in &mut self.record.report.guests {
            guest.memory = memory.remove(&guest.name);
        }
        // The run has ended for some reason already. That a command had ended by itself stands in the command's own output.
        if let Err(Ended::Broken(why)) = self.end_backgrounds().await
            && why.code != ENDED_EARLY
        {
            gathered::note(format!("background: {why}"));
        }
        let left = self.testbed.left_in_guests(asked).await;
        self.record.report.left_running.extend(left);
        let gathered = evidence::gather(asked, &self.testbed, &self.record).await;
        let (versions, mut nics) = gathered;
        let report = &mut self.record.report;
        report.versions = versions;
        for guest in &mut report.guests {
            guest.nics = nics.remove(&guest.name).unwrap_or_default();
        }
        report.units.said = evidence::networkd_said(&self.testbed, &asked.folders.evidence);
        self.record.done("evidence", begun);
    }

    /// Takes everything down and looks for what is left.
    pub(super) async fn tear_down(self) -> RunReport {
        let Self {
            asked,
            mut testbed,
            observer,
            mut record,
            ..
        } = self;
        record.cut_stage_short();
        let begun = record.stage("teardown", "taking the lab down");
        record
            .report
            .left_running
            .extend(left_running(&testbed.lab));
        record.report.leaks.extend(testbed.guests.end().await);
        drop(observer);
        testbed.lab.stop_services(GRACE).await;
        drop(testbed.lab);
        let ended = Instant::now();
        let remaining = leaks::remaining_processes().await;
        record.report.leaks.extend(remaining);
        let what = "all processes are gone".to_owned();
        record.waited("teardown", what, ended, ended.elapsed());
        record.done("teardown", begun);
        let mut report = record.report;
        report.unwritten = unwritten::all();
        report.not_gathered = gathered::all_noted();
        report.ms = asked.started.elapsed().as_millis() as u64;
        report
    }
}
