//! Numbers and what is said of them: median and range, each in its unit.

use serde::{Deserialize, Serialize};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    /// Wall-clock time.
    Milliseconds,
    /// Time on a processor, user and system.
    CpuMilliseconds,
    /// Memory.
    Mebibytes,
    /// A part of a whole.
    Percent,
    /// A number of things.
    Count,
}

impl Unit {
    /// A number with its unit, with three digits that count.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds => milliseconds(value),
            Self::CpuMilliseconds => format!("{} CPU", milliseconds(value)),
            Self::Mebibytes => format!("{} MiB", digits(value)),
            Self::Percent => format!("{} %", digits(value)),
            Self::Count => format!("{value:.0}"),
        }
    }
}

fn milliseconds(value: f64) -> String {
    // As it will be rounded: 999.6 ms are 1.00 s.
    if value.abs() < 999.5 {
        format!("{} ms", digits(value))
    } else {
        format!("{} s", digits(value / 1000.0))
    }
}

fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Measurements of one thing, in the order in which they were made; at least one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series(Vec<f64>);

impl Series {
    /// `None` when nothing was measured.
    pub(super) fn new(values: Vec<f64>) -> Option<Self> {
        (!values.is_empty()).then_some(Self(values))
    }

    /// As they came.
    pub(super) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle one; of an even number, the mean of the two in the middle.
    pub(super) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        }
    }

    /// The lowest and the highest.
    pub(super) fn range(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (sorted[0], sorted[sorted.len() - 1])
    }

    /// `41.2 s (39.9 to 44.0 s)`; without the range where there is only one.
    pub(super) fn show(&self, unit: Unit) -> String {
        let median = unit.show(self.median());
        if self.0.len() == 1 {
            return median;
        }
        let (lowest, highest) = self.range();
        format!("{median} ({} to {})", unit.show(lowest), unit.show(highest))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        Series::new(values.to_vec()).expect("values")
    }

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(series(&[9.0, 1.0, 5.0]).median(), 5.0);
        assert_eq!(series(&[9.0, 1.0, 5.0, 6.0]).median(), 5.5);
        assert_eq!(series(&[7.0]).median(), 7.0);
        assert_eq!(series(&[9.0, 1.0, 5.0]).range(), (1.0, 9.0));
        assert_eq!(series(&[9.0, 1.0, 5.0]).values(), [9.0, 1.0, 5.0]);
        assert_eq!(Series::new(Vec::new()), None);
    }

    #[test]
    fn numbers_keep_three_digits_and_change_their_unit() {
        let times = [0.5, 31.04, 99.97, 999.4, 999.6, 41_240.0, 250_000.0];
        let shown: Vec<String> = times.map(|ms| Unit::Milliseconds.show(ms)).into();
        let wanted = ["0.50 ms", "31.0 ms", "100 ms", "999 ms", "1.00 s", "41.2 s"];
        assert_eq!(shown[..6], wanted);
        assert_eq!(shown[6], "250 s");
        assert_eq!(Unit::CpuMilliseconds.show(1500.0), "1.50 s CPU");
        assert_eq!(Unit::Mebibytes.show(23.46), "23.5 MiB");
        assert_eq!(Unit::Percent.show(4.994), "4.99 %");
    }

    #[test]
    fn a_single_measurement_has_no_range() {
        assert_eq!(series(&[12.0]).show(Unit::Milliseconds), "12.0 ms");
        let many = series(&[12.0, 900.0, 1100.0]).show(Unit::Milliseconds);
        assert_eq!(many, "900 ms (12.0 ms to 1.10 s)");
    }
}
