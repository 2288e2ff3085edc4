//! What became of a scenario's steps. Pure.

use serde::{Deserialize, Serialize};

/// How one step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// The kernel or the tool refused it; `said` has its words.
    Refused,
    /// It could not even be tried; `said` says why.
    Broken,
    /// The lab cannot do it, for example because its guests are ghosts; `said` says why.
    Skipped,
    /// A variant took it away.
    TakenAway,
}

impl StepOutcome {
    /// The word in a verdict.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Skipped => "skipped",
            Self::TakenAway => "taken away",
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its id in the scenario.
    pub id: String,
    /// What it does, as its key in the scenario file.
    pub action: String,
    /// The command that does the same by hand.
    pub command: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// Whether it may be refused.
    pub may_fail: bool,
    /// Words that it must be refused with; null: it must be done, or may fail.
    pub refused: Option<String>,
    /// What the kernel or the tool said.
    pub said: String,
    /// When it began, in milliseconds from the run's start.
    pub at_ms: i64,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl StepReport {
    /// Why the step did not end as the scenario says; `None` when it did. A step that could not be tried is no
    /// difference of the network: the run is broken.
    pub fn difference(&self) -> Option<String> {
        match (self.outcome, &self.refused) {
            (StepOutcome::Done, Some(words)) => Some(format!(
                "step `{}` must be refused with \"{words}\", and is done",
                self.id
            )),
            (StepOutcome::Refused, Some(words)) if !self.said.contains(words.as_str()) => {
                Some(format!(
                    "step `{}` is refused, but not in the named way: it says \"{}\", which lacks \"{words}\"",
                    self.id, self.said
                ))
            }
            _ => None,
        }
    }

    /// Whether the run ends with this step.
    pub fn ends_the_run(&self) -> bool {
        match self.outcome {
            StepOutcome::Refused => !self.may_fail && self.refused.is_none(),
            StepOutcome::Broken => true,
            StepOutcome::Done | StepOutcome::Skipped | StepOutcome::TakenAway => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(outcome: StepOutcome, said: &str, may_fail: bool, refused: Option<&str>) -> StepReport {
        StepReport {
            id: "down".to_owned(),
            action: "link_down".to_owned(),
            command: "ip -n host link set eno1 down".to_owned(),
            outcome,
            may_fail,
            refused: refused.map(str::to_owned),
            said: said.to_owned(),
            at_ms: 0,
            ms: 1,
        }
    }

    #[test]
    fn a_refusal_that_nobody_expects_ends_the_run() {
        use StepOutcome::{Broken, Done, Refused};
        assert!(step(Refused, "no such device", false, None).ends_the_run());
        assert!(!step(Refused, "no such device", true, None).ends_the_run());
        assert!(!step(Refused, "no such device", false, Some("no such")).ends_the_run());
        assert!(!step(Done, "", false, None).ends_the_run());
        assert!(
            step(Broken, "the machine is gone", true, None).ends_the_run(),
            "may_fail is about who is asked, not about us"
        );
    }

    #[test]
    fn an_expected_refusal_must_come_and_in_the_named_way() {
        use StepOutcome::{Done, Refused};
        let told = |outcome, said| step(outcome, said, false, Some("busy")).difference();
        assert_eq!(told(Refused, "Device or resource busy"), None);
        let done = told(Done, "").expect("a difference");
        assert_eq!(
            done,
            "step `down` must be refused with \"busy\", and is done"
        );
        let other = told(Refused, "no such device").expect("a difference");
        assert!(other.contains("not in the named way"), "{other}");
        assert_eq!(step(Refused, "x", true, None).difference(), None);
    }
}
