//! What is recorded of a run: the parts of its report, the times of its stages, and the commands that carried it out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::assignment::Assignment;
use super::past::Past;
use super::pending::Pending;
use crate::report::{
    CheckReport, GuestReport, LabReport, NOT_SHOWN, Outcome, Problem, RunReport, StageReport,
    StepOutcome, StepReport, UnitsReport, WaitReport, judge_run, not_shown,
};
use crate::scenario::Scenario;

/// The report as far as it is known, and what else is recorded.
pub(super) struct Record<'a> {
    pub(super) asked: Assignment<'a>,
    pub(super) report: RunReport,
    /// The stage under way, and when it began.
    under_way: Option<(String, Instant)>,
    /// Command lines of what was started for the guests, in the order of their starts.
    pub(super) commands: Vec<String>,
    /// Whether checks were decided before their time was over.
    pub(super) decided_early: bool,
    /// What was there when checks did not hold, before a step.
    pub(super) past: Vec<Past>,
}

impl<'a> Record<'a> {
    /// The record of a run that begins.
    pub(super) fn new(asked: Assignment<'a>) -> Self {
        let (scenario, job) = (asked.scenario, asked.job);
        let report = RunReport {
            scenario: scenario.name.clone(),
            variant: scenario.form_if_any(),
            outcome: Outcome::Broken,
            problem: None,
            differences: Vec::new(),
            accelerator: job.accelerator.to_string(),
            accelerator_reason: job.accelerator_reason.clone(),
            lab: LabReport::default(),
            guests: Vec::new(),
            checks: Vec::new(),
            steps: Vec::new(),
            stages: Vec::new(),
            waits: Vec::new(),
            units: UnitsReport::before(scenario),
            versions: BTreeMap::new(),
            leaks: Vec::new(),
            left_running: Vec::new(),
            unwritten: Vec::new(),
            not_gathered: Vec::new(),
            holes: Vec::new(),
            diagnosis: Vec::new(),
            evidence: Some(job.evidence.clone()),
            reproduce: job.reproduce.clone(),
            started: None,
            ms: 0,
        };
        Self {
            asked,
            report,
            under_way: None,
            commands: Vec::new(),
            decided_early: false,
            past: Vec::new(),
        }
    }

    /// The instance that is run.
    pub(super) fn scenario(&self) -> &'a Scenario {
        self.asked.scenario
    }

    /// Begins a stage, which goes on until [`done`](Self::done).
    pub(super) fn stage(&mut self, name: &str, text: &str) -> Instant {
        let begun = Instant::now();
        self.under_way = Some((name.to_owned(), begun));
        self.asked.progress(text.to_owned());
        begun
    }

    /// Ends a stage.
    pub(super) fn done(&mut self, name: &str, begun: Instant) {
        self.under_way = None;
        self.timed(name, begun, begun.elapsed());
    }

    /// Adds a stage by its beginning and its duration, whatever else went on meanwhile.
    pub(super) fn timed(&mut self, name: &str, begun: Instant, took: Duration) {
        self.report.stages.push(StageReport {
            name: name.to_owned(),
            at_ms: self.asked.at_ms(begun),
            ms: took.as_millis() as u64,
            cut_short: false,
        });
    }

    /// Adds a fact that was waited for within a stage.
    pub(super) fn waited(&mut self, stage: &str, what: String, begun: Instant, took: Duration) {
        self.report.waits.push(WaitReport {
            stage: stage.to_owned(),
            what,
            at_ms: self.asked.at_ms(begun),
            ms: took.as_millis() as u64,
        });
    }

    /// Lists a guest by its last start, in the place of any earlier one.
    pub(super) fn list(&mut self, report: GuestReport) {
        self.report.guests.retain(|known| known.name != report.name);
        self.report.guests.push(report);
        self.report.guests.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Moves the reports of the stage's checks into the run's report.
    pub(super) fn keep(&mut self, pending: &Pending) {
        self.report.checks.extend(pending.take().into_values());
        self.order_checks();
    }

    /// Sorts the checks as the scenario has them; they were looked at in another order.
    pub(super) fn order_checks(&mut self) {
        let checks = self.asked.scenario.checks.iter().enumerate();
        let order: BTreeMap<&str, usize> = checks.map(|(at, one)| (one.id.as_str(), at)).collect();
        let at = |check: &CheckReport| order.get(check.id.as_str()).copied();
        self.report.checks.sort_by_key(at);
    }

    /// Notes the stage that was under way as cut short, and every check without a verdict as undecided.
    pub(super) fn cut_checks_short(&mut self, pending: &Pending) {
        self.cut_stage_short();
        self.keep(pending);
        let checks = self.report.checks.iter();
        let known: BTreeSet<String> = checks.map(|check| check.id.clone()).collect();
        let missing = self.asked.scenario.checks.iter();
        let missing = missing.filter(|check| !known.contains(check.id.as_str()));
        let missing = missing.map(|check| self.asked.undecided(check));
        self.report.checks.extend(missing);
        self.order_checks();
    }

    /// Notes the stage that was under way, if any, as cut short.
    pub(super) fn cut_stage_short(&mut self) {
        if let Some((name, begun)) = self.under_way.take() {
            self.report.stages.push(StageReport {
                name,
                at_ms: self.asked.at_ms(begun),
                ms: Instant::now().duration_since(begun).as_millis() as u64,
                cut_short: true,
            });
        }
    }

    /// Why nothing is looked at any more: a step was skipped, so that later checks would be about a state that the scenario
    /// does not mean.
    pub(super) fn blind(&self) -> Option<String> {
        let mut steps = self.report.steps.iter();
        let skipped = steps.find(|step| step.outcome == StepOutcome::Skipped)?;
        Some(format!("step {} was skipped: {}", skipped.id, skipped.said))
    }

    /// Judges a run that has come to its end.
    pub(super) fn judge(&mut self) {
        let must_fail = self.must_fail();
        let (outcome, differences) = judge_run(&self.report.checks, &must_fail);
        let steps = self.report.steps.iter();
        let steps: Vec<String> = steps.filter_map(StepReport::difference).collect();
        self.report.outcome = match outcome {
            Outcome::Passed if !steps.is_empty() => Outcome::Failed,
            other => other,
        };
        self.report.differences = steps.into_iter().chain(differences).collect();
        self.report.find_holes();
        self.weigh_skips();
    }

    /// The report as it is before the lab is taken down.
    pub(super) fn so_far(&self) -> RunReport {
        RunReport {
            ms: self.asked.started.elapsed().as_millis() as u64,
            ..self.report.clone()
        }
    }

    /// The checks that must fail, each with the words that it must show.
    fn must_fail(&self) -> BTreeMap<String, String> {
        let must_fail = self.asked.scenario.must_fail.iter();
        must_fail
            .map(|(id, words)| (id.to_string(), words.clone()))
            .collect()
    }

    /// Ends the run without a verdict, for that reason.
    pub(super) fn end(&mut self, outcome: Outcome, problem: Option<Problem>) {
        self.report.outcome = outcome;
        self.report.problem = problem;
    }

    /// Takes a verdict back that may be the work of `cause`. What was wrong before follows it in the chain.
    pub(super) fn take_back(&mut self, code: &str, cause: String) {
        let report = &mut self.report;
        let mut chain = vec![cause];
        let before = report.problem.take();
        chain.extend(before.into_iter().flat_map(|problem| problem.chain));
        report.outcome = Outcome::Broken;
        report.problem = Some(Problem {
            code: code.to_owned(),
            chain,
            help: Some(format!("run it again: `{}`", report.reproduce)),
        });
    }

    /// Skips a run that passed and showed nothing.
    fn weigh_skips(&mut self) {
        if self.report.outcome != Outcome::Passed {
            return;
        }
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
        if let Some(problem) = not_shown(&self.report.checks, &self.must_fail()).or(undone) {
            self.end(Outcome::Skipped, Some(problem));
        }
    }
}
