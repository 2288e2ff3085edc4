//! What all benchmarks of a call share: a folder, the interrupts, and a voice.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bridgelab_harness::image;
use tokio::sync::watch;

use super::machine::Machine;
use super::options::Options;
use super::record::BenchRecord;
use super::rounds::{Sample, Stop, Subject, interleave};
use super::scratch::Scratch;

/// A call's surroundings, and the benchmark that is being made.
pub(super) struct Context<'a> {
    pub(super) options: &'a Options,
    pub(super) machine: Machine,
    /// This program.
    pub(super) program: PathBuf,
    /// Counts Ctrl-C, SIGTERM and SIGHUP.
    pub(super) interrupts: watch::Receiver<u32>,
    scratch: Scratch,
    begun: Instant,
    name: &'static str,
    about: &'static str,
    rounds: usize,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        options: &'a Options,
        machine: Machine,
        interrupts: watch::Receiver<u32>,
    ) -> Result<Self, Stop> {
        let failed = |doing: &str, error: std::io::Error| Stop::Failed(format!("{doing}: {error}"));
        let program = image::worker_program();
        let program = program.map_err(|error| failed("find this program", error))?;
        let scratch = Scratch::new(&program, "bench");
        let scratch = scratch.map_err(|error| failed("make a temporary folder", error))?;
        let mut wishes = interrupts.clone();
        tokio::spawn(async move {
            while wishes.changed().await.is_ok() {
                let what = match *wishes.borrow_and_update() {
                    1 => "what is being measured ends in good order; again to kill it",
                    _ => "killing",
                };
                let _ = writeln!(anstream::stderr(), "interrupted: {what}");
            }
        });
        Ok(Self {
            options,
            machine,
            program,
            interrupts,
            scratch,
            begun: Instant::now(),
            name: "",
            about: "",
            rounds: 1,
        })
    }

    /// The next benchmark.
    pub(super) fn begin(&mut self, name: &'static str, about: &'static str, rounds: u16) {
        (self.name, self.about, self.rounds) = (name, about, rounds.into());
        self.say(about);
    }

    /// A folder that goes with this call.
    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Leaves the folder behind, for whoever looks for the cause of a failure.
    pub(super) fn keep(&mut self) {
        self.scratch.keep();
        let folder = self.scratch.path().display();
        self.say(&format!("something failed; what it left is in {folder}"));
    }

    /// The sizes asked for, or `usual`.
    pub(super) fn sizes(&self, usual: &[u16]) -> Vec<u16> {
        if self.options.sizes.is_empty() {
            usual.to_vec()
        } else {
            self.options.sizes.clone()
        }
    }

    /// Progress.
    pub(super) fn say(&self, text: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        let name = self.name;
        let _ = writeln!(anstream::stderr(), "[{at:6.1} s] {name}: {text}");
    }

    /// Measures everybody in turn, telling what comes out.
    pub(super) async fn rounds(
        &self,
        names: &[&str],
        mut measure: impl AsyncFnMut(&str, usize) -> Result<Vec<Sample>, Stop>,
    ) -> Result<Vec<Subject>, Stop> {
        interleave(self.rounds, names, async |name, round| {
            if *self.interrupts.borrow() > 0 {
                return Err(Stop::Interrupted);
            }
            let measured = measure(name, round).await;
            let text = match &measured {
                Ok(samples) => {
                    let shown = samples.iter().take(3).map(|sample| {
                        format!("{} {}", sample.what, sample.unit.show(sample.value))
                    });
                    shown.collect::<Vec<_>>().join(", ")
                }
                Err(Stop::Interrupted) => "interrupted".to_owned(),
                Err(Stop::Skipped(why)) => format!("skipped: because {why}"),
                Err(Stop::Failed(why)) => format!("failed: {why}"),
            };
            let of = self.rounds;
            self.say(&format!("round {} of {of}, {name}: {text}", round + 1));
            measured
        })
        .await
    }

    /// What the benchmark found.
    pub(super) fn record(&self, measured: &[Subject]) -> BenchRecord {
        BenchRecord::new(self.name, self.about, self.rounds, measured)
    }
}
