//! The course of a check: what its looks saw, against its times. Pure; the clock is the caller's.
//!
//! `scenarios/README.md` ("Times") says the same to those who write scenarios. All times count from the moment at
//! which the check began. A look counts at the time of its answer.

use std::time::Duration;

use crate::scenario::Times;

/// How long the thing that a check looks at may be missing: a step that has just ended may have made it.
const APPEARS: Duration = Duration::from_secs(1);

/// Most changes that are kept; after that the latest change replaces the one before it.
const CHANGES: usize = 32;

/// What one look saw, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// What the check asks for holds.
    Holds(String),
    /// It does not hold.
    Violated(String),
    /// It does not hold, and no later look can find it otherwise.
    Lost(String),
    /// Nobody could look; says nothing about the network.
    Unseen(String),
    /// The thing that the check looks at does not exist, and does not appear by itself.
    Missing(String),
}

impl Sight {
    /// What was seen, in words.
    pub fn words(&self) -> &str {
        match self {
            Self::Holds(words)
            | Self::Violated(words)
            | Self::Lost(words)
            | Self::Unseen(words)
            | Self::Missing(words) => words,
        }
    }

    /// Whether `other` tells a reader nothing new. Two looks at what holds count as equal: their measurements always differ.
    fn says_as_much_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Holds(_), Self::Holds(_)) => true,
            (one, other) => one == other,
        }
    }
}

/// How a check ended, with what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The check did what it should, within its times.
    Passed(String),
    /// The check did not do that.
    Failed(String),
    /// Nobody could look when it mattered.
    NotRun(String),
}

/// A moment at which something else was seen than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Time since the check began.
    pub at: Duration,
    /// What was seen from then on.
    pub sight: Sight,
}

/// A check under way.
#[derive(Debug)]
pub struct Progress {
    times: Times,
    /// Whether a missing thing counts as violated, so that it is waited for until the time is over.
    waits: bool,
    /// How long the thing that the check looks at may be missing.
    appears: Duration,
    /// Since when the thing is missing.
    missing_since: Option<Duration>,
    /// When the check was first seen to hold.
    held_at: Option<Duration>,
    /// The last look that did not hold, and whether one came before `fails_until`.
    violated_at: Option<Duration>,
    violated_early: bool,
    changes: Vec<Change>,
}

impl Progress {
    /// A check that begins now.
    pub fn new(times: Times) -> Self {
        Self {
            times,
            waits: false,
            appears: APPEARS,
            missing_since: None,
            held_at: None,
            violated_at: None,
            violated_early: false,
            changes: Vec::new(),
        }
    }

    /// A wait that begins now. What it waits for may not exist yet, so a missing thing counts as violated.
    pub fn waiting(times: Times) -> Self {
        Self {
            waits: true,
            ..Self::new(times)
        }
    }

    /// Says how long the thing that the check looks at may be missing; without this, a second.
    pub fn missing_for(&mut self, appears: Duration) {
        self.appears = appears;
    }

    /// How long it may take until the check first holds.
    pub fn within(&self) -> Duration {
        self.times.within
    }

    /// When the last look is due, unless an earlier one decides.
    pub fn last_look(&self) -> Duration {
        match (self.held_at, self.times.holds_for) {
            (Some(at), Some(window)) => at + window,
            _ => self.times.within,
        }
    }

    /// Every moment at which something else was seen than before, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Takes in a look whose answer came `at` after the check began. Returns an [`Ending`] when the look, or the time, decides.
    pub fn look(&mut self, at: Duration, sight: Sight) -> Option<Ending> {
        self.note(at, &sight);
        let over = at >= self.last_look() || matches!(sight, Sight::Lost(_));
        let sight = match sight {
            Sight::Missing(why) if self.waits => Sight::Violated(why),
            sight => sight,
        };
        let missing = matches!(sight, Sight::Missing(_));
        self.missing_since = missing.then(|| self.missing_since.unwrap_or(at));
        match sight {
            Sight::Unseen(why) => over.then_some(Ending::NotRun(why)),
            Sight::Missing(why) => {
                let long = self
                    .missing_since
                    .is_some_and(|since| at >= since + self.appears);
                (over || long).then_some(Ending::NotRun(why))
            }
            Sight::Violated(got) | Sight::Lost(got) => {
                self.violated_at = Some(at);
                self.violated_early |= self.times.fails_until.is_some_and(|until| at < until);
                match self.held_at {
                    _ if self.times.fails => over.then_some(Ending::Passed(got)),
                    Some(since) => Some(Ending::Failed(format!(
                        "it held from {} on, but no more at {}: {got}",
                        seconds(since),
                        seconds(at)
                    ))),
                    None => over.then_some(Ending::Failed(got)),
                }
            }
            Sight::Holds(got) if self.times.fails => Some(Ending::Failed(format!(
                "it holds at {}: {got}",
                seconds(at)
            ))),
            Sight::Holds(got) => self.holds(at, got, over),
        }
    }

    fn holds(&mut self, at: Duration, got: String, over: bool) -> Option<Ending> {
        if let (None, Some(until)) = (self.held_at, self.times.fails_until) {
            if at < until {
                let (at, until) = (seconds(at), seconds(until));
                return Some(Ending::Failed(format!(
                    "it holds at {at}, before {until}: {got}"
                )));
            }
            if !self.violated_early {
                let until = seconds(until);
                return Some(Ending::NotRun(format!(
                    "no look ended before {until}, so nobody knows whether it failed until then: {got}"
                )));
            }
        }
        match (self.held_at, self.times.holds_for) {
            (None, Some(_)) => {
                self.held_at = Some(at);
                None
            }
            (Some(since), Some(_)) => over.then(|| {
                let (since, at) = (seconds(since), seconds(at));
                Ending::Passed(format!("{got}, from {since} to {at}"))
            }),
            (_, None) => Some(Ending::Passed(match self.violated_at {
                Some(last) if self.times.fails_until.is_some() => {
                    format!("{got}, and not yet at {}", seconds(last))
                }
                _ => got,
            })),
        }
    }

    fn note(&mut self, at: Duration, sight: &Sight) {
        let last = self.changes.last().map(|change| &change.sight);
        if last.is_some_and(|last| last.says_as_much_as(sight)) {
            return;
        }
        if self.changes.len() == CHANGES {
            self.changes.pop();
        }
        let sight = sight.clone();
        self.changes.push(Change { at, sight });
    }
}

impl Change {
    /// What was seen, in words.
    pub fn words(&self) -> &str {
        self.sight.words()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN_TEN: Times = Times {
        within: Duration::from_secs(10),
        holds_for: None,
        fails_until: None,
        fails: false,
    };

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Looks as `(seconds, letter)`: `+` holds, `-` does not, `?` cannot be looked at. The first ending, with its time.
    fn run(times: Times, looks: &[(f64, char)]) -> Option<(f64, Ending)> {
        let mut course = Progress::new(times);
        looks.iter().find_map(|&(time, letter)| {
            let sight = match letter {
                '+' => Sight::Holds("yes".to_owned()),
                '-' => Sight::Violated("no".to_owned()),
                _ => Sight::Unseen("blind".to_owned()),
            };
            Some((time, course.look(at(time), sight)?))
        })
    }

    fn passed(words: &str) -> Ending {
        Ending::Passed(words.to_owned())
    }

    fn failed(words: &str) -> Ending {
        Ending::Failed(words.to_owned())
    }

    fn not_run(words: &str) -> Ending {
        Ending::NotRun(words.to_owned())
    }

    #[test]
    fn a_plain_check_passes_at_its_first_look_that_holds() {
        let seen = run(
            WITHIN_TEN,
            &[(0.0, '-'), (1.0, '?'), (2.0, '+'), (3.0, '-')],
        );
        assert_eq!(seen, Some((2.0, passed("yes"))));
        // A look that began in time counts, however long its answer takes.
        assert_eq!(run(WITHIN_TEN, &[(12.0, '+')]), Some((12.0, passed("yes"))));
    }

    #[test]
    fn the_last_look_decides_what_never_held() {
        let seen = run(WITHIN_TEN, &[(0.0, '?'), (9.9, '-'), (10.0, '-')]);
        assert_eq!(seen, Some((10.0, failed("no"))));
        let seen = run(WITHIN_TEN, &[(0.0, '-'), (10.0, '?')]);
        assert_eq!(seen, Some((10.0, not_run("blind"))));
        assert_eq!(run(WITHIN_TEN, &[(0.0, '-'), (9.9, '-')]), None);
    }

    #[test]
    fn what_must_hold_for_a_while_may_begin_late_but_not_flap() {
        let times = Times {
            holds_for: Some(at(5.0)),
            ..WITHIN_TEN
        };
        let seen = run(times, &[(0.0, '-'), (9.0, '+'), (13.9, '+'), (14.0, '+')]);
        assert_eq!(seen, Some((14.0, passed("yes, from 9.0 s to 14.0 s"))));
        let seen = run(times, &[(1.0, '+'), (3.0, '-'), (4.0, '+')]);
        let told = "it held from 1.0 s on, but no more at 3.0 s: no";
        assert_eq!(seen, Some((3.0, failed(told))));
        assert_eq!(run(times, &[(10.0, '-')]), Some((10.0, failed("no"))));
        // A look that was not possible inside the window is no violation; but the look at the window's end must be possible.
        let seen = run(times, &[(1.0, '+'), (3.0, '?'), (6.0, '+')]);
        assert_eq!(seen, Some((6.0, passed("yes, from 1.0 s to 6.0 s"))));
        let seen = run(times, &[(1.0, '+'), (6.0, '?')]);
        assert_eq!(seen, Some((6.0, not_run("blind"))));
    }

    #[test]
    fn what_must_fail_until_a_time_may_hold_only_from_then_on() {
        let times = Times {
            fails_until: Some(at(4.0)),
            ..WITHIN_TEN
        };
        let seen = run(times, &[(0.0, '-'), (3.9, '-'), (4.5, '-'), (5.0, '+')]);
        assert_eq!(seen, Some((5.0, passed("yes, and not yet at 4.5 s"))));
        let seen = run(times, &[(0.0, '-'), (3.9, '+')]);
        let told = "it holds at 3.9 s, before 4.0 s: yes";
        assert_eq!(seen, Some((3.9, failed(told))));
        let seen = run(times, &[(0.0, '-'), (10.0, '-')]);
        assert_eq!(seen, Some((10.0, failed("no"))));
    }

    #[test]
    fn nobody_having_looked_in_time_is_no_proof_of_failing() {
        let times = Times {
            fails_until: Some(at(4.0)),
            ..WITHIN_TEN
        };
        for early in [&[][..], &[(1.0, '?')]] {
            let looks = [early, &[(5.0, '+')]].concat();
            let (_, ending) = run(times, &looks).expect("it is over");
            assert!(matches!(ending, Ending::NotRun(_)), "{ending:?}");
        }
    }

    #[test]
    fn late_and_then_steady() {
        let times = Times {
            fails_until: Some(at(4.0)),
            holds_for: Some(at(2.0)),
            ..WITHIN_TEN
        };
        let seen = run(times, &[(0.0, '-'), (5.0, '+'), (7.0, '+')]);
        assert_eq!(seen, Some((7.0, passed("yes, from 5.0 s to 7.0 s"))));
        let seen = run(times, &[(0.0, '-'), (5.0, '+'), (6.0, '-')]);
        assert!(matches!(seen, Some((_, Ending::Failed(_)))), "{seen:?}");
    }

    #[test]
    fn what_must_never_hold_is_watched_to_the_end() {
        let times = Times {
            fails: true,
            ..WITHIN_TEN
        };
        let seen = run(times, &[(0.0, '-'), (5.0, '?'), (10.0, '-')]);
        assert_eq!(seen, Some((10.0, passed("no"))));
        let seen = run(times, &[(0.0, '-'), (9.0, '+')]);
        assert_eq!(seen, Some((9.0, failed("it holds at 9.0 s: yes"))));
        assert_eq!(
            run(times, &[(0.0, '-'), (10.0, '?')]),
            Some((10.0, not_run("blind")))
        );
    }

    #[test]
    fn what_no_later_look_can_mend_is_over_at_once() {
        let lost = || Sight::Lost("too many".to_owned());
        let ending = Progress::new(WITHIN_TEN).look(at(0.1), lost());
        assert_eq!(ending, Some(failed("too many")));
        let never = Times {
            fails: true,
            ..WITHIN_TEN
        };
        let ending = Progress::new(never).look(at(0.1), lost());
        assert_eq!(ending, Some(passed("too many")));
        let late = Times {
            fails_until: Some(at(4.0)),
            ..WITHIN_TEN
        };
        let ending = Progress::new(late).look(at(0.1), lost());
        assert_eq!(ending, Some(failed("too many")));
        let steady = Times {
            holds_for: Some(at(4.0)),
            ..WITHIN_TEN
        };
        let mut course = Progress::new(steady);
        assert_eq!(course.look(at(0.0), Sight::Holds("none".to_owned())), None);
        let told = "it held from 0.0 s on, but no more at 0.1 s: too many";
        assert_eq!(course.look(at(0.1), lost()), Some(failed(told)));
    }

    #[test]
    fn what_is_missing_is_no_verdict_soon_unless_it_is_waited_for() {
        let missing = || Sight::Missing("no such rule".to_owned());
        let never = Times {
            fails: true,
            ..WITHIN_TEN
        };
        for times in [WITHIN_TEN, never] {
            let mut course = Progress::new(times);
            assert_eq!(course.look(at(4.0), missing()), None);
            assert_eq!(course.look(at(4.9), missing()), None);
            assert_eq!(
                course.look(at(5.0), missing()),
                Some(not_run("no such rule"))
            );
        }
        // The thing appears, and goes again.
        let mut course = Progress::new(WITHIN_TEN);
        assert_eq!(course.look(at(0.0), missing()), None);
        assert_eq!(
            course.look(at(0.9), Sight::Violated("0 packets".to_owned())),
            None
        );
        assert_eq!(course.look(at(1.5), missing()), None);
        assert_eq!(
            course.look(at(2.6), missing()),
            Some(not_run("no such rule"))
        );
        // The check's own time may be shorter than the time for which a thing may be missing.
        let mut course = Progress::new(WITHIN_TEN);
        assert_eq!(
            course.look(at(10.0), missing()),
            Some(not_run("no such rule"))
        );

        let mut course = Progress::waiting(WITHIN_TEN);
        assert_eq!(course.look(at(0.0), missing()), None);
        assert_eq!(course.look(at(9.9), missing()), None);
        let ending = course.look(at(9.95), Sight::Holds("3 packets".to_owned()));
        assert_eq!(ending, Some(passed("3 packets")));
        let ending = Progress::waiting(WITHIN_TEN).look(at(10.0), missing());
        assert_eq!(ending, Some(failed("no such rule")));
    }

    #[test]
    fn only_changes_of_mind_are_kept() {
        let mut course = Progress::new(WITHIN_TEN);
        let violated = |words: &str| Sight::Violated(words.to_owned());
        for (time, words) in [(0.0, "listening"), (1.0, "listening"), (2.0, "learning")] {
            assert_eq!(course.look(at(time), violated(words)), None);
        }
        let ending = course.look(at(3.0), Sight::Holds("forwarding".to_owned()));
        assert_eq!(ending, Some(passed("forwarding")));
        let told: Vec<_> = course
            .changes()
            .iter()
            .map(|change| (change.at.as_secs(), change.words()))
            .collect();
        assert_eq!(told, [(0, "listening"), (2, "learning"), (3, "forwarding")]);

        let mut course = Progress::new(WITHIN_TEN);
        for look in 0..100 {
            course.look(at(0.01 * f64::from(look)), violated(&look.to_string()));
        }
        assert_eq!(course.changes().len(), CHANGES);
        assert_eq!(course.changes().last().map(Change::words), Some("99"));
    }
}
