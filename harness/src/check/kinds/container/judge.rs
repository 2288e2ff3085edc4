//! What a container did, and whether that is what it must do.

use crate::check::Verdict;
use crate::check::kinds::vmm::one_line;

/// What a container did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContainerSeen {
    /// Nobody has started it yet, or a step has stopped its guest.
    NotStarted,
    /// Docker refused to start it, in these words.
    Refused(String),
    /// `docker inspect`: its state, and its exit status.
    State(String, String),
}

/// Judges a container. With `refused`, Docker must have refused to start it in these words; without, it must run.
pub(super) fn judge(refused: Option<&str>, seen: &ContainerSeen) -> Verdict {
    let (got, right) = match seen {
        ContainerSeen::NotStarted => ("it is not started".to_owned(), false),
        ContainerSeen::Refused(said) => {
            // Compare with the text that the verdict shows, whose lines are joined: the words may go over the end of a line.
            let got = format!("Docker refused to start it: {}", one_line(said));
            let right = refused.is_some_and(|words| got.contains(words));
            (got, right)
        }
        ContainerSeen::State(state, _) if state == "running" => {
            ("it runs".to_owned(), refused.is_none())
        }
        ContainerSeen::State(state, status) => {
            (format!("it is {state} (exit status {status})"), false)
        }
    };
    match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refusal of Docker 20.10 where systemd-resolved has the port.
    const SAID: &str = "docker: Error response from daemon: driver failed programming external connectivity on endpoint \
                        dns: Error starting userland proxy: listen tcp4 0.0.0.0:53: bind: address already in use.";

    #[test]
    fn a_refusal_holds_when_it_is_the_named_one() {
        let seen = ContainerSeen::Refused(SAID.to_owned());
        let verdict = judge(Some("address already in use"), &seen);
        assert!(verdict.holds, "{verdict:?}");
        assert!(!judge(Some("no such image"), &seen).holds);
        let verdict = judge(None, &seen);
        assert!(
            !verdict.holds && verdict.got.contains("address already in use"),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_container_that_runs_is_not_refused_and_one_that_has_ended_is_neither() {
        let state = |state: &str| ContainerSeen::State(state.to_owned(), "1".to_owned());
        assert!(judge(None, &state("running")).holds);
        assert!(!judge(Some("it runs"), &state("running")).holds);
        assert!(!judge(Some("exited"), &state("exited")).holds);
        let ended = judge(None, &state("exited"));
        assert_eq!(ended, Verdict::violated("it is exited (exit status 1)"));
        assert!(!judge(None, &ContainerSeen::NotStarted).holds);
        assert!(!judge(Some("not"), &ContainerSeen::NotStarted).holds);
    }
}
