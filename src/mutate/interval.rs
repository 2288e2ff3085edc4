//! Between which rates the true one lies: the interval of Clopper and Pearson (Biometrika 26, 1934).

use serde::Serialize;

/// How often something was so, of how often it was looked at, with the bounds of the true rate at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Rate {
    /// How often it was so.
    pub(crate) hits: usize,
    /// Of so many.
    pub(crate) of: usize,
    /// The lower bound, from 0 to 1.
    pub(crate) least: f64,
    /// The upper bound.
    pub(crate) most: f64,
}

/// Chance of each tail outside of the interval.
const TAIL: f64 = 0.025;

impl Rate {
    /// With its bounds. Of nothing, anything may be true.
    pub(crate) fn new(hits: usize, of: usize) -> Self {
        let hits = hits.min(of);
        // The rate at which so many hits or more are just so likely, and so many or fewer.
        let least = match hits {
            0 => 0.0,
            _ => crossing(|rate| 1.0 - at_most(hits - 1, of, rate) < TAIL),
        };
        let most = match hits == of {
            true => 1.0,
            false => crossing(|rate| at_most(hits, of, rate) > TAIL),
        };
        Self {
            hits,
            of,
            least,
            most,
        }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            hits,
            of,
            least,
            most,
        } = self;
        if *of == 0 {
            return f.write_str("0 of 0");
        }
        let percent = *hits as f64 * 100.0 / *of as f64;
        let (least, most) = (least * 100.0, most * 100.0);
        write!(
            f,
            "{hits} of {of} ({percent:.1} %, at 95 %: {least:.1} to {most:.1} %)"
        )
    }
}

/// The rate up to which this holds.
fn crossing(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The chance of at most `hits` of `of` at that rate: the sum of the binomial distribution, by its logarithms, since its terms are
/// too small for a number.
fn at_most(hits: usize, of: usize, rate: f64) -> f64 {
    let odds = (rate / (1.0 - rate)).ln();
    let mut term = of as f64 * (1.0 - rate).ln();
    let mut sum = term.exp();
    for hit in 1..=hits {
        term += ((of - hit + 1) as f64 / hit as f64).ln() + odds;
        sum += term.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known values: R's `binom.test`; those of no and of all hits are `1 - 0.025^(1/n)`.
    #[test]
    fn bounds_are_those_of_the_tables() {
        for (hits, of, least, most) in [
            (490, 500, 0.9635, 0.9904),
            (15, 15, 0.7820, 1.0),
            (0, 10, 0.0, 0.3085),
            (1, 2, 0.0126, 0.9874),
            (7, 10, 0.3475, 0.9333),
            (0, 0, 0.0, 1.0),
        ] {
            let rate = Rate::new(hits, of);
            let near = |found: f64, known: f64| (found - known).abs() < 0.0001;
            assert!(near(rate.least, least) && near(rate.most, most), "{rate}");
        }
    }

    #[test]
    fn a_rate_is_told_with_its_bounds() {
        assert_eq!(
            Rate::new(490, 500).to_string(),
            "490 of 500 (98.0 %, at 95 %: 96.4 to 99.0 %)"
        );
        assert_eq!(Rate::new(0, 0).to_string(), "0 of 0");
    }
}
