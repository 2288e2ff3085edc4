//! `bridgelab run`, measured from outside: what the user waits for, and what its report says about it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use bridgelab_harness::report::{CheckReport, Outcome, Report, RunReport};

use super::child::{Finished, Line, Running, run};
use super::context::Context;
use super::processes::{Owner, Usage, usage};
use super::rounds::{Sample, Stop};

/// What a run says when it begins.
const FIRST_STAGE: &str = "building the topology";

/// What it says of an image or a template that it makes because there is none.
const MAKES: [&str; 2] = ["] image ", "] template of "];

/// What it says when it holds a lab that was to be kept.
const STANDS: &str = "the lab stands";

/// A call of `bridgelab run` that ended in good order.
#[derive(Debug)]
pub(super) struct LabRun {
    pub(super) reports: Vec<RunReport>,
    /// From the command's start to the start of its first run: looking at the machine, images, the queue.
    pub(super) before: Duration,
    /// The whole command, without the time in the queue.
    pub(super) took: Duration,
    /// Whether it had to make an image or a template first.
    pub(super) made: bool,
}

impl LabRun {
    /// Runs `bridgelab run WORDS`.
    ///
    /// # Errors
    /// [`Stop::Skipped`] when this host cannot, [`Stop::Failed`] with the verdict when a run did not pass.
    pub(super) async fn of(context: &Context<'_>, words: &[&str]) -> Result<Self, Stop> {
        Self::heard(context, words, async |_, _| {}).await
    }

    /// The same; `hear` is given every line that it writes.
    pub(super) async fn heard(
        context: &Context<'_>,
        words: &[&str],
        hear: impl AsyncFnMut(&Line, &mut Running),
    ) -> Result<Self, Stop> {
        let (run, finished) = Self::ended(context, words, hear).await?;
        judge(&run.reports, &finished)?;
        Ok(run)
    }

    /// Runs `bridgelab run WORDS`, whatever the verdicts are.
    ///
    /// # Errors
    /// [`Stop::Interrupted`]; [`Stop::Failed`] with its last words when it wrote no report.
    pub(super) async fn whatever(context: &Context<'_>, words: &[&str]) -> Result<Self, Stop> {
        let (run, _) = Self::ended(context, words, async |_, _| {}).await?;
        let cancelled = |run: &RunReport| run.outcome == Outcome::Cancelled;
        if run.reports.iter().any(cancelled) {
            return Err(Stop::Interrupted);
        }
        Ok(run)
    }

    async fn ended(
        context: &Context<'_>,
        words: &[&str],
        hear: impl AsyncFnMut(&Line, &mut Running),
    ) -> Result<(Self, Finished), Stop> {
        let json = context.scratch().join("report.json");
        let _ = std::fs::remove_file(&json);
        let mut command = Command::new(&context.program);
        command
            .arg("run")
            .arg("--require-all=false")
            .args(words)
            .arg("--json")
            .arg(&json)
            .arg("--evidence")
            .arg(context.scratch().join("evidence"))
            // What the user set for his own runs is no part of what is compared.
            .env_remove("BRIDGELAB_COLD")
            .env_remove("BRIDGELAB_STRICT")
            .env("BRIDGELAB_ROOT", &context.options.tree)
            .env("BRIDGELAB_IMAGES", &context.options.images);
        if let Some(accelerator) = context.options.accelerator {
            command.args(["--accel", accelerator.name()]);
        }
        let finished = run(command, context.interrupts.clone(), hear).await?;
        let failed = || Stop::Failed(finished.last_words());
        let text = std::fs::read(&json).map_err(|_| failed())?;
        let report: Report = serde_json::from_slice(&text).map_err(|_| failed())?;
        // The report has what a benchmark reads.
        let _ = std::fs::remove_dir_all(context.scratch().join("evidence"));
        let mut lines = finished.stderr.iter();
        let first = lines.find(|line| line.text.contains(FIRST_STAGE));
        let queued = queued(&report.runs);
        let makes = |line: &Line| MAKES.iter().any(|what| line.text.contains(what));
        let run = Self {
            before: first.map_or(Duration::ZERO, |line| line.at.saturating_sub(queued)),
            took: finished.took.saturating_sub(queued),
            made: finished.stderr.iter().any(makes),
            reports: report.runs,
        };
        Ok((run, finished))
    }

    /// Runs `bridgelab run WORDS --keep`, and what its processes had used when its checks and evidence were done.
    ///
    /// # Errors
    /// As [`LabRun::of`]; [`Stop::Skipped`] when this user may not read what they used.
    pub(super) async fn kept(
        context: &Context<'_>,
        words: &[&str],
    ) -> Result<(Self, BTreeMap<Owner, Usage>), Stop> {
        let words: Vec<&str> = words.iter().copied().chain(["--keep"]).collect();
        let mut used = None;
        let run = Self::heard(context, &words, async |line, running| {
            if line.text.contains(STANDS) {
                used = Some(usage(running.pid, &context.program));
                running.interrupt();
            }
        });
        let run = run.await?;
        match used {
            Some(Ok(used)) => Ok((run, used)),
            Some(Err(why)) => Err(Stop::Skipped(why)),
            None => Err(Stop::Failed("the lab was not kept".to_owned())),
        }
    }

    /// The only run.
    pub(super) fn only(&self) -> Result<&RunReport, Stop> {
        let none = || Stop::Failed("the report has no run in it".to_owned());
        self.reports.first().ok_or_else(none)
    }

    /// The whole command, as a sample.
    pub(super) fn whole(&self, what: &str) -> Sample {
        Sample::ms(what, ms(self.took))
    }
}

impl Context<'_> {
    /// Runs scenarios once, so that images and templates are there and no round pays for them.
    pub(super) async fn warm_up(&self, scenarios: &[&str]) -> Result<(), Stop> {
        let names = scenarios.join(", ");
        self.say(&format!("images and templates first: one run of {names}"));
        LabRun::of(self, scenarios).await.map(drop)
    }
}

/// Passed, every one, or skipped where others passed; with the verdict of the first that did not.
fn judge(runs: &[RunReport], finished: &Finished) -> Result<(), Stop> {
    for run in runs {
        if !run.leaks.is_empty() {
            return Err(Stop::Failed(format!("it left {}", run.leaks.join(", "))));
        }
        match run.outcome {
            Outcome::Passed => {}
            Outcome::Skipped if runs.iter().any(|run| run.outcome == Outcome::Passed) => {}
            Outcome::Skipped => {
                let problem = run.problem.as_ref();
                let why = problem.map(|problem| problem.chain.join(": "));
                return Err(Stop::Skipped(why.unwrap_or_default()));
            }
            Outcome::Cancelled => return Err(Stop::Interrupted),
            Outcome::Failed | Outcome::Broken | Outcome::TimedOut => {
                return Err(Stop::Failed(finished.last_words()));
            }
        }
    }
    Ok(())
}

/// How long a call of one run stood behind other people's in the queue. Of a call of many it is part of what is
/// measured.
fn queued(runs: &[RunReport]) -> Duration {
    match runs {
        [only] => {
            let queued = stage(only, "queue").map_or(0.0, |(_, length)| length);
            Duration::from_secs_f64(queued / 1000.0)
        }
        _ => Duration::ZERO,
    }
}

/// In milliseconds.
pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// When the last of the checks that `wanted` names had its verdict, in milliseconds from the run's start.
pub(super) fn last_check(run: &RunReport, wanted: impl Fn(&CheckReport) -> bool) -> Option<f64> {
    let checks = run.checks.iter().filter(|check| check.attempts > 0);
    let ends = checks.filter(|check| wanted(check));
    let last = ends
        .map(|check| check.at_ms.saturating_add_unsigned(check.ms))
        .max()?;
    Some(last as f64)
}

/// A stage's start and length in milliseconds.
pub(super) fn stage(run: &RunReport, name: &str) -> Option<(f64, f64)> {
    let stage = run.stages.iter().find(|stage| stage.name == name)?;
    Some((stage.at_ms as f64, stage.ms as f64))
}
