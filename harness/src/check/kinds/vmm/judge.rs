//! What a guest's VMM did, and whether that is what it must do.

use crate::check::Verdict;

/// What a guest's VMM did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VmmSeen {
    /// Nobody has started it yet, or a step has stopped it.
    NotRunning,
    /// It runs.
    Runs {
        /// What it wrote to stderr so far.
        said: String,
    },
    /// It ended by itself.
    Ended {
        /// Whether it ended before its guest said anything, that is, refused to start.
        at_start: bool,
        /// Exit status or signal.
        status: String,
        /// The end of what it wrote to stderr.
        said: String,
    },
}

/// Judges a VMM. With `refused`, it must have refused to start, with these words on stderr; without, it must run.
pub(super) fn judge(refused: Option<&str>, seen: &VmmSeen) -> Verdict {
    let (got, right) = match seen {
        VmmSeen::NotRunning => ("it is not started".to_owned(), false),
        VmmSeen::Runs { said } if said.is_empty() => ("it runs".to_owned(), refused.is_none()),
        VmmSeen::Runs { said } => (
            format!("it runs, and said: {}", one_line(said)),
            refused.is_none(),
        ),
        VmmSeen::Ended {
            at_start,
            status,
            said,
        } => {
            let what = match at_start {
                true => "refused to start",
                false => "ended while its guest ran",
            };
            let got = format!("it {what} ({status}): {}", one_line(said));
            // Compare with the text that the verdict shows, whose lines are joined: the words may go over the end of a line.
            let right = *at_start && refused.is_some_and(|words| got.contains(words));
            (got, right)
        }
    };
    match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    }
}

/// Several lines as one.
pub(in crate::check::kinds) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// QEMU 7.2 on a TAP that was made without `multi_queue`.
    const SAID: &str = "qemu-system-x86_64: -netdev tap,id=nic0,ifname=vm-test1,script=no,downscript=no,queues=4: \
                        could not configure /dev/net/tun (vm-test1): Invalid argument";

    fn refused() -> VmmSeen {
        VmmSeen::Ended {
            at_start: true,
            status: "exit status: 1".to_owned(),
            said: SAID.to_owned(),
        }
    }

    #[test]
    fn a_refusal_holds_when_it_is_the_named_one() {
        let verdict = judge(Some("(vm-test1): Invalid argument"), &refused());
        assert!(verdict.holds, "{verdict:?}");
        assert!(
            verdict
                .got
                .starts_with("it refused to start (exit status: 1): qemu-system")
        );
        assert!(!judge(Some("Operation not permitted"), &refused()).holds);
        assert!(!judge(None, &refused()).holds);
    }

    #[test]
    fn a_vmm_that_runs_has_not_refused() {
        let said = "warning: tap: open vhost char device failed: Permission denied\n".to_owned();
        let runs = VmmSeen::Runs { said };
        let verdict = judge(None, &runs);
        assert!(verdict.holds);
        assert_eq!(
            verdict.got,
            "it runs, and said: warning: tap: open vhost char device failed: Permission denied"
        );
        assert!(!judge(Some("Permission denied"), &runs).holds);
        assert!(!judge(None, &VmmSeen::NotRunning).holds);
        assert!(!judge(Some("x"), &VmmSeen::NotRunning).holds);
    }

    #[test]
    fn an_end_in_mid_run_is_no_refusal() {
        let ended = VmmSeen::Ended {
            at_start: false,
            status: "signal: 9 (SIGKILL)".to_owned(),
            said: String::new(),
        };
        assert!(!judge(Some("ended"), &ended).holds);
        let verdict = judge(None, &ended);
        assert!(
            !verdict.holds && verdict.got.contains("SIGKILL"),
            "{verdict:?}"
        );
    }
}
