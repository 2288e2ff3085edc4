//! One scenario with its mutants: first unbroken, then each mutant, and what became of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bridgelab_harness::report::{Outcome, RunReport, exit_code};
use bridgelab_harness::scenario::mutation::{Mutant, Operator, Texts, chosen, mutants};
use bridgelab_harness::scenario::{LoadedScenario, Scenario};

use super::coverage::coverage;
use super::evidence::read;
use super::named::{Broken, named};
use super::patience::patience;
use super::record::{Figures, MutantRecord, ScenarioRecord};
use super::state::{Green, Read};
use super::subject::{Prepared, Subject, Unprepared, put};
use super::text::change;
use super::verdict::{Verdict, failed, judged};
use crate::cli::{Guests, RunArgs};
use crate::run::reports_each;
use crate::run::wanted;
use crate::signals::{self, Signals};

/// How often the unbroken scenario is run: what differs between these runs is no evidence.
const GREENS: usize = 2;

/// What is asked of every scenario.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) operators: Vec<&'static Operator>,
    pub(super) count: usize,
    pub(super) seed: u64,
    pub(super) guests: Guests,
    pub(super) jobs: Option<u32>,
    /// Where evidence is kept; `None`: it is not.
    pub(super) evidence: Option<PathBuf>,
}

/// How a scenario's mutants ended.
pub(super) struct Ended {
    /// What is reported; `None`: no mutant was run.
    pub(super) record: Option<Box<ScenarioRecord>>,
    /// The exit code.
    pub(super) code: i32,
    /// Whether somebody ended the call.
    pub(super) interrupted: bool,
}

impl Ended {
    const fn early(code: i32) -> Self {
        Self {
            record: None,
            code,
            interrupted: false,
        }
    }

    /// Where somebody has ended the call.
    fn by(signals: &Signals) -> Option<Self> {
        signals.first().map(|by| Self {
            interrupted: true,
            ..Self::early(by.exit_code())
        })
    }
}

/// The unbroken scenario, after it was run.
struct Unbroken {
    state: Green,
    /// How long checks may take.
    within: BTreeMap<String, Duration>,
    ms: u64,
}

/// Runs the scenario and its mutants.
pub(super) fn carry_out(asked: &Wanted, scenario: &str, signals: &Signals) -> Ended {
    if let Some(ended) = Ended::by(signals) {
        return ended;
    }
    let subject = match Subject::of(scenario) {
        Ok(subject) => subject,
        Err(code) => return Ended::early(code),
    };
    let (drawn, possible) = match drawn(asked, &subject) {
        Ok(drawn) => drawn,
        Err(code) => return Ended::early(code),
    };
    let trial = Trial {
        asked,
        subject: &subject,
        signals,
    };
    let unbroken = match trial.unbroken() {
        Ok(unbroken) => unbroken,
        Err(ended) => return ended,
    };
    trial.broken(&drawn, possible, unbroken)
}

/// The mutants that are asked for, and how many there would be.
///
/// # Errors
/// The exit code; what is wrong was said.
pub(super) fn drawn(asked: &Wanted, subject: &Subject) -> Result<(Vec<Mutant>, usize), i32> {
    let files = subject.files()?;
    let texts = Texts {
        files: &files,
        form: &subject.form,
    };
    let all = mutants(&asked.operators, texts);
    let possible = all.len();
    Ok((chosen(all, asked.count, asked.seed), possible))
}

/// A scenario under trial.
struct Trial<'a> {
    asked: &'a Wanted,
    subject: &'a Subject,
    /// Whether somebody ends the call.
    signals: &'a Signals,
}

impl Trial<'_> {
    /// Options of `bridgelab run`.
    fn args(&self) -> RunArgs {
        let evidence = self.asked.evidence.clone();
        RunArgs {
            guests: self.asked.guests,
            jobs: self.asked.jobs,
            evidence: Some(evidence.unwrap_or_else(|| self.subject.folder().join("evidence"))),
            quiet: true,
            mutants: true,
            require_all: Some(false),
            ..RunArgs::default()
        }
    }

    /// A run of a form, with a name that tells it from the others.
    fn run_of(
        &self,
        path: &Path,
        loaded: &LoadedScenario,
        form: &Scenario,
    ) -> Result<wanted::Wanted, String> {
        let sources = wanted::read(path, loaded)?;
        Ok(wanted::Wanted::new(
            path,
            form,
            self.asked.guests,
            &[],
            &sources,
        ))
    }

    /// Carries out runs. A signal, also one that came since the last ones, ends them in good order: what was measured before is told.
    ///
    /// # Errors
    /// How the call ends where nothing could begin.
    fn reports(
        &self,
        runs: &[wanted::Wanted],
        each: &dyn Fn(usize, &RunReport) -> Option<String>,
    ) -> Result<Vec<RunReport>, Ended> {
        let signals = Signals::listen(Box::new(signals::before_anything)).map_err(Ended::early)?;
        signals.begin();
        match Ended::by(self.signals) {
            Some(ended) => Err(ended),
            None => reports_each(&self.args(), runs, signals, each).map_err(Ended::early),
        }
    }

    /// Runs the unbroken scenario.
    ///
    /// # Errors
    /// How the call ends where it is not green.
    fn unbroken(&self) -> Result<Unbroken, Ended> {
        let Subject { loaded, form, .. } = self.subject;
        let name = self.subject.name();
        let told = |text: &str| {
            let _ = writeln!(anstream::stderr(), "error: {text}");
        };
        let run = self
            .run_of(&self.subject.green.path, loaded, form)
            .map_err(|why| {
                told(&why);
                Ended::early(exit_code::BROKEN)
            })?;
        let _ = writeln!(
            anstream::stderr(),
            "{name}: the unbroken scenario, {GREENS} times"
        );
        let runs = (1..=GREENS).map(|number| {
            run.clone()
                .called(&format!("{name}-green-{number}"), &BTreeMap::new())
        });
        let runs: Vec<wanted::Wanted> = runs.collect();
        let reports = self.reports(&runs, &|_, _| None)?;
        if reports.iter().any(|run| run.outcome == Outcome::Cancelled) {
            return Err(Ended {
                interrupted: true,
                ..Ended::early(exit_code::worst(&reports))
            });
        }
        if let Some(other) = reports.iter().find(|run| run.outcome != Outcome::Passed) {
            told(&format!(
                "the unbroken scenario {name} is not green, so nothing can be said of its mutants: {}{}\n  help: `bridgelab run {name} --guests {}`",
                other.outcome,
                judged(other, Vec::new)
                    .1
                    .split('\n')
                    .next()
                    .map(|why| format!(": {why}"))
                    .unwrap_or_default(),
                match self.asked.guests {
                    Guests::Ghost => "ghost",
                    Guests::Vm => "vm",
                },
            ));
            return Err(Ended::early(exit_code::worst(&reports)));
        }
        let read: Vec<Read> = reports.iter().map(read).collect();
        Ok(Unbroken {
            state: Green::new(&read),
            within: patience(&reports),
            ms: reports.iter().map(|run| run.ms).max().unwrap_or_default(),
        })
    }

    /// Runs the mutants.
    fn broken(&self, drawn: &[Mutant], possible: usize, unbroken: Unbroken) -> Ended {
        let name = self.subject.name();
        let known: Vec<String> = warnings(&self.subject.loaded);
        let mut records: Vec<MutantRecord> = Vec::new();
        let mut runs = Vec::new();
        // Of each run, the mutant's number and the folder of its copy.
        let mut of_run: Vec<(usize, PathBuf)> = Vec::new();
        for (number, mutant) in drawn.iter().enumerate() {
            let mut record = blank(mutant);
            match self.prepared(number, mutant) {
                Ok(Prepared { path, loaded, form }) => {
                    record.warnings = warnings(&loaded);
                    record.warnings.retain(|warning| !known.contains(warning));
                    let called = format!("{name}-m{number:04}-{}", mutant.operator.name);
                    match self.run_of(&path, &loaded, &form) {
                        Ok(run) => {
                            runs.push(run.called(&called, &unbroken.within));
                            let own = path.parent().map(Path::to_owned);
                            of_run.push((number, own.unwrap_or_default()));
                        }
                        Err(why) => (record.verdict, record.why) = (Verdict::Broken, why),
                    }
                }
                Err(Unprepared::Refused(why)) => {
                    (record.verdict, record.why) = (Verdict::Refused, why)
                }
                Err(Unprepared::Io(error)) => {
                    (record.verdict, record.why) = (Verdict::Broken, error.to_string())
                }
            }
            records.push(record);
        }
        let refused = records.len() - runs.len();
        let _ = writeln!(
            anstream::stderr(),
            "{name}: {} mutants, of which `check` refuses {refused}; {} runs",
            records.len(),
            runs.len()
        );
        let count = runs.len();
        let (records, done) = (RefCell::new(records), RefCell::new(0_usize));
        let each = |index: usize, run: &RunReport| {
            let (number, own) = of_run.get(index)?;
            let mut records = records.borrow_mut();
            let record = records.get_mut(*number)?;
            self.judge(record, run, &drawn[*number], own, &unbroken.state);
            *done.borrow_mut() += 1;
            if record.verdict == Verdict::NotRun {
                return None;
            }
            let (verdict, why) = (record.verdict.word(), &record.why);
            let changed = change(&record.before, &record.after);
            Some(format!(
                "[{} of {count}] {verdict}: {}: {changed}: {why}",
                done.borrow(),
                record.id
            ))
        };
        let mut code = exit_code::PASSED;
        let mut interrupted = false;
        if !runs.is_empty() {
            match self.reports(&runs, &each) {
                Err(failed) => (code, interrupted) = (failed.code, failed.interrupted),
                Ok(reports) => {
                    let cancelled: Vec<RunReport> = reports
                        .into_iter()
                        .filter(|run| run.outcome == Outcome::Cancelled)
                        .collect();
                    interrupted = !cancelled.is_empty();
                    if interrupted {
                        code = exit_code::worst(&cancelled);
                    }
                }
            }
        }
        let records = records.into_inner();
        let (unseen, lines) = coverage(&records);
        Ended {
            record: Some(Box::new(ScenarioRecord {
                scenario: name.to_owned(),
                possible,
                green_ms: unbroken.ms,
                figures: Figures::of(&records),
                unseen,
                lines,
                mutants: records,
            })),
            code,
            interrupted,
        }
    }

    /// Copies the scenario with the mutant's change, and reads it.
    fn prepared(&self, number: usize, mutant: &Mutant) -> Result<Prepared, Unprepared> {
        self.subject.broken(&format!("m{number:04}"), |folder| {
            let file = folder.join(&mutant.file);
            let text = fs::read_to_string(&file)?;
            put(&file, mutant.change.applied(&text).as_deref())
        })
    }

    /// Judges a mutant by its run, and removes what is not kept.
    fn judge(
        &self,
        record: &mut MutantRecord,
        run: &RunReport,
        mutant: &Mutant,
        own: &Path,
        green: &Green,
    ) {
        let mut state = Vec::new();
        let (verdict, why) = judged(run, || {
            state = green.differences(&read(run));
            state.clone()
        });
        record.verdict = verdict;
        record.why = why;
        record.ms = run.ms;
        record.state = state;
        if verdict == Verdict::Caught {
            record.failed = failed(run);
            let broken = Broken {
                folder: own,
                file: &mutant.file,
                lines: &mutant.place,
            };
            record.named = Some(named(&run.diagnosis, broken));
            record.diagnosis = run.diagnosis.clone();
        }
        match (&self.asked.evidence, &run.evidence) {
            (Some(_), kept) => record.evidence = kept.clone(),
            // Many runs would fill the disk before the folder of all is removed.
            (None, Some(evidence)) => drop(fs::remove_dir_all(evidence)),
            (None, None) => {}
        }
    }
}

/// A mutant that was not run yet.
fn blank(mutant: &Mutant) -> MutantRecord {
    MutantRecord {
        id: mutant.id.clone(),
        operator: mutant.operator.name.to_owned(),
        layer: mutant.operator.layer.name().to_owned(),
        file: mutant.file.clone(),
        line: mutant.line,
        column: mutant.column,
        before: mutant.before.clone(),
        after: mutant.after.clone(),
        verdict: Verdict::NotRun,
        why: "the call was ended".to_owned(),
        warnings: Vec::new(),
        failed: Vec::new(),
        state: Vec::new(),
        named: None,
        diagnosis: Vec::new(),
        ms: 0,
        evidence: None,
    }
}

/// What `check` warns of.
fn warnings(loaded: &LoadedScenario) -> Vec<String> {
    loaded
        .warnings()
        .iter()
        .map(|fault| fault.message.clone())
        .collect()
}
