//! One scenario: with nothing broken, with each thing broken, and with each remedy.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use bridgelab_harness::report::{CheckOutcome, Outcome, RunReport};

use super::baseline;
use super::batch::{Batch, Ended};
use super::copies::{Fault, id};
use super::judge::{Courses, blank, courses as read_courses, judge, remedied};
use super::record::{Green, Measured, Remedied, Stale};
use super::sample::Sample;
use crate::mutate::patience::patience;
use crate::mutate::subject::{Prepared, Subject, Unprepared};
use crate::mutate::verdict::{Verdict, judged};
use crate::signals::Signals;

/// What is asked of every scenario.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// How often the unbroken scenario is run.
    pub(super) rounds: u16,
    /// Whether remedies of single mutants are tried.
    pub(super) prove: bool,
    /// Most labs at once.
    pub(super) jobs: Option<u32>,
    /// Whether somebody ends the call.
    pub(super) signals: &'a Signals,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) green: Green,
    pub(super) mutants: Vec<Measured>,
    pub(super) stale: Vec<Stale>,
    /// How long a red run took with all its patience, in milliseconds.
    pub(super) red: Vec<u64>,
    pub(super) interrupted: bool,
}

/// Measures a scenario.
pub(super) fn measured(asked: Asked<'_>, sample: &Sample) -> Found {
    let name = &sample.scenario;
    let mut found = Found {
        green: Green {
            scenario: name.clone(),
            ms: Vec::new(),
            red: 0,
            diagnoses: 0,
            problem: None,
        },
        mutants: Vec::new(),
        stale: Vec::new(),
        red: Vec::new(),
        interrupted: false,
    };
    let subject = match Subject::of(name) {
        Ok(subject) => subject,
        Err(_) => {
            found.green.problem = Some("it cannot be read".to_owned());
            return found;
        }
    };
    let mut trial = Trial {
        asked,
        subject: &subject,
        found,
        courses: Courses::new(),
        within: BTreeMap::new(),
        broken: Vec::new(),
        ran: Vec::new(),
    };
    trial.stale(sample);
    if trial.greens() && trial.mutants() {
        trial.remedies();
    }
    trial.found
}

/// A thing that is broken, the copy with it, and the place of what is measured of it.
struct Ran {
    fault: Fault,
    copy: Prepared,
    place: usize,
    /// Its checks after the run.
    checks: Vec<(String, CheckOutcome)>,
}

/// What is run after the mutants: with the remedy of its first diagnosis the one with that number, in this copy; without them one
/// mutant once more, with all its patience.
type Again = Option<(usize, Prepared)>;

struct Trial<'a> {
    asked: Asked<'a>,
    subject: &'a Subject,
    found: Found,
    /// Of the unbroken scenario.
    courses: Courses,
    /// How long checks may take in a mutant.
    within: BTreeMap<String, Duration>,
    broken: Vec<Fault>,
    ran: Vec<Ran>,
}

impl Trial<'_> {
    fn name(&self) -> &str {
        self.subject.name()
    }

    /// Finds out what applies, and notes what does not.
    fn stale(&mut self, sample: &Sample) {
        for broken in &sample.broken {
            match Fault::of(self.subject, broken) {
                Ok(fault) => self.broken.push(fault),
                Err(why) => {
                    let stale = Stale {
                        scenario: sample.scenario.clone(),
                        id: id(broken),
                        why,
                    };
                    let Stale { scenario, id, why } = &stale;
                    let _ = writeln!(anstream::stderr(), "stale: {scenario}: {id}: {why}");
                    self.found.stale.push(stale);
                }
            }
        }
    }

    /// Carries out a batch; whether the next one may begin.
    fn goes_on(&mut self, ended: Ended) -> bool {
        match ended {
            Ended::All => true,
            Ended::Interrupted => {
                self.found.interrupted = true;
                false
            }
            Ended::Not(code) => {
                let why = format!("its runs could not begin (exit code {code})");
                self.found.green.problem = Some(why);
                false
            }
        }
    }

    /// Runs the unbroken scenario: as users do, and once with every packet followed.
    fn greens(&mut self) -> bool {
        let name = self.name().to_owned();
        let (rounds, asked) = (self.asked.rounds, self.asked);
        let _ = writeln!(
            anstream::stderr(),
            "{name}: the unbroken scenario, {rounds} times, and once with every packet followed"
        );
        let (mut usual, mut followed) = (Batch::new(self.subject), Batch::new(self.subject));
        let wanted =
            (1..=rounds).try_for_each(|number| usual.green(&format!("{name}-green-{number}")));
        if let Err(why) = wanted.and_then(|()| followed.green(&format!("{name}-followed"))) {
            self.found.green.problem = Some(why);
            return false;
        }
        let mut passed: Vec<RunReport> = Vec::new();
        let (mut red, mut diagnoses, mut other) = (0, 0, None);
        let ended = usual.carry_out(asked, false, |_, run| {
            diagnoses += run.diagnosis.len();
            match run.outcome {
                Outcome::Passed => passed.push(run.clone()),
                _ => {
                    red += 1;
                    other = Some(format!("{}: {}", run.outcome, judged(run, Vec::new).1));
                }
            }
            None
        });
        let green = &mut self.found.green;
        green.ms = passed.iter().map(|run| run.ms).collect();
        (green.red, green.diagnoses) = (red, diagnoses);
        self.within = patience(&passed);
        if !self.goes_on(ended) {
            return false;
        }
        if passed.is_empty() {
            let why = other.unwrap_or_default();
            let why = format!("it is not green: {why}");
            let _ = writeln!(anstream::stderr(), "{name}: {why}");
            self.found.green.problem = Some(why);
            return false;
        }
        let mut courses = Courses::new();
        let ended = followed.carry_out(asked, true, |_, run| {
            if run.outcome == Outcome::Passed {
                courses = read_courses(run);
            }
            None
        });
        self.courses = courses;
        self.goes_on(ended)
    }

    /// Runs what is broken.
    fn mutants(&mut self) -> bool {
        let name = self.name().to_owned();
        let mut batch = Batch::new(self.subject);
        let mut ran: Vec<Ran> = Vec::new();
        for (number, fault) in std::mem::take(&mut self.broken).into_iter().enumerate() {
            let mut blank = blank(&name, &fault);
            let copy = fault.copy(self.subject, &format!("m{number:04}"));
            let called = format!("{name}-m{number:04}");
            let copy = copy.and_then(|copy| {
                let asked = batch.copy(&copy, &called, &self.within);
                asked.map_err(|why| Unprepared::Io(io::Error::other(why)))?;
                Ok(copy)
            });
            let place = self.found.mutants.len();
            match copy {
                Ok(copy) => ran.push(Ran {
                    fault,
                    copy,
                    place,
                    checks: Vec::new(),
                }),
                Err(Unprepared::Refused(why)) => {
                    (blank.verdict, blank.why) = (Verdict::Refused, why)
                }
                Err(Unprepared::Io(error)) => {
                    (blank.verdict, blank.why) = (Verdict::Broken, error.to_string())
                }
            }
            self.found.mutants.push(blank);
        }
        if batch.is_empty() {
            return true;
        }
        let (count, mut done) = (ran.len(), 0);
        let (mutants, green) = (&mut self.found.mutants, &self.courses);
        let ended = batch.carry_out(self.asked, false, |number, run| {
            let of = ran.get_mut(number)?;
            let checks = run.checks.iter();
            of.checks = checks.map(|it| (it.id.clone(), it.outcome)).collect();
            let one = mutants.get_mut(of.place)?;
            judge(one, run, (&of.fault, &of.copy), green);
            done += 1;
            let said = one.best().map(|named| format!(", {named:?}"));
            let hop = one
                .truth
                .as_ref()
                .map(|truth| format!(", hop {:?}", truth.hop));
            Some(format!(
                "[{done} of {count}] {name}: {}{}{}: {}: {}",
                one.verdict.word(),
                said.unwrap_or_default(),
                hop.unwrap_or_default(),
                one.id,
                one.why
            ))
        });
        self.baseline(&ran);
        self.ran = ran;
        self.goes_on(ended)
    }

    /// Who names the line that is broken most often: known when all is measured.
    fn baseline(&mut self, ran: &[Ran]) {
        let mutants = &mut self.found.mutants;
        let caught = ran.iter().filter(|one| {
            let measured = mutants.get(one.place);
            measured.is_some_and(|it| it.things == 1 && it.verdict == Verdict::Caught)
        });
        let caught: Vec<&Ran> = caught.collect();
        let places = caught.iter().filter_map(|one| {
            let (file, line, named) = one.fault.things.first()?.clone();
            Some(((file, line), named))
        });
        let places: Vec<_> = places.collect();
        for (one, hit) in caught.iter().zip(baseline::most_often(&places)) {
            if let Some(measured) = mutants.get_mut(one.place) {
                measured.most_often = hit;
            }
        }
    }

    /// Tries the remedies, and runs one mutant of the scenario with as much time as users have.
    fn remedies(&mut self) {
        let name = self.name().to_owned();
        let mut batch = Batch::new(self.subject);
        let mut again: Vec<Again> = Vec::new();
        let caught = |one: &Measured| one.verdict == Verdict::Caught;
        let patient = self.ran.iter().find(|ran| {
            let measured = self.found.mutants.get(ran.place);
            measured.is_some_and(|one| caught(one) && one.things == 1)
        });
        if let Some(ran) = patient
            && batch
                .copy(&ran.copy, &format!("{name}-patient"), &BTreeMap::new())
                .is_ok()
        {
            again.push(None);
        }
        for (number, ran) in self.ran.iter().enumerate() {
            let Some(one) = self.found.mutants.get_mut(ran.place) else {
                continue;
            };
            let asked = self.asked.prove || one.things > 1;
            let first = one.diagnosis.first();
            let edits = first.and_then(|first| first.remedy.as_ref());
            let edits = edits.map_or(&[][..], |remedy| &remedy.edits);
            if !asked || !caught(one) || edits.is_empty() {
                continue;
            }
            let copy = ran
                .fault
                .remedied(self.subject, &format!("r{number:04}"), edits);
            let copy = copy.and_then(|copy| {
                let called = format!("{name}-r{number:04}");
                let asked = batch.copy(&copy, &called, &self.within);
                asked.map_err(|why| Unprepared::Io(io::Error::other(why)))?;
                Ok(copy)
            });
            match copy {
                Ok(copy) => again.push(Some((number, copy))),
                Err(unprepared) => {
                    one.remedied = Some(untried(unprepared));
                }
            }
        }
        if batch.is_empty() {
            return;
        }
        let (found, all) = (&mut self.found, &self.ran);
        let (mutants, red) = (&mut found.mutants, &mut found.red);
        let ended = batch.carry_out(self.asked, false, |number, run| {
            let (of, copy) = match again.get(number)? {
                None => {
                    if run.outcome == Outcome::Failed {
                        red.push(run.ms);
                    }
                    return None;
                }
                Some((ran, copy)) => (all.get(*ran)?, copy),
            };
            let one = mutants.get_mut(of.place)?;
            let explained = &one.diagnosis.first()?.checks;
            let after = remedied(explained, &of.checks, run, (&of.fault, copy));
            let word = match after.proven {
                true => "proven",
                false => "not proven",
            };
            let line = format!("{name}: remedy {word}: {}", one.id);
            one.remedied = Some(after);
            Some(line)
        });
        self.goes_on(ended);
    }
}

/// A remedy that could not be tried.
fn untried(unprepared: Unprepared) -> Remedied {
    let (verdict, problem) = match unprepared {
        Unprepared::Refused(why) => (Verdict::Refused, why),
        Unprepared::Io(error) => (Verdict::Broken, error.to_string()),
    };
    Remedied {
        proven: false,
        verdict,
        named: Vec::new(),
        problem: Some(problem),
    }
}
