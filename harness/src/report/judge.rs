//! From what the checks saw to the run's verdict. Pure.

use std::collections::BTreeMap;

use super::{CheckOutcome, CheckReport, Outcome};

/// Judges a finished run: `must_fail` maps the checks that must fail to the words that their `got` must contain.
///
/// A run passed when exactly these checks failed, each with its words, when all others hold, and when of each set of checks of
/// which at least one must fail (`any_of`) at least one failed, with its words. Otherwise each difference is a sentence.
///
/// A skipped check is no difference. Whether the others show enough is decided by [`not_shown`](super::not_shown).
pub fn judge_run(
    checks: &[CheckReport],
    must_fail: &BTreeMap<String, String>,
) -> (Outcome, Vec<String>) {
    let mut differences = Vec::new();
    for check in checks {
        if !check.any_of.is_empty() && check.outcome == CheckOutcome::Passed {
            continue;
        }
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
            (CheckOutcome::NotRun | CheckOutcome::Undecided, _) => {
                differences.push(format!("`{}` could not be looked at: {}", check.id, check.got));
            }
        }
    }
    for set in sets(checks) {
        let all_hold = set
            .iter()
            .all(|check| check.outcome == CheckOutcome::Passed);
        let told = set.first().and_then(|first| none_failed(&first.any_of));
        differences.extend(told.filter(|_| all_hold));
    }
    let blind = checks.iter().any(|check| {
        matches!(
            check.outcome,
            CheckOutcome::NotRun | CheckOutcome::Undecided
        )
    });
    let outcome = if differences.is_empty() {
        Outcome::Passed
    } else if blind {
        Outcome::Broken
    } else {
        Outcome::Failed
    };
    (outcome, differences)
}

/// The sets of checks of which at least one must fail, in the order of their first checks.
pub(super) fn sets(checks: &[CheckReport]) -> Vec<Vec<&CheckReport>> {
    let mut sets: Vec<Vec<&CheckReport>> = Vec::new();
    for check in checks.iter().filter(|check| !check.any_of.is_empty()) {
        let is_its = |set: &&mut Vec<&CheckReport>| set[0].any_of == check.any_of;
        match sets.iter_mut().find(is_its) {
            Some(set) => set.push(check),
            None => sets.push(vec![check]),
        }
    }
    sets
}

/// The beginning of what [`none_failed`] says.
pub(super) const AT_LEAST_ONE: &str = "at least one of ";

/// The difference where all checks hold of a set of which at least one must fail.
pub(super) fn none_failed(any_of: &[String]) -> Option<String> {
    let named: Vec<String> = any_of.iter().map(|id| format!("`{id}`")).collect();
    let told = format!(
        "{AT_LEAST_ONE}{} must fail here, and all hold",
        named.join(", ")
    );
    (!named.is_empty()).then_some(told)
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
            any_of: Vec::new(),
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

    /// Checks of which, by their ids, at least one must fail.
    fn set(outcomes: &[(&str, CheckOutcome)]) -> Vec<CheckReport> {
        let ids: Vec<String> = outcomes.iter().map(|(id, _)| (*id).to_owned()).collect();
        let of = |(id, outcome): &(&str, CheckOutcome)| CheckReport {
            any_of: ids.clone(),
            ..check(id, *outcome, "no reply")
        };
        outcomes.iter().map(of).collect()
    }

    #[test]
    fn of_a_set_one_must_fail_in_its_named_way_and_whichever_does() {
        use CheckOutcome::{Failed, NotRun, Passed, Skipped};
        let words = |a: &str, b: &str| {
            let all = [("a", a), ("b", b)];
            let owned = all.map(|(id, words)| (id.to_owned(), words.to_owned()));
            BTreeMap::from(owned)
        };
        let told = |a, b, words: &BTreeMap<_, _>| judge_run(&set(&[("a", a), ("b", b)]), words);
        let any = words("", "");
        for (a, b) in [(Failed, Passed), (Passed, Failed), (Failed, Failed)] {
            assert_eq!(told(a, b, &any), (Outcome::Passed, Vec::new()));
        }
        let none = "at least one of `a`, `b` must fail here, and all hold";
        assert_eq!(
            told(Passed, Passed, &any),
            (Outcome::Failed, vec![none.to_owned()])
        );
        // Each check that fails must fail with its own words.
        let worded = words("no reply", "unreachable");
        assert_eq!(told(Failed, Passed, &worded).0, Outcome::Passed);
        assert_eq!(told(Passed, Failed, &worded).0, Outcome::Failed);
        assert_eq!(told(Failed, Failed, &worded).0, Outcome::Failed);
        // A check that nobody looked at may be the one that fails.
        assert_eq!(told(Passed, NotRun, &any).0, Outcome::Broken);
        assert_eq!(told(Passed, Skipped, &any), (Outcome::Passed, Vec::new()));
        // A failed check of one set is no excuse for another set.
        let both = [
            set(&[("a", Failed), ("b", Passed)]),
            set(&[("c", Passed), ("d", Passed)]),
        ];
        let all = ["a", "b", "c", "d"].map(|id| (id.to_owned(), String::new()));
        let (outcome, told) = judge_run(&both.concat(), &BTreeMap::from(all));
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(
            told,
            ["at least one of `c`, `d` must fail here, and all hold"]
        );
    }

    #[test]
    fn a_check_that_nobody_could_look_at_is_not_a_failed_network() {
        let blind = [check("a", CheckOutcome::NotRun, "the guest is gone")];
        assert_eq!(judge_run(&blind, &BTreeMap::new()).0, Outcome::Broken);
        assert_eq!(judge_run(&blind, &must_fail("a", "")).0, Outcome::Broken);
    }
}
