//! A lab inside a test: the test's own process starts the program `bridgelab`, which builds the lab as for any other
//! run and then does what the test asks for, until the test is over.
//!
//! The lab cannot live in the test's process. Its worker must be PID 1 of namespaces of its own and must enter them
//! while it has one thread (`harness/docs/namespaces.md`), and a test has many. So the test's body runs where it always
//! runs, in the machine's own network namespace, and reaches the lab through a pipe: commands, checks and steps, at the
//! lab's places ([`HeldVantage`], [`HeldGuest`]). What it gains over a file is Rust between two of these.
//!
//! ```no_run
//! # use bridgelab_harness::{lab::scope::{Hold, NoLab}, scenario::Scenario, toml::toml};
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = Scenario::builder("the base topology alone");
//! let lab = match Hold::built(&scenario)?.start().await {
//!     Ok(lab) => lab,
//!     Err(NoLab::Skipped(why)) => return Ok(eprintln!("skipped: because {why}")),
//!     Err(error) => return Err(error.into()),
//! };
//! let ping = toml! { ping = { to = "192.168.1.1" } };
//! assert!(lab.vantage("desktop")?.check("router-answers", ping).await?.passed());
//! let report = lab.finish().await?;
//! # Ok(())
//! # }
//! ```
//!
//! However the test ends, a panic included, the lab is judged, its evidence gathered and everything taken down: the
//! end of the pipe is the end of the lab.

mod error;
mod pipe;
mod places;

pub use places::{HeldGuest, HeldVantage};

pub use error::NoLab;
use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;
use toml::{Table, Value};

use self::pipe::{Pipe, blocking};
use super::ask::{Answer, Ask};
use super::job::Event;
use crate::guest::ssh::Output;
use crate::report::{CheckOutcome, CheckReport, RunReport, StepReport};
use crate::scenario::{BuildError, Builder, load_text};

/// The program that builds labs, if it is not the `bridgelab` of `PATH`.
pub const PROGRAM_VARIABLE: &str = "BRIDGELAB_BIN";

/// How long a command may take that has nothing else said of it, in seconds; stretched without KVM.
const EXEC_SECONDS: u64 = 30;

/// A lab that is to be held.
#[derive(Debug)]
pub struct Hold {
    scenario: PathBuf,
    text: String,
    program: PathBuf,
    words: Vec<OsString>,
    /// Where a built scenario was written; gone with the lab.
    folder: Option<TempDir>,
}

impl Hold {
    /// Of a scenario that code put together.
    ///
    /// # Errors
    /// [`NoLab::Built`] when it is not valid.
    pub fn built(scenario: &Builder) -> Result<Self, NoLab> {
        let folder = TempDir::new().map_err(|source| BuildError::Write {
            path: std::env::temp_dir(),
            source,
        })?;
        let path = folder.path().join("lab");
        scenario.write(&path)?;
        let mut hold = Self::file(&path.join("scenario.toml"))?;
        hold.folder = Some(folder);
        Ok(hold)
    }

    /// Of a scenario's file.
    ///
    /// # Errors
    /// [`NoLab::Program`] when the file cannot be read; what is wrong in it is told by [`start`](Self::start).
    pub fn file(path: &Path) -> Result<Self, NoLab> {
        let text = std::fs::read_to_string(path).map_err(|source| NoLab::Program {
            doing: "read the scenario",
            program: path.to_owned(),
            source,
        })?;
        let program = std::env::var_os(PROGRAM_VARIABLE);
        Ok(Self {
            scenario: path.to_owned(),
            text,
            program: program.unwrap_or_else(|| "bridgelab".into()).into(),
            words: Vec::new(),
            folder: None,
        })
    }

    /// The program, where it is neither in `PATH` nor named by [`PROGRAM_VARIABLE`]: in the tests of its own package,
    /// `env!("CARGO_BIN_EXE_bridgelab")`.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// A variant, or another form by its name.
    #[must_use]
    pub fn form(self, name: &str) -> Self {
        self.option("--variant").option(name)
    }

    /// Namespaces with the guests' unit files in place of MicroVMs: within seconds.
    #[must_use]
    pub fn ghosts(self) -> Self {
        self.option("--guests").option("ghost")
    }

    /// Any other word of `bridgelab run`, such as `--evidence DIR`.
    #[must_use]
    pub fn option(mut self, word: impl Into<OsString>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Builds the lab, boots the guests, carries out the scenario's own checks, and returns the lab as it then stands.
    ///
    /// # Errors
    /// [`NoLab::Skipped`] when this machine cannot have it, and whatever else keeps it from standing.
    pub async fn start(self) -> Result<HeldLab, NoLab> {
        blocking(move || self.start_now()).await
    }

    fn start_now(self) -> Result<HeldLab, NoLab> {
        let failed = |doing| {
            let program = self.program.clone();
            move |source| NoLab::Program {
                doing,
                program,
                source,
            }
        };
        let mut child = Command::new(&self.program)
            .args(["run", "--hold"])
            .arg(&self.scenario)
            .args(&self.words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed("start"))?;
        let (Some(input), Some(output), Some(mut errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("reach")(io::ErrorKind::BrokenPipe.into()));
        };
        // Read to the end whoever reads it, so that the program never waits for us.
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut pipe = Pipe {
            program: self.program,
            child,
            input: Some(input),
            output: BufReader::new(output),
            said: Some(said),
            report: None,
        };
        let Some(Event::Held {
            machines,
            guests,
            containers,
        }) = pipe.next()?
        else {
            return Err(pipe.no_lab());
        };
        Ok(HeldLab {
            machines,
            guests,
            containers,
            scenario: self.scenario,
            text: Mutex::new(Asked {
                text: self.text,
                last: None,
            }),
            pipe: Arc::new(Mutex::new(pipe)),
            _folder: self.folder,
        })
    }
}

/// What a scenario has become by what a test asked for.
#[derive(Debug)]
struct Asked {
    text: String,
    /// The step that was asked for last.
    last: Option<String>,
}

/// A lab that stands. Dropping it ends it in good order, and waits for that.
#[derive(Debug)]
pub struct HeldLab {
    machines: Vec<String>,
    guests: Vec<String>,
    /// `GUEST/CONTAINER`.
    containers: Vec<String>,
    scenario: PathBuf,
    /// The scenario with the checks and steps that were added.
    text: Mutex<Asked>,
    pipe: Arc<Mutex<Pipe>>,
    _folder: Option<TempDir>,
}

impl HeldLab {
    /// Runs a command at a vantage: `MACHINE`, `GUEST` or `GUEST/CONTAINER`. A status other than 0 is no error.
    ///
    /// # Errors
    /// [`NoLab::Refused`] when it could not be run or did not end in half a minute, stretched without KVM.
    pub async fn exec<W: AsRef<str>>(
        &self,
        from: &str,
        words: impl IntoIterator<Item = W>,
    ) -> Result<Output, NoLab> {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        let ask = Ask::Exec {
            from: from.to_owned(),
            words: words.collect(),
            seconds: EXEC_SECONDS,
        };
        match self.ask(ask).await? {
            Answer::Ran {
                stdout,
                stderr,
                status,
            } => Ok(Output {
                stdout,
                stderr,
                status,
            }),
            other => Err(odd(&other)),
        }
    }

    /// Carries out a check: the keys of `[[checks]]`, without `id`. Whether it holds is in what is returned, and in the
    /// run's report; a check that must not hold has `fails = true`. It comes after the [`step`](Self::step) that was asked
    /// for last.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when the check is not valid.
    pub async fn check(&self, id: &str, mut keys: Table) -> Result<CheckReport, NoLab> {
        let scenario = {
            let mut asked = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = &asked.last {
                keys.entry("after").or_insert_with(|| last.as_str().into());
            }
            let more = with(&asked.text, "checks", id, keys);
            load_text(&self.scenario, more.clone())?;
            asked.text.clone_from(&more);
            more
        };
        let id = id.to_owned();
        match self.ask(Ask::Check { scenario, id }).await? {
            Answer::Checked { check } => Ok(*check),
            other => Err(odd(&other)),
        }
    }

    /// Carries out a step: the keys of `[[steps]]`, without `id`. How it ended is in what is returned, and in the run's
    /// report; one that is refused without saying that it may be ends no test, but the run has no verdict then.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when the step is not valid, after all those before it; [`NoLab::Refused`] when this machine's
    /// kernel lacks what it needs.
    pub async fn step(&self, id: &str, keys: Table) -> Result<StepReport, NoLab> {
        self.step_named(|_| id.to_owned(), keys).await
    }

    /// As [`step`](Self::step), under that id or, where it is taken, `ID-2`.
    async fn step_under_new_id(&self, id: &str, keys: Table) -> Result<StepReport, NoLab> {
        self.step_named(|scenario| unused(scenario, id), keys).await
    }

    async fn step_named(
        &self,
        id: impl FnOnce(&str) -> String,
        keys: Table,
    ) -> Result<StepReport, NoLab> {
        let (scenario, id) = {
            let mut asked = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            let id = id(&asked.text);
            let more = with(&asked.text, "steps", &id, keys);
            load_text(&self.scenario, more.clone())?;
            asked.text.clone_from(&more);
            asked.last = Some(id.clone());
            (more, id)
        };
        match self.ask(Ask::Step { scenario, id }).await? {
            Answer::Stepped { step } => Ok(*step),
            other => Err(odd(&other)),
        }
    }

    /// Judges what was checked, gathers evidence, takes the lab down.
    ///
    /// # Errors
    /// [`NoLab::Ended`] when the program ended without a report.
    pub async fn finish(self) -> Result<RunReport, NoLab> {
        let pipe = Arc::clone(&self.pipe);
        blocking(move || {
            let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
            pipe.end();
            match pipe.report.take() {
                Some(report) => Ok(report),
                None => Err(pipe.no_lab()),
            }
        })
        .await
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, NoLab> {
        let pipe = Arc::clone(&self.pipe);
        blocking(move || {
            let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
            match pipe.ask(&ask)? {
                Answer::Refused { why } => Err(NoLab::Refused(why)),
                answer => Ok(answer),
            }
        })
        .await
    }
}

impl CheckReport {
    /// Whether it went as it should.
    pub fn passed(&self) -> bool {
        self.outcome == CheckOutcome::Passed
    }
}

fn odd(answer: &Answer) -> NoLab {
    NoLab::Refused(format!("the lab answered something else: {answer:?}"))
}

/// The text of a scenario with one check or step more.
fn with(scenario: &str, list: &str, id: &str, mut keys: Table) -> String {
    keys.insert("id".to_owned(), id.into());
    let mut tree: Table = scenario.parse().unwrap_or_default();
    let known = tree.entry(list).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(known) = known {
        known.push(keys.into());
    }
    toml::to_string(&tree).unwrap_or_default()
}

/// That id, or the first of `ID-2`, `ID-3`, ... that no step of the scenario has.
fn unused(scenario: &str, id: &str) -> String {
    let tree: Table = scenario.parse().unwrap_or_default();
    let steps = tree.get("steps").and_then(Value::as_array);
    let taken = |id: &str| {
        let mut steps = steps.into_iter().flatten();
        steps.any(|step| step.get("id").and_then(Value::as_str) == Some(id))
    };
    let mut free = id.to_owned();
    let mut number = 1;
    while taken(&free) {
        number += 1;
        free = format!("{id}-{number}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_taken_gets_a_number() {
        let one = with("version = 1", "steps", "stop", Table::new());
        let two = with(&one, "steps", "stop-2", Table::new());
        assert_eq!(unused("version = 1", "stop"), "stop");
        assert_eq!(unused(&one, "stop"), "stop-2");
        assert_eq!(unused(&two, "stop"), "stop-3");
        assert_eq!(unused(&two, "start"), "start");
    }
}
