//! Who ended a run that nothing was wrong with.

use super::{Outcome, Problem, RunReport, exit_code};

/// What asked for the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// SIGINT: Ctrl-C.
    Interrupted,
    /// SIGTERM: a service manager, a CI system, timeout(1).
    Terminated,
    /// SIGHUP: the terminal is gone.
    HungUp,
    /// Whoever held the lab closed the pipe before it stood.
    LetGo,
}

impl Cancelled {
    const ALL: [Self; 4] = [
        Self::Interrupted,
        Self::Terminated,
        Self::HungUp,
        Self::LetGo,
    ];

    /// Code of the report's problem.
    pub fn code(self) -> &'static str {
        match self {
            Self::Interrupted => "run.interrupted",
            Self::Terminated => "run.terminated",
            Self::HungUp => "run.hung-up",
            Self::LetGo => "run.let-go",
        }
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::HungUp => "hung up",
            Self::LetGo => "let go",
        }
    }

    /// The exit code: 128 and the signal's number, as shells have it.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Interrupted | Self::LetGo => exit_code::INTERRUPTED,
            Self::Terminated => exit_code::TERMINATED,
            Self::HungUp => exit_code::HUNG_UP,
        }
    }

    /// Of a cancelled run.
    pub(super) fn of(run: &RunReport) -> Self {
        let code = run.problem.as_ref().map(|problem| problem.code.as_str());
        let known = Self::ALL.into_iter().find(|one| Some(one.code()) == code);
        known.unwrap_or(Self::Interrupted)
    }
}

impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupted => "SIGINT ended the run",
            Self::Terminated => "SIGTERM ended the run",
            Self::HungUp => "SIGHUP ended the run",
            Self::LetGo => "whoever held the lab let it go before it stood",
        })
    }
}

impl RunReport {
    /// Says by what a cancelled run was ended; any other is left as it is.
    pub fn cancelled_by(&mut self, by: Cancelled) {
        if self.outcome != Outcome::Cancelled {
            return;
        }
        // One that did not end in good order has said what it was told of its worker.
        let before = self.problem.take();
        let stage = self.stages.last().map(|stage| &stage.name);
        let first = match (&before, stage) {
            (None, Some(stage)) => format!("{by} after the stage `{stage}`"),
            _ => by.to_string(),
        };
        let rest = before.into_iter().flat_map(|problem| problem.chain);
        self.problem = Some(Problem {
            code: by.code().to_owned(),
            chain: std::iter::once(first).chain(rest).collect(),
            help: None,
        });
    }
}
