//! From what the checks saw to the run's verdict. Pure.

use std::collections::BTreeMap;

use super::{CheckOutcome, CheckReport, Outcome};

/// Judges a finished run: `must_fail` maps the checks that must fail to the words that their `got` must contain.
///
/// Passed means that exactly those failed, in that way, and all others hold. Otherwise every difference is told.
/// Skipped checks are no difference; whether what is left shows anything is for [`not_shown`](super::not_shown).
pub fn judge_run(
    checks: &[CheckReport],
    must_fail: &BTreeMap<String, String>,
) -> (Outcome, Vec<String>) {
    let mut differences = Vec::new();
    for check in checks {
        match (check.outcome, must_fail.get(&check.id)) {
            (CheckOutcome::Passed, None) | (CheckOutcome::Skipped, _) => {}
            (CheckOutcome::Failed, Some(words)) if check.got.contains(words.as_str()) => {}
            (CheckOutcome::Failed, Some(words)) => differences.push(format!(
                "`{}` failed as it must, but not in the named way: got \"{}\", which lacks \"{words}\"",
                check.id, check.got
            )),
            (CheckOutcome::Passed, Some(_)) => {
                differences.push(format!("`{}` must fail here, and holds: {}", check.id, check.got));
            }
            (CheckOutcome::Failed, None) => differences.push(format!("`{}` failed: {}", check.id, check.got)),
            (CheckOutcome::NotRun, _) => {
                differences.push(format!("`{}` could not be looked at: {}", check.id, check.got));
            }
        }
    }
    let blind = checks
        .iter()
        .any(|check| check.outcome == CheckOutcome::NotRun);
    let outcome = if differences.is_empty() {
        Outcome::Passed
    } else if blind {
        Outcome::Broken
    } else {
        Outcome::Failed
    };
    (outcome, differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, outcome: CheckOutcome, got: &str) -> CheckReport {
        CheckReport {
            id: id.to_owned(),
            from: "host".to_owned(),
            kind: "ping".to_owned(),
            outcome,
            must_fail: false,
            expected: "a reply".to_owned(),
            got: got.to_owned(),
            attempts: 1,
            at_ms: 0,
            ms: 1,
            seen: Vec::new(),
        }
    }

    fn must_fail(id: &str, words: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(id.to_owned(), words.to_owned())])
    }

    #[test]
    fn a_variant_passes_only_when_exactly_the_named_check_fails_in_the_named_way() {
        let red = [
            check("a", CheckOutcome::Passed, "ok"),
            check("b", CheckOutcome::Failed, "tap0 has no master"),
        ];
        assert_eq!(
            judge_run(&red, &must_fail("b", "no master")).0,
            Outcome::Passed
        );
        assert_eq!(
            judge_run(&red, &must_fail("b", "no carrier")).0,
            Outcome::Failed
        );
        assert_eq!(judge_run(&red, &BTreeMap::new()).0, Outcome::Failed);
        let green = [
            check("a", CheckOutcome::Passed, "ok"),
            check("b", CheckOutcome::Passed, "ok"),
        ];
        let (outcome, told) = judge_run(&green, &must_fail("b", ""));
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(told, ["`b` must fail here, and holds: ok"]);
    }

    #[test]
    fn a_check_that_nobody_could_look_at_is_not_a_failed_network() {
        let blind = [check("a", CheckOutcome::NotRun, "the guest is gone")];
        assert_eq!(judge_run(&blind, &BTreeMap::new()).0, Outcome::Broken);
        assert_eq!(judge_run(&blind, &must_fail("a", "")).0, Outcome::Broken);
    }
}
