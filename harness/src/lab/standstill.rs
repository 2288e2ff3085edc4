//! Takes back verdicts that may be due to a standstill of this machine.

use std::time::Duration;

use super::record::Record;
use crate::host::standstill::Standstill;
use crate::report::{CheckOutcome, CheckReport, Outcome};

/// Code of the problem that this machine stood still.
const STOOD_STILL: &str = "host.stood-still";

impl Record<'_> {
    /// Takes back a verdict that a standstill may have made. What was seen to hold did hold. But a failure may be due to the
    /// standstill: leases and router lifetimes end, connections break, a guest's answer comes too late.
    pub(super) fn weigh_standstills(&mut self) {
        let all = self.asked.standstills.all();
        let during = all.into_iter().filter(|one| one.ended > self.asked.started);
        let during: Vec<Standstill> = during.collect();
        if during.is_empty() {
            return;
        }
        for one in &during {
            let begun = one.ended.checked_sub(one.counted).unwrap_or(one.ended);
            let stage = self.report.stages.iter().rfind(|stage| {
                let end = stage.at_ms + stage.ms as i64;
                (stage.at_ms..=end).contains(&self.asked.at_ms(one.ended))
            });
            let stage = stage
                .map_or("checks", |stage| stage.name.as_str())
                .to_owned();
            let what = "this machine stood still".to_owned();
            self.waited(&stage, what, begun, one.lasted);
        }
        let sentence = sentence(&during);
        self.asked.progress(sentence.clone());
        if self.is_unsure() {
            self.take_back(STOOD_STILL, sentence);
        }
    }

    /// Whether the outcome may be due to a standstill, or to a signal that all processes of the run got.
    pub(super) fn is_unsure(&self) -> bool {
        let by_failing = self.asked.passes_by_failing();
        unsure(self.report.outcome, &self.report.checks, by_failing)
    }
}

/// Whether this outcome may be due to a standstill. `by_failing`: some check passes by not holding.
fn unsure(outcome: Outcome, checks: &[CheckReport], by_failing: bool) -> bool {
    let failed = |check: &CheckReport| check.outcome == CheckOutcome::Failed;
    match outcome {
        // A variant passes when its named checks fail, which a standstill can make them do.
        Outcome::Passed => by_failing || checks.iter().any(failed),
        Outcome::Failed | Outcome::TimedOut | Outcome::Broken => true,
        Outcome::Skipped | Outcome::Cancelled => false,
    }
}

fn sentence(during: &[Standstill]) -> String {
    let lasted: Duration = during.iter().map(|one| one.lasted).sum();
    let times = match during.len() {
        1 => String::new(),
        times => format!(" in {times} parts"),
    };
    format!(
        "this machine stood still for {:.1} s{times} during the run (suspended, or the processes were stopped): \
         what failed may have failed by that",
        lasted.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_seen_to_hold_outlives_a_standstill() {
        let check = |outcome| {
            let text = serde_json::json!({
                "id": "a", "from": "host", "kind": "ping", "outcome": outcome, "must_fail": true,
                "expected": "a reply", "got": "seen", "attempts": 1, "ms": 1,
            });
            serde_json::from_value::<CheckReport>(text).expect("a check")
        };
        let (held, failed) = (check("passed"), check("failed"));
        let held = std::slice::from_ref(&held);
        assert!(!unsure(Outcome::Passed, held, false));
        assert!(unsure(Outcome::Passed, held, true));
        assert!(unsure(
            Outcome::Passed,
            std::slice::from_ref(&failed),
            false
        ));
        assert!(unsure(Outcome::Failed, &[failed], false));
        assert!(unsure(Outcome::TimedOut, &[], false));
        assert!(!unsure(Outcome::Skipped, &[], true));
        assert!(!unsure(Outcome::Cancelled, &[], true));
    }
}
