//! What is probed: each flow of failed checks once, and as many at the same time as can be told apart.

use std::collections::BTreeSet;

use crate::check::{Flow, of};
use crate::diagnosis::Target;
use crate::scenario::Check;

/// Most flows of which one trace can be kept apart: each has rules in every chain.
pub(super) const MOST_TARGETS: usize = 16;

/// A flow, and the checks that it is about.
#[derive(Debug)]
pub(super) struct Probed<'a> {
    pub(super) flow: Flow,
    pub(super) checks: Vec<&'a Check>,
}

impl Probed<'_> {
    /// The check whose look is the probe.
    pub(super) fn check(&self) -> &Check {
        self.checks[0]
    }

    /// What is asked, and whom.
    pub(super) fn target(&self) -> Target {
        let Flow { asks, to, .. } = self.flow;
        Target { asks, to }
    }
}

/// The flows of checks, each once, in the order of the checks.
pub(super) fn flows<'a>(checks: &[&'a Check]) -> Vec<Probed<'a>> {
    let mut found: Vec<Probed<'a>> = Vec::new();
    for &check in checks {
        let Some(flow) = of(&*check.kind).flow() else {
            continue;
        };
        let mut known = found.iter_mut();
        let same = known.find(|one| one.flow == flow && one.check().from == check.from);
        match same {
            Some(one) => one.checks.push(check),
            None => found.push(Probed {
                flow,
                checks: vec![check],
            }),
        }
    }
    found
}

/// The rounds in which flows are probed, by their places in the list. Within a round no two have the same target, since their
/// packets could not be told apart.
pub(super) fn rounds(targets: &[Target]) -> Vec<Vec<usize>> {
    let mut rounds: Vec<(BTreeSet<Target>, Vec<usize>)> = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        let mut open = rounds.iter_mut();
        match open.find(|(known, _)| !known.contains(target)) {
            Some((known, places)) => {
                known.insert(*target);
                places.push(place);
            }
            None => rounds.push((BTreeSet::from([*target]), vec![place])),
        }
    }
    rounds.into_iter().map(|(_, places)| places).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Asks;

    #[test]
    fn each_target_is_probed_once_at_a_time_and_all_are_probed_first() {
        let target = |last: u8, asks| Target {
            asks,
            to: Some([10, 0, 0, last].into()),
        };
        let (one, two) = (target(1, Asks::Echo), target(2, Asks::Echo));
        let other = target(1, Asks::Tcp(80));
        assert_eq!(
            rounds(&[one, one, two, one, other]),
            [vec![0, 2, 4], vec![1], vec![3]]
        );
        assert!(rounds(&[]).is_empty());
    }
}
