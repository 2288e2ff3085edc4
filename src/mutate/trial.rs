//! One scenario with its mutants: first unbroken, then each mutant, and what became of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::report::{CheckOutcome, Outcome, RunReport, exit_code};
use bridgelab_harness::scenario::mutation::{Mutant, Operator, Texts, chosen, mutants};
use bridgelab_harness::scenario::{LoadedScenario, Scenario, ScenarioErrors};

use super::coverage::coverage;
use super::evidence::read;
use super::files;
use super::named::{Broken, named};
use super::record::{Figures, MutantRecord, ScenarioRecord};
use super::state::{Green, Read};
use super::text::change;
use super::verdict::{Verdict, failed, judged};
use crate::cli::{Guests, RunArgs};
use crate::commands::{checked, load};
use crate::run::reports_each;
use crate::run::wanted;
use crate::signals::{self, Signals};

/// How often the unbroken scenario is run: what differs between these runs is no evidence.
const GREENS: usize = 2;
/// Times a check's time in the unbroken scenario that it gets in a mutant, and the least.
const TIMES: u32 = 3;
const LEAST: Duration = Duration::from_secs(3);

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
}

/// The unbroken scenario, after it was run.
struct Unbroken {
    state: Green,
    /// How long checks may take.
    within: BTreeMap<String, Duration>,
    ms: u64,
}

/// Runs the scenario and its mutants.
pub(super) fn carry_out(asked: &Wanted, scenario: &str) -> Ended {
    let (path, loaded) = match load(scenario) {
        Ok(found) => found,
        Err(code) => return Ended::early(code),
    };
    let told = |doing: &str, error: io::Error| {
        let _ = writeln!(anstream::stderr(), "error: {doing}: {error}");
        Ended::early(exit_code::BROKEN)
    };
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return told("make a folder for copies of the scenario", error),
    };
    let green = match files::Green::copied(&path, loaded.text(), &folder.path().join("green")) {
        Ok(green) => green,
        Err(error) => return told("copy the scenario", error),
    };
    let loaded = match checked(&green.path, &[]) {
        Ok(loaded) => loaded,
        Err(errors) => {
            let _ = write!(anstream::stderr(), "{}", errors.render(true));
            return Ended::early(exit_code::INVALID);
        }
    };
    // Where a matrix has several green forms, the first stands for them.
    let Some(form) = loaded.forms().next() else {
        return Ended::early(exit_code::INVALID);
    };
    let files = match green.files(form) {
        Ok(files) => files,
        Err(error) => return told("read what the scenario names", error),
    };
    let texts = Texts {
        files: &files,
        form,
    };
    let all = mutants(&asked.operators, texts);
    let possible = all.len();
    let drawn = chosen(all, asked.count, asked.seed);
    let trial = Trial {
        asked,
        folder: folder.path(),
        green: &green,
        name: loaded.name().to_owned(),
    };
    let unbroken = match trial.unbroken(&loaded, form) {
        Ok(unbroken) => unbroken,
        Err(ended) => return ended,
    };
    trial.broken(&drawn, possible, &loaded, unbroken)
}

/// A scenario under trial.
struct Trial<'a> {
    asked: &'a Wanted,
    /// Folder for everything that is removed at the end.
    folder: &'a Path,
    green: &'a files::Green,
    name: String,
}

impl Trial<'_> {
    /// Options of `bridgelab run`.
    fn args(&self, mutants: bool) -> RunArgs {
        let evidence = self.asked.evidence.clone();
        RunArgs {
            guests: self.asked.guests,
            jobs: self.asked.jobs,
            evidence: Some(evidence.unwrap_or_else(|| self.folder.join("evidence"))),
            quiet: true,
            mutants,
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

    /// Runs the unbroken scenario.
    ///
    /// # Errors
    /// How the call ends where it is not green.
    fn unbroken(&self, loaded: &LoadedScenario, form: &Scenario) -> Result<Unbroken, Ended> {
        let told = |text: &str| {
            let _ = writeln!(anstream::stderr(), "error: {text}");
        };
        let run = self.run_of(&self.green.path, loaded, form).map_err(|why| {
            told(&why);
            Ended::early(exit_code::BROKEN)
        })?;
        let _ = writeln!(
            anstream::stderr(),
            "{}: the unbroken scenario, {GREENS} times",
            self.name
        );
        let runs = (1..=GREENS).map(|number| {
            run.clone()
                .called(&format!("{}-green-{number}", self.name), &BTreeMap::new())
        });
        let signals = Signals::listen(Box::new(signals::before_anything)).map_err(Ended::early)?;
        let reports = reports_each(
            &self.args(true),
            &runs.collect::<Vec<_>>(),
            signals,
            &|_, _| None,
        );
        let reports = reports.map_err(Ended::early)?;
        if let Some(other) = reports.iter().find(|run| run.outcome != Outcome::Passed) {
            told(&format!(
                "the unbroken scenario {} is not green, so nothing can be said of its mutants: {}{}\n  help: `bridgelab run {} --guests {}`",
                self.name,
                other.outcome,
                judged(other, Vec::new)
                    .1
                    .split('\n')
                    .next()
                    .map(|why| format!(": {why}"))
                    .unwrap_or_default(),
                self.name,
                match self.asked.guests {
                    Guests::Ghost => "ghost",
                    Guests::Vm => "vm",
                },
            ));
            return Err(Ended {
                record: None,
                code: exit_code::worst(&reports),
                interrupted: reports.iter().any(|run| run.outcome == Outcome::Cancelled),
            });
        }
        let read: Vec<Read> = reports.iter().map(read).collect();
        let mut within: BTreeMap<String, Duration> = BTreeMap::new();
        let held = reports.iter().flat_map(|run| &run.checks);
        for check in held.filter(|check| check.outcome == CheckOutcome::Passed) {
            let time = (Duration::from_millis(check.ms) * TIMES).max(LEAST);
            let known = within.entry(check.id.clone()).or_default();
            *known = time.max(*known);
        }
        Ok(Unbroken {
            state: Green::new(&read),
            within,
            ms: reports.iter().map(|run| run.ms).max().unwrap_or_default(),
        })
    }

    /// Runs the mutants.
    fn broken(
        &self,
        drawn: &[Mutant],
        possible: usize,
        loaded: &LoadedScenario,
        unbroken: Unbroken,
    ) -> Ended {
        let known: Vec<String> = warnings(loaded);
        let mut records: Vec<MutantRecord> = Vec::new();
        let mut runs = Vec::new();
        // Of each run, the mutant's number and the folder of its copy.
        let mut of_run: Vec<(usize, PathBuf)> = Vec::new();
        for (number, mutant) in drawn.iter().enumerate() {
            let mut record = blank(mutant);
            match self.prepared(number, mutant) {
                Ok((path, loaded, form)) => {
                    record.warnings = warnings(&loaded);
                    record.warnings.retain(|warning| !known.contains(warning));
                    let called = format!("{}-m{number:04}-{}", self.name, mutant.operator.name);
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
            "{}: {} mutants, of which `check` refuses {refused}; {} runs",
            self.name,
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
            let ended = Signals::listen(Box::new(signals::before_anything))
                .and_then(|signals| reports_each(&self.args(true), &runs, signals, &each));
            match ended {
                Err(failed) => code = failed,
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
                scenario: self.name.clone(),
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
    fn prepared(
        &self,
        number: usize,
        mutant: &Mutant,
    ) -> Result<(PathBuf, LoadedScenario, Scenario), Unprepared> {
        let folder = self.folder.join(format!("m{number:04}"));
        let path = self.green.broken(mutant, &folder).map_err(Unprepared::Io)?;
        let loaded =
            checked(&path, &[]).map_err(|errors| Unprepared::Refused(first_fault(&errors)))?;
        let form = loaded.forms().next().cloned();
        let form = form.ok_or_else(|| Unprepared::Refused("it has no form".to_owned()))?;
        Ok((path, loaded, form))
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

/// Why a mutant cannot be run.
enum Unprepared {
    /// What `check` says.
    Refused(String),
    /// The copy was not made.
    Io(io::Error),
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

/// What `check` says first.
fn first_fault(errors: &ScenarioErrors) -> String {
    let first = errors.faults().next().map(|fault| fault.message.clone());
    first.unwrap_or_else(|| Diagnostic::new(errors).to_string())
}

/// What `check` warns of.
fn warnings(loaded: &LoadedScenario) -> Vec<String> {
    loaded
        .warnings()
        .iter()
        .map(|fault| fault.message.clone())
        .collect()
}
