//! Who is measured when: in each round everybody once, so that whatever else the machine does meanwhile hits all alike.

use super::series::Unit;

/// One number of one measurement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// What was measured; the row of the table.
    pub(super) what: String,
    pub(super) unit: Unit,
    pub(super) value: f64,
}

impl Sample {
    /// A wall-clock time in milliseconds.
    pub(super) fn ms(what: impl Into<String>, value: f64) -> Self {
        Self {
            what: what.into(),
            unit: Unit::Milliseconds,
            value,
        }
    }

    /// Bytes, in MiB.
    pub(super) fn memory(what: impl Into<String>, bytes: f64) -> Self {
        Self {
            what: what.into(),
            unit: Unit::Mebibytes,
            value: bytes / f64::from(1 << 20),
        }
    }
}

/// Why there is no measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Somebody ended it: nothing more is begun.
    Interrupted,
    /// This host cannot; the reason.
    Skipped(String),
    /// What was measured did not do what it should, so its time says nothing.
    Failed(String),
}

/// Somebody or something to be measured; the column of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    pub(super) name: String,
    /// Why it is not measured; never measured again then.
    pub(super) stopped: Option<Stop>,
    /// By round, what was measured.
    pub(super) rounds: Vec<Vec<Sample>>,
}

impl Subject {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            stopped: None,
            rounds: Vec::new(),
        }
    }
}

/// The order of a round. Each begins with another, so that nobody always comes after the same neighbour's dirt.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| (place + round) % count)
}

/// Measures everybody once in each round.
///
/// Who cannot be measured, or fails, is left out from then on, and what it gave before is void.
///
/// # Errors
/// [`Stop::Interrupted`], and nothing else.
pub(super) async fn interleave(
    rounds: usize,
    names: &[&str],
    mut measure: impl AsyncFnMut(&str, usize) -> Result<Vec<Sample>, Stop>,
) -> Result<Vec<Subject>, Stop> {
    let mut subjects: Vec<Subject> = names.iter().map(|name| Subject::new(name)).collect();
    for round in 0..rounds {
        for index in order(round, subjects.len()) {
            let subject = &mut subjects[index];
            if subject.stopped.is_some() {
                continue;
            }
            match measure(&subject.name, round).await {
                Ok(samples) => subject.rounds.push(samples),
                Err(Stop::Interrupted) => return Err(Stop::Interrupted),
                Err(stop) => {
                    subject.stopped = Some(stop);
                    subject.rounds.clear();
                }
            }
        }
    }
    Ok(subjects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(
        rounds: usize,
        names: &[&str],
        measure: impl AsyncFnMut(&str, usize) -> Result<Vec<Sample>, Stop>,
    ) -> Result<Vec<Subject>, Stop> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime
            .expect("a runtime")
            .block_on(interleave(rounds, names, measure))
    }

    #[test]
    fn everybody_has_a_turn_in_each_round_and_nobody_is_always_first() {
        let mut turns = Vec::new();
        let subjects = measured(3, &["a", "b"], async |name, round| {
            turns.push(format!("{name}{round}"));
            Ok(vec![Sample::ms("time", round as f64)])
        });
        assert_eq!(turns, ["a0", "b0", "b1", "a1", "a2", "b2"]);
        let subjects = subjects.expect("nobody interrupts");
        assert_eq!(subjects[1].rounds[2], [Sample::ms("time", 2.0)]);
    }

    #[test]
    fn who_fails_is_left_out_with_all_it_gave_and_the_rest_goes_on() {
        let subjects = measured(3, &["good", "bad", "absent"], async |name, round| {
            match (name, round) {
                ("bad", 1) => Err(Stop::Failed("a check failed".to_owned())),
                ("absent", _) => Err(Stop::Skipped("no compiler".to_owned())),
                _ => Ok(vec![Sample::ms("time", 1.0)]),
            }
        });
        let subjects = subjects.expect("nobody interrupts");
        assert_eq!(subjects[0].rounds.len(), 3);
        assert!(subjects[1].rounds.is_empty());
        assert_eq!(
            subjects[1].stopped,
            Some(Stop::Failed("a check failed".to_owned()))
        );
        assert_eq!(
            subjects[2].stopped,
            Some(Stop::Skipped("no compiler".to_owned()))
        );
    }

    #[test]
    fn an_interrupt_ends_it_at_once() {
        let mut turns = 0;
        let stopped = measured(5, &["a", "b"], async |_, round| {
            turns += 1;
            if round == 1 {
                return Err(Stop::Interrupted);
            }
            Ok(Vec::new())
        });
        assert_eq!(stopped, Err(Stop::Interrupted));
        assert_eq!(turns, 3);
    }
}
