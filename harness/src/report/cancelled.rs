//! What ended a run from outside, before it had a verdict.

use super::{Outcome, Problem, RunReport, StageReport};

/// Stages during which no run is said to have ended: they come after the end, or go on beside other stages.
const BESIDE: [&str; 4] = ["evidence", "teardown", "dad", "containers"];

/// What asked for the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// SIGINT: Ctrl-C.
    Interrupted,
    /// SIGTERM: a service manager, a CI system, timeout(1).
    Terminated,
    /// SIGHUP: the terminal is gone.
    HungUp,
    /// The program for which the lab was to be held closed its pipe before the lab stood.
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

    /// The ending in one or two words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::HungUp => "hung up",
            Self::LetGo => "let go",
        }
    }

    /// What ended a cancelled run, by the code of its problem; SIGINT where no code says so.
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
    /// Notes what ended a cancelled run, and in or after which stage. Any other run is left as it is.
    pub fn cancelled_by(&mut self, by: Cancelled) {
        if self.outcome != Outcome::Cancelled {
            return;
        }
        // A run that did not end in good order has a problem already: what became of its worker.
        let before = self.problem.take();
        let first = match self.last_stage() {
            Some(stage) if stage.cut_short => {
                format!("{by} during {}", stage_in_words(&stage.name))
            }
            Some(stage) => format!("{by} after {}", stage_in_words(&stage.name)),
            None => by.to_string(),
        };
        let rest = before.into_iter().flat_map(|problem| problem.chain);
        self.problem = Some(Problem {
            code: by.code().to_owned(),
            chain: std::iter::once(first).chain(rest).collect(),
            help: None,
        });
    }

    /// The last stage that began before the run was ended, apart from those of [`BESIDE`].
    fn last_stage(&self) -> Option<&StageReport> {
        let beside = |stage: &&StageReport| !BESIDE.contains(&stage.name.as_str());
        self.stages.iter().rfind(beside)
    }
}

/// Names a stage, as part of a sentence.
fn stage_in_words(stage: &str) -> String {
    match (stage.strip_prefix("checks"), stage.strip_prefix("step ")) {
        (Some(after), _) => match after.strip_prefix(" after ") {
            Some(step) => format!("the checks after step `{step}`"),
            None => "the checks".to_owned(),
        },
        (None, Some(step)) => format!("step `{step}`"),
        (None, None) => format!("the stage `{stage}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a cancelled run with these stages says; `cut` was cut short.
    fn told(stages: &[&str], cut: &str) -> String {
        let stage = |name: &&str| serde_json::json!({ "name": name, "at_ms": 0, "ms": 1, "cut_short": *name == cut });
        let run = serde_json::json!({
            "scenario": "s", "variant": null, "outcome": "cancelled", "problem": null, "differences": [],
            "accelerator": "ghost", "accelerator_reason": "", "guests": [], "checks": [],
            "stages": stages.iter().map(stage).collect::<Vec<_>>(), "versions": {}, "leaks": [],
            "evidence": null, "reproduce": "", "ms": 1,
        });
        let mut run: RunReport = serde_json::from_value(run).expect("a run");
        run.cancelled_by(Cancelled::Interrupted);
        run.problem.expect("a reason").chain.join(": ")
    }

    #[test]
    fn the_stage_that_is_named_is_never_one_that_came_after_the_signal() {
        let end = ["dad", "evidence", "teardown"];
        for (stages, cut, words) in [
            (&["topology", "checks"][..], "checks", " during the checks"),
            (&["topology", "checks"], "", " after the checks"),
            (
                &["topology", "checks after cut"],
                "checks after cut",
                " during the checks after step `cut`",
            ),
            (&["checks", "step cut"], "step cut", " during step `cut`"),
            (
                &["queue", "topology", "boot"],
                "boot",
                " during the stage `boot`",
            ),
            (&["topology"], "topology", " during the stage `topology`"),
            (&[], "", ""),
        ] {
            // The stage of the evidence may have been cut short as well.
            for cut_too in [cut, "evidence"]
                .into_iter()
                .take(if cut.is_empty() { 2 } else { 1 })
            {
                let stages = [stages, &end].concat();
                assert_eq!(
                    told(&stages, cut_too),
                    format!("SIGINT ended the run{words}")
                );
            }
        }
    }
}
