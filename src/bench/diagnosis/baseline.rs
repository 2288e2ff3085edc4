//! What can be said of a cause without a diagnosis. Pure.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bridgelab_harness::report::{CheckOutcome, RunReport};

/// The first check that does not hold, in its own words: what it expected and what it saw.
pub(super) fn words(run: &RunReport) -> String {
    let mut checks = run.checks.iter();
    let failed = checks.find(|check| check.outcome == CheckOutcome::Failed);
    failed.map_or_else(String::new, |check| {
        format!("{}\n{}", check.expected, check.got)
    })
}

/// Whether these words name a file that was broken, whatever line: more is not asked of them.
pub(super) fn names(words: &str, file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| words.contains(name.as_ref()))
}

/// A place in a scenario.
pub(super) type Place = (PathBuf, usize);

/// Of each mutant, whether it would be named by whoever always names the line of its scenario that is broken most often in the other
/// ones. `all`: the line that is broken, and the lines that may be named.
pub(super) fn most_often(all: &[(Place, Range<usize>)]) -> Vec<bool> {
    let mut times: BTreeMap<&Place, usize> = BTreeMap::new();
    for (place, _) in all {
        *times.entry(place).or_default() += 1;
    }
    let hit = |(own, named): &(Place, Range<usize>)| {
        let others = times.iter().map(|(place, times)| {
            let times = times - usize::from(*place == own);
            (times, *place)
        });
        // Of lines that are broken as often, the first one.
        let guess = others
            .filter(|(times, _)| *times > 0)
            .max_by(|(one, place), (other, behind)| one.cmp(other).then_with(|| behind.cmp(place)));
        guess.is_some_and(|(_, (file, line))| {
            *file == own.0 && (named.is_empty() || named.contains(line))
        })
    };
    all.iter().map(hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_name() {
        let file = Path::new("../b/host/br0.netdev");
        assert!(names("the unit br0.netdev says so", file));
        assert!(!names("no reply from 8.8.8.8", file));
    }

    #[test]
    fn the_line_that_is_broken_most_often_elsewhere_is_the_guess() {
        let place = |file: &str, line: usize| ((PathBuf::from(file), line), line..line + 1);
        let all = [
            place("a", 1),
            place("a", 1),
            place("a", 1),
            place("b", 7),
            (place("a", 4).0, 1..5),
        ];
        assert_eq!(most_often(&all), [true, true, true, false, true]);
        // Without itself, the other line is as often there, and none is left of a mutant that is alone.
        let two = [place("a", 1), place("b", 2)];
        assert_eq!(most_often(&two), [false, false]);
        assert_eq!(most_often(&two[..1]), [false]);
    }
}
