//! Whether the checks that were looked at show what the run was for. Pure.

use std::collections::BTreeMap;

use super::judge::sets;
use super::{CheckOutcome, CheckReport, Problem};

/// Code of a run that was skipped because what it ran on cannot show it.
pub const NOT_SHOWN: &str = "ghost.not-shown";

/// Why a run without any difference shows nothing; `None` when it shows something.
///
/// The green form shows something as soon as one check was looked at. A variant is there for its fault: at least one
/// of the checks that must fail has to be seen failing, and where the scenario says in which way (`must_fail` maps
/// ids to words), at least one of those with words. Of a set of checks of which one must fail, one has to be seen failing if any was
/// skipped, since the skipped one may be the one that fails.
pub fn not_shown(checks: &[CheckReport], must_fail: &BTreeMap<String, String>) -> Option<Problem> {
    let seen = |check: &&CheckReport| check.outcome != CheckOutcome::Skipped;
    let named = |check: &&CheckReport| must_fail.contains_key(&check.id);
    let worded = |check: &&CheckReport| {
        must_fail
            .get(&check.id)
            .is_some_and(|words| !words.is_empty())
    };
    if checks.iter().all(|check| !seen(&check)) && !checks.is_empty() {
        return Some(problem("every check was skipped", checks.iter().collect()));
    }
    let red: Vec<&CheckReport> = checks.iter().filter(named).collect();
    if !red.is_empty() && !red.iter().any(seen) {
        return Some(problem("every check that must fail here was skipped", red));
    }
    let red: Vec<&CheckReport> = checks.iter().filter(worded).collect();
    if !red.is_empty() && !red.iter().any(seen) {
        return Some(problem(
            "every check that says in which way it must fail was skipped",
            red,
        ));
    }
    for set in sets(checks) {
        let (skipped, seen): (Vec<_>, Vec<_>) = set
            .into_iter()
            .partition(|check| check.outcome == CheckOutcome::Skipped);
        if !skipped.is_empty()
            && seen
                .iter()
                .all(|check| check.outcome == CheckOutcome::Passed)
        {
            return Some(problem(
                "of checks of which one must fail here, those that were not skipped hold",
                skipped,
            ));
        }
    }
    None
}

/// A problem with the reasons of these checks, each once.
fn problem(what: &str, checks: Vec<&CheckReport>) -> Problem {
    let mut chain = vec![what.to_owned()];
    for check in checks {
        if !chain.contains(&check.got) {
            chain.push(check.got.clone());
        }
    }
    Problem {
        code: NOT_SHOWN.to_owned(),
        chain,
        help: Some("run it with MicroVMs: `--guests vm`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Outcome, judge_run};

    fn check(id: &str, outcome: CheckOutcome) -> CheckReport {
        CheckReport {
            id: id.to_owned(),
            from: "test1".to_owned(),
            kind: "ping".to_owned(),
            outcome,
            must_fail: false,
            any_of: Vec::new(),
            expected: "a reply".to_owned(),
            got: match outcome {
                CheckOutcome::Skipped => "a ghost runs no Docker".to_owned(),
                _ => "no reply, 192.168.1.3/24".to_owned(),
            },
            attempts: 1,
            at_ms: 0,
            ms: 1,
            seen: Vec::new(),
        }
    }

    fn must_fail(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(id, words): &(&str, &str)| ((*id).to_owned(), (*words).to_owned());
        list.iter().map(owned).collect()
    }

    /// What the two judges say together.
    fn code(checks: &[CheckReport], red: &[(&str, &str)]) -> (Outcome, bool) {
        let red = must_fail(red);
        (judge_run(checks, &red).0, not_shown(checks, &red).is_some())
    }

    #[test]
    fn a_variant_whose_faults_nobody_could_see_has_shown_nothing() {
        use CheckOutcome::{Failed, Passed, Skipped};
        let blind = [check("a", Passed), check("b", Skipped), check("c", Skipped)];
        assert_eq!(
            code(&blind, &[("b", ""), ("c", "")]),
            (Outcome::Passed, true)
        );
        // In the green form, the same checks show something.
        assert_eq!(code(&blind, &[]), (Outcome::Passed, false));
        let part = [check("a", Passed), check("b", Skipped), check("c", Failed)];
        assert_eq!(
            code(&part, &[("b", ""), ("c", "")]),
            (Outcome::Passed, false)
        );
        // The words with which a check must fail are part of the fault.
        let words = [("b", "192.168.1.3/24"), ("c", "")];
        assert_eq!(code(&part, &words), (Outcome::Passed, true));
        let words = [("b", ""), ("c", "192.168.1.3/24")];
        assert_eq!(code(&part, &words), (Outcome::Passed, false));
        let told = not_shown(&blind, &must_fail(&[("b", ""), ("c", "")])).expect("a reason");
        assert_eq!(
            told.chain,
            [
                "every check that must fail here was skipped",
                "a ghost runs no Docker"
            ]
        );
    }

    #[test]
    fn a_skipped_check_of_a_set_may_have_been_the_one_that_fails() {
        use CheckOutcome::{Failed, Passed, Skipped};
        let of = |a, b| {
            let checks = [check("a", a), check("b", b), check("c", Failed)];
            checks.map(|check| CheckReport {
                any_of: match check.id.as_str() {
                    "c" => Vec::new(),
                    _ => vec!["a".to_owned(), "b".to_owned()],
                },
                ..check
            })
        };
        let red = [("a", ""), ("b", ""), ("c", "")];
        assert_eq!(code(&of(Passed, Skipped), &red), (Outcome::Passed, true));
        assert_eq!(code(&of(Failed, Skipped), &red), (Outcome::Passed, false));
        assert_eq!(code(&of(Passed, Failed), &red), (Outcome::Passed, false));
        assert_eq!(code(&of(Skipped, Skipped), &red), (Outcome::Passed, true));
        assert_eq!(code(&of(Passed, Passed), &red), (Outcome::Failed, false));
    }

    #[test]
    fn a_run_of_skipped_checks_alone_is_no_pass() {
        let all = [check("a", CheckOutcome::Skipped)];
        assert!(code(&all, &[]).1);
        assert!(!code(&[], &[]).1);
    }

    #[test]
    fn a_skipped_check_excuses_no_other() {
        use CheckOutcome::{Failed, NotRun, Passed, Skipped};
        let failed = [check("a", Failed), check("b", Skipped)];
        assert_eq!(code(&failed, &[]).0, Outcome::Failed);
        let holds = [check("a", Passed), check("b", Skipped)];
        assert_eq!(code(&holds, &[("a", "")]).0, Outcome::Failed);
        let blind = [check("a", NotRun), check("b", Skipped)];
        assert_eq!(code(&blind, &[]).0, Outcome::Broken);
    }
}
