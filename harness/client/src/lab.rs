//! A lab that stands, and what it can be asked for.

use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;
use toml::Table;

use crate::pipe::{Pipe, blocking};
use crate::protocol::{Answer, Ask, Output, Places};
use crate::{CheckReport, NoLab, RunReport, StepReport};

/// How long a command may take that has nothing else said of it, in seconds; stretched without KVM.
const EXEC_SECONDS: u64 = 30;

/// A lab that stands. Dropping it ends it in good order, and waits for that.
#[derive(Debug)]
pub struct HeldLab {
    pub(crate) places: Places,
    pub(crate) pipe: Arc<Mutex<Pipe>>,
    pub(crate) _folder: Option<TempDir>,
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
            Answer::Ran { output } => Ok(output),
            other => Err(odd(&other)),
        }
    }

    /// Carries out a check: the keys of `[[checks]]`, without `id`. Whether it holds is in what is returned, and in the
    /// run's report; a check that must not hold has `fails = true`. It comes after the [`step`](Self::step) that was asked
    /// for last.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when the check is not valid.
    pub async fn check(&self, id: &str, keys: Table) -> Result<CheckReport, NoLab> {
        let ask = Ask::Check {
            id: id.to_owned(),
            keys: written(&keys),
        };
        match self.ask(ask).await? {
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
        self.carry_out(id, keys, false).await
    }

    /// As [`step`](Self::step), under that id or, where it is taken, `ID-2`.
    pub(crate) async fn numbered_step(&self, id: &str, keys: Table) -> Result<StepReport, NoLab> {
        self.carry_out(id, keys, true).await
    }

    async fn carry_out(&self, id: &str, keys: Table, numbered: bool) -> Result<StepReport, NoLab> {
        let ask = Ask::Step {
            id: id.to_owned(),
            numbered,
            keys: written(&keys),
        };
        match self.ask(ask).await? {
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
            pipe.finish()
        })
        .await
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, NoLab> {
        let pipe = Arc::clone(&self.pipe);
        blocking(move || {
            let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
            match pipe.ask(&ask)? {
                Answer::Refused { why } => Err(NoLab::Refused(why)),
                Answer::Invalid { errors } => Err(NoLab::Invalid(errors)),
                answer => Ok(answer),
            }
        })
        .await
    }
}

fn odd(answer: &Answer) -> NoLab {
    NoLab::Refused(format!("the lab answered something else: {answer:?}"))
}

fn written(keys: &Table) -> String {
    // A table of TOML's own values has nothing that TOML cannot say.
    toml::to_string(keys).unwrap_or_default()
}
