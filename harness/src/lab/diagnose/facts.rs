//! Asks every machine, guest and container what a cause can be known by.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join, join_all};

use crate::check::{ProbeError, Vantage};
use crate::deadline::Deadline;
use crate::diagnosis::{Answers, Facts, OF_DOCKER, OF_NETWORKD, QUESTIONS, Question};
use crate::diagnostic::Diagnostic;
use crate::guest::ssh::Output;
use crate::host::networkd_said::{UnitSaid, about_units};
use crate::lab::assignment::Assignment;
use crate::lab::evidence::networkd_said;
use crate::lab::testbed::Testbed;

/// How long one shell may take to answer all of its questions. A tenth of a second is usual; the rest is for a computer on which
/// many labs run.
pub(super) const ANSWERS: Duration = Duration::from_secs(10);

/// networkd's own log in a guest. That of a machine or ghost is a file of the evidence.
const JOURNAL: Question = (
    "networkd-journal",
    "journalctl --no-pager -b -o cat -u systemd-networkd",
);

/// Somebody who is asked.
struct Asked {
    name: String,
    vantage: Vantage,
    /// Whether only its network namespace is of interest, and tools of the guest look at it.
    container: bool,
    questions: Vec<Question>,
}

/// Asks all of them at the same time.
pub(super) async fn ask(asked: Assignment<'_>, testbed: &Testbed, by: Deadline) -> Facts {
    let (lab, scenario) = (&testbed.lab, asked.scenario);
    let machines = lab.machines().map(|machine| {
        // A machine that runs no networkd would be answered by the networkd of the host computer.
        let networkd = match lab.runs_networkd(machine.name()) {
            true => OF_NETWORKD,
            false => &[],
        };
        Asked {
            name: machine.name().to_owned(),
            vantage: Vantage::Machine(machine.clone()),
            container: false,
            questions: [QUESTIONS, networkd].concat(),
        }
    });
    let vms = testbed.guests.vms();
    let silent = vms
        .iter()
        .filter(|(name, _)| testbed.silent.contains(*name))
        .map(|(name, _)| {
            let unasked = Some("it stands still".to_owned());
            let answers = Answers {
                unasked,
                ..Answers::default()
            };
            (name.to_string(), answers)
        });
    let guests = vms
        .iter()
        .filter(|(name, _)| !testbed.silent.contains(*name));
    let guests = guests.flat_map(|&(name, guest)| {
        let inside = scenario.guests.get(name);
        let containers = inside
            .into_iter()
            .flat_map(|inside| inside.containers.keys());
        let containers: Vec<Asked> = containers
            .map(|container| Asked {
                name: format!("{name}/{container}"),
                vantage: Vantage::Container {
                    guest: guest.clone(),
                    name: container.to_string(),
                },
                container: true,
                questions: QUESTIONS.to_vec(),
            })
            .collect();
        let mut questions = QUESTIONS.to_vec();
        if guest.spec().image.networkd {
            questions.extend(OF_NETWORKD);
            questions.push(JOURNAL);
        }
        // Asking Docker would start it, so a guest without containers is not asked.
        if !containers.is_empty() {
            questions.extend(OF_DOCKER);
        }
        let own = Asked {
            name: name.to_string(),
            vantage: Vantage::Guest(guest.clone()),
            container: false,
            questions,
        };
        std::iter::once(own).chain(containers)
    });
    let machines = join_all(machines.map(|one| one.answers(asked.patience(ANSWERS), by)));
    // A guest's sessions are not limited to this time: under emulation, opening one takes a second.
    let guests = join_all(guests.map(|one| one.answers(by.left(), by)));
    let (machines, guests) = join(machines, guests).await;
    machines.into_iter().chain(guests).chain(silent).collect()
}

impl Asked {
    /// Its name and what it answered within `time`, and before `by`.
    async fn answers(self, time: Duration, by: Deadline) -> (String, Answers) {
        let script = script(&self.questions);
        let words = ["sh", "-c", &script];
        let by = by.child(time);
        let asking = async {
            let _turn = self.vantage.turn().await;
            match self.container {
                true => self.vantage.exec_in_net(&words, by).await,
                false => self.vantage.exec(&words, by).await,
            }
        };
        let told = tokio::time::timeout_at(by.tokio(), asking).await;
        let told = told.unwrap_or_else(|_| Err(ProbeError::Impossible("no answer in time".into())));
        (self.name, answers(&self.questions, told))
    }
}

/// A script that asks all questions. One shell asks them all, since starting programs takes the most time. A form feed stands
/// before each answer; no command prints one itself.
fn script(questions: &[Question]) -> String {
    let lines = questions.iter();
    lines
        .map(|(_, command)| format!("printf '\\f'; ({command}) 2>/dev/null\n"))
        .collect()
}

/// What a script of these questions printed, or why it did not.
fn answers(questions: &[Question], told: Result<Output, ProbeError>) -> Answers {
    let told = match told {
        Ok(told) => told.stdout,
        Err(error) => {
            // Its command is the whole script.
            let unasked = Some(match error {
                ProbeError::Tool { why, .. } => why,
                error => Diagnostic::new(&error).chain.join(": "),
            });
            return Answers {
                unasked,
                ..Answers::default()
            };
        }
    };
    let parts: Vec<&str> = told.split('\u{c}').skip(1).collect();
    if parts.is_empty() {
        let unasked = Some("it ran no command".to_owned());
        return Answers {
            unasked,
            ..Answers::default()
        };
    }
    let named = questions.iter().zip(parts);
    let answered = named.filter(|(_, answer)| !answer.trim().is_empty());
    Answers {
        by_question: answered
            .map(|((name, _), answer)| ((*name).to_owned(), answer.to_owned()))
            .collect(),
        unasked: None,
    }
}

/// What networkd said of its unit files, by machine or guest.
pub(super) fn said(
    asked: Assignment<'_>,
    testbed: &Testbed,
    facts: &Facts,
) -> BTreeMap<String, Vec<UnitSaid>> {
    let mut said: BTreeMap<String, Vec<UnitSaid>> = BTreeMap::new();
    for one in networkd_said(testbed, &asked.folders.evidence) {
        said.entry(one.machine).or_default().push(one.said);
    }
    for (name, answers) in facts {
        if let Some(journal) = answers.by_question.get(JOURNAL.0) {
            said.insert(name.clone(), about_units(journal));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [Question; 3] = [("a", "true"), ("b", "echo b"), ("c", "no-such-program")];

    #[test]
    fn each_answer_is_given_to_its_question_and_an_empty_one_to_none() {
        assert_eq!(
            script(&TWO),
            "printf '\\f'; (true) 2>/dev/null\nprintf '\\f'; (echo b) 2>/dev/null\nprintf '\\f'; (no-such-program) 2>/dev/null\n"
        );
        let output = |stdout: &str| Output {
            stdout: stdout.to_owned(),
            stderr: String::new(),
            status: Some(127),
        };
        let told = answers(&TWO, Ok(output("\u{c}\u{c}b\n\u{c}")));
        let expected = BTreeMap::from([("b".to_owned(), "b\n".to_owned())]);
        assert_eq!((told.by_question, told.unasked), (expected, None));
        assert!(answers(&TWO, Ok(output("sh: not found"))).unasked.is_some());
    }

    #[test]
    fn who_does_not_answer_is_said_to() {
        let told = answers(&TWO, Err(ProbeError::Impossible("the line is cut".into())));
        assert_eq!(told.unasked.as_deref(), Some("the line is cut"));
        assert!(told.by_question.is_empty());
    }
}
