//! What the measurements come to. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::hop::Hop;
use super::record::{Green, Measured, Remedied, Stale};
use crate::mutate::interval::Rate;
use crate::mutate::named::Named;
use crate::mutate::verdict::Verdict;

/// Counts and rates. Rates of single mutants are of those that were caught, where nothing else is said.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    /// Scenarios of which anything was measured.
    pub(super) scenarios: usize,
    /// Single mutants by verdict.
    pub(super) verdicts: BTreeMap<Verdict, usize>,
    /// Mutants that do not apply any more.
    pub(super) stale: usize,
    /// Of those that ran to a verdict: caught.
    pub(super) caught: Rate,
    /// Of those whose hop is known by comparison: a right one was said.
    pub(super) hop: Rate,
    /// The same, without a neighbour of it.
    pub(super) hop_same: Rate,
    /// What was broken was named first.
    pub(super) first: Rate,
    /// Within three.
    pub(super) within_three: Rate,
    /// Another place was named with confidence.
    pub(super) wrong: Rate,
    /// Nothing was said, or that it is not known.
    pub(super) unknown: Rate,
    /// The first remedy was tried and mends it; a diagnosis without one counts as not proven. Of nothing where none was to be tried.
    pub(super) proven: Rate,
    /// The same, of the remedies that were tried.
    pub(super) proven_of_tried: Rate,
    /// The first failed check's own words name a file that is broken.
    pub(super) words: Rate,
    /// The line that is broken most often is the one.
    pub(super) most_often: Rate,
    /// Of pairs that were caught: one of both was named first.
    pub(super) double_first: Rate,
    /// Of those whose first remedy mends one of both: the other one was named first afterwards.
    pub(super) double_second: Rate,
    /// Seconds that the diagnosis took.
    pub(super) diagnosis_s: Spread,
    /// Runs with nothing broken.
    pub(super) green_runs: usize,
    /// Those of them that did not pass.
    pub(super) green_red: usize,
    /// Causes that were said in them.
    pub(super) green_diagnoses: usize,
    /// Seconds that a run took with nothing broken.
    pub(super) green_s: Spread,
    /// Seconds that a red run took, with the whole time that its scenario gives its checks.
    pub(super) red_s: Spread,
}

/// Median and highest of some numbers; both are 0 of none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    /// How many.
    pub(super) of: usize,
    /// The middle one; of an even number the mean of the two in the middle.
    pub(super) median: f64,
    /// The highest.
    pub(super) highest: f64,
}

impl Spread {
    /// Of milliseconds, in seconds.
    pub(super) fn of(ms: impl IntoIterator<Item = u64>) -> Self {
        let mut all: Vec<u64> = ms.into_iter().collect();
        all.sort_unstable();
        let seconds = |at: usize| all.get(at).map_or(0.0, |ms| *ms as f64 / 1000.0);
        let half = all.len() / 2;
        let median = match all.len() % 2 {
            0 => (seconds(half.saturating_sub(1)) + seconds(half)) / 2.0,
            _ => seconds(half),
        };
        Self {
            of: all.len(),
            median,
            highest: seconds(all.len().saturating_sub(1)),
        }
    }
}

impl Figures {
    /// `red`: how long red runs took with all their patience, in milliseconds. `proving`: whether remedies were tried.
    pub(super) fn of(
        greens: &[Green],
        mutants: &[Measured],
        stale: &[Stale],
        (red, proving): (&[u64], bool),
    ) -> Self {
        let single: Vec<&Measured> = mutants.iter().filter(|one| one.things == 1).collect();
        let double: Vec<&Measured> = mutants.iter().filter(|one| one.things == 2).collect();
        let mut verdicts = BTreeMap::new();
        for mutant in &single {
            *verdicts.entry(mutant.verdict).or_insert(0) += 1;
        }
        let is_caught = |one: &&&Measured| one.verdict == Verdict::Caught;
        let caught: Vec<&Measured> = single.iter().filter(is_caught).copied().collect();
        let judged = [Verdict::Caught, Verdict::Missed, Verdict::Equivalent];
        let judged = single.iter().filter(|one| judged.contains(&one.verdict));
        let rate = |holds: &dyn Fn(&Measured) -> bool| {
            let hits = caught.iter().filter(|one| holds(one)).count();
            Rate::new(hits, caught.len())
        };
        let said = |some: &'static [Named]| {
            move |one: &Measured| one.best().is_some_and(|named| some.contains(&named))
        };
        let hops: Vec<Hop> = caught
            .iter()
            .filter_map(|one| Some(one.truth.as_ref()?.hop))
            .collect();
        let hop = |right: &[Hop]| {
            let hits = hops.iter().filter(|hop| right.contains(hop)).count();
            Rate::new(hits, hops.len())
        };
        let tried: Vec<&Remedied> = caught
            .iter()
            .filter_map(|one| one.remedied.as_ref())
            .collect();
        let proven = tried.iter().filter(|one| one.proven).count();
        let pairs: Vec<&Measured> = double.iter().filter(is_caught).copied().collect();
        let first = |named: &[Named]| named.iter().position(|one| *one == Named::First);
        let pair_first = pairs.iter().filter(|one| first(&one.named).is_some());
        // A pair whose other half no check misses cannot be told from one that its first remedy mended.
        let halves = pairs.iter().filter_map(|one| {
            let (own, after) = (first(&one.named)?, one.remedied.as_ref()?);
            (after.verdict == Verdict::Caught)
                .then(|| first(&after.named).is_some_and(|other| other != own))
        });
        let halves: Vec<bool> = halves.collect();
        Self {
            scenarios: greens.iter().filter(|one| one.problem.is_none()).count(),
            stale: stale.len(),
            caught: Rate::new(caught.len(), judged.count()),
            verdicts,
            hop: hop(&[Hop::Same, Hop::Neighbour]),
            hop_same: hop(&[Hop::Same]),
            first: rate(&said(&[Named::First])),
            within_three: rate(&said(&[Named::First, Named::WithinThree])),
            wrong: rate(&said(&[Named::Wrong])),
            unknown: rate(&said(&[Named::Unknown, Named::Nothing])),
            proven: match proving {
                true => Rate::new(proven, caught.len()),
                false => Rate::new(0, 0),
            },
            proven_of_tried: Rate::new(proven, tried.len()),
            words: rate(&|one| one.words),
            most_often: rate(&|one| one.most_often),
            double_first: Rate::new(pair_first.count(), pairs.len()),
            double_second: Rate::new(halves.iter().filter(|right| **right).count(), halves.len()),
            diagnosis_s: Spread::of(caught.iter().filter_map(|one| one.diagnosis_ms)),
            green_runs: greens.iter().map(|one| one.ms.len()).sum(),
            green_red: greens.iter().map(|one| one.red).sum(),
            green_diagnoses: greens.iter().map(|one| one.diagnoses).sum(),
            green_s: Spread::of(greens.iter().flat_map(|one| one.ms.iter().copied())),
            red_s: Spread::of(red.iter().copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bridgelab_harness::diagnosis::{Point, Station};

    use super::*;
    use crate::bench::diagnosis::record::Truth;

    fn mutant(things: usize, verdict: Verdict, named: &[Named]) -> Measured {
        Measured {
            scenario: "a".to_owned(),
            id: String::new(),
            things,
            verdict,
            why: String::new(),
            ms: 5000,
            diagnosis_ms: Some(1000),
            named: named.to_vec(),
            truth: None,
            words: false,
            most_often: false,
            remedied: None,
            diagnosis: Vec::new(),
        }
    }

    fn hop(hop: Hop) -> Option<Truth> {
        let point = Point {
            machine: "a".to_owned(),
            station: Station::Sender,
            link: None,
        };
        Some(Truth {
            check: "ping".to_owned(),
            last: point.clone(),
            first: point,
            hop,
        })
    }

    fn remedied(proven: bool, verdict: Verdict, named: &[Named]) -> Option<Remedied> {
        Some(Remedied {
            proven,
            verdict,
            named: named.to_vec(),
            problem: None,
        })
    }

    fn of(mutants: &[Measured]) -> Figures {
        Figures::of(&[], mutants, &[], (&[], true))
    }

    fn counts(rate: Rate) -> (usize, usize) {
        (rate.hits, rate.of)
    }

    #[test]
    fn only_what_was_caught_says_how_good_a_diagnosis_is() {
        let mut right = mutant(1, Verdict::Caught, &[Named::First]);
        right.truth = hop(Hop::Same);
        right.remedied = remedied(true, Verdict::Equivalent, &[Named::Nothing]);
        let mut near = mutant(1, Verdict::Caught, &[Named::WithinThree]);
        near.truth = hop(Hop::Neighbour);
        near.words = true;
        near.remedied = remedied(false, Verdict::Caught, &[Named::Wrong]);
        let mut wrong = mutant(1, Verdict::Caught, &[Named::Wrong]);
        wrong.truth = hop(Hop::Other);
        let figures = of(&[
            right,
            near,
            wrong,
            mutant(1, Verdict::Caught, &[Named::Unknown]),
            mutant(1, Verdict::Caught, &[Named::Nothing]),
            mutant(1, Verdict::Missed, &[]),
            mutant(1, Verdict::Broken, &[]),
        ]);
        assert_eq!(counts(figures.caught), (5, 6), "a broken lab is no verdict");
        assert_eq!(figures.verdicts.get(&Verdict::Broken), Some(&1));
        assert_eq!(
            (counts(figures.hop), counts(figures.hop_same)),
            ((2, 3), (1, 3))
        );
        assert_eq!(
            (counts(figures.first), counts(figures.within_three)),
            ((1, 5), (2, 5))
        );
        assert_eq!(
            (counts(figures.wrong), counts(figures.unknown)),
            ((1, 5), (2, 5))
        );
        assert_eq!(
            (counts(figures.proven), counts(figures.proven_of_tried)),
            ((1, 5), (1, 2))
        );
        assert_eq!(counts(figures.words), (1, 5));
        assert_eq!(
            figures.diagnosis_s,
            Spread {
                of: 5,
                median: 1.0,
                highest: 1.0
            }
        );
    }

    #[test]
    fn of_two_faults_one_is_named_and_behind_its_remedy_the_other() {
        use Named::{First, Unknown, Wrong};
        let pair = |named: &[Named], verdict, after: &[Named]| {
            let mut pair = mutant(2, Verdict::Caught, named);
            pair.remedied = remedied(false, verdict, after);
            pair
        };
        let figures = of(&[
            pair(&[Unknown, First], Verdict::Caught, &[First, Unknown]),
            pair(&[First, Unknown], Verdict::Caught, &[First, Unknown]),
            // No check misses the other one.
            pair(&[First, Unknown], Verdict::Missed, &[]),
            pair(&[Wrong, Wrong], Verdict::Caught, &[Wrong, Wrong]),
            mutant(2, Verdict::Missed, &[]),
        ]);
        assert_eq!(counts(figures.double_first), (3, 4));
        assert_eq!(counts(figures.double_second), (1, 2));
        assert_eq!(counts(figures.first), (0, 0), "pairs are counted apart");
    }

    #[test]
    fn the_median_is_the_middle() {
        let spread = |ms: &[u64]| Spread::of(ms.iter().copied());
        assert_eq!(
            spread(&[3000, 1000, 2000]),
            Spread {
                of: 3,
                median: 2.0,
                highest: 3.0
            }
        );
        assert_eq!(
            spread(&[4000, 1000]),
            Spread {
                of: 2,
                median: 2.5,
                highest: 4.0
            }
        );
        assert_eq!(spread(&[]), Spread::default());
    }
}
