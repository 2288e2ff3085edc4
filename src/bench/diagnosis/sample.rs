//! Which mutants of a corpus are measured. Pure.

use crate::mutate::corpus::Corpus;
use crate::mutate::frozen::Frozen;

/// What is measured of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    /// Its name.
    pub(super) scenario: String,
    /// What is broken in each copy: one thing, or two.
    pub(super) broken: Vec<Vec<Frozen>>,
}

/// Of the scenarios of these names, of all where none is named, so many single mutants in all and so many double ones, drawn by the
/// seed: in turns one of each scenario. Scenarios of which nothing was drawn are left out.
///
/// # Errors
/// Which name the corpus does not have.
pub(super) fn sample(
    corpus: &Corpus,
    names: &[String],
    (single, double): (usize, usize),
    seed: u64,
) -> Result<Vec<Sample>, String> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !corpus.scenarios.contains_key(*name))
    {
        let known: Vec<&str> = corpus.scenarios.keys().map(String::as_str).collect();
        let known = known.join(" ");
        return Err(format!(
            "the corpus has nothing of `{unknown}`; it has: {known}"
        ));
    }
    let asked = corpus.scenarios.iter();
    let asked = asked.filter(|(name, _)| names.is_empty() || names.contains(name));
    let mut samples = Vec::new();
    let (mut singles, mut doubles) = (Vec::new(), Vec::new());
    for (number, (name, of)) in asked.enumerate() {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(number as u64));
        let mut single: Vec<Vec<Frozen>> = of.single.iter().map(|one| vec![one.clone()]).collect();
        let mut double: Vec<Vec<Frozen>> = of.double.iter().map(|two| two.to_vec()).collect();
        random.shuffle(&mut single);
        random.shuffle(&mut double);
        samples.push(Sample {
            scenario: name.clone(),
            broken: Vec::new(),
        });
        singles.push(single.into_iter());
        doubles.push(double.into_iter());
    }
    for (mut left, mut turns) in [(single, singles), (double, doubles)] {
        let mut drawn = true;
        while drawn && left > 0 {
            drawn = false;
            for (sample, turn) in samples.iter_mut().zip(&mut turns) {
                if left > 0
                    && let Some(one) = turn.next()
                {
                    sample.broken.push(one);
                    left -= 1;
                    drawn = true;
                }
            }
        }
    }
    samples.retain(|sample| !sample.broken.is_empty());
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::mutate::corpus::{OfScenario, VERSION};
    use crate::mutate::frozen::What;

    fn gone(name: &str) -> Frozen {
        Frozen {
            operator: "unit.delete-file".to_owned(),
            file: PathBuf::from(name),
            what: What::Removed { removed: true },
        }
    }

    fn corpus() -> Corpus {
        let of = |count: usize| OfScenario {
            single: (0..count).map(|number| gone(&number.to_string())).collect(),
            double: vec![[gone("x"), gone("y")]],
        };
        Corpus {
            version: VERSION,
            seed: 1,
            scenarios: [("a".to_owned(), of(9)), ("b".to_owned(), of(2))].into(),
        }
    }

    fn counts(samples: &[Sample]) -> Vec<(&str, usize)> {
        let each = samples.iter();
        each.map(|one| (one.scenario.as_str(), one.broken.len()))
            .collect()
    }

    #[test]
    fn scenarios_take_turns_and_the_seed_decides() {
        let corpus = corpus();
        let drawn = |count, seed| sample(&corpus, &[], count, seed).expect("names are known");
        assert_eq!(counts(&drawn((7, 0), 1)), [("a", 5), ("b", 2)]);
        assert_eq!(counts(&drawn((3, 1), 1)), [("a", 3), ("b", 1)]);
        assert_eq!(
            counts(&drawn((usize::MAX, usize::MAX), 1)),
            [("a", 10), ("b", 3)]
        );
        assert_eq!(drawn((4, 0), 1), drawn((4, 0), 1));
        assert_ne!(drawn((4, 0), 1), drawn((4, 0), 2));
        // The first of them are the beginning of more of them.
        let (few, more) = (drawn((4, 0), 1), drawn((8, 0), 1));
        assert_eq!(few[0].broken[..], more[0].broken[..2]);
    }

    #[test]
    fn a_scenario_that_the_corpus_has_not_is_told() {
        let asked = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            sample(&corpus(), &names, (1, 0), 1)
        };
        assert_eq!(counts(&asked(&["b"]).expect("it is there")), [("b", 1)]);
        assert!(asked(&["c"]).is_err_and(|why| why.contains("`c`") && why.contains("a b")));
    }
}
