//! A guest's VMM as what is looked at: that it runs, or that it refused to start and what it said.

mod ask;

use futures_util::FutureExt;

use self::Vmm as Wanted;
use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::VantagePoint;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::MachineName;
use crate::scenario::validate::{holder, refused};

/// The guest's VMM runs, or refused to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vmm {
    /// Whose VMM.
    pub guest: MachineName,
    /// Words of its stderr when it must have refused; `None`: it must run.
    pub refused: Option<String>,
}

impl Declared for Vmm {
    const KEYS: TableKeys = table_keys(
        "vmm",
        "the guest's VMM runs; or it refused to start and its stderr has these words. Needs no `from`",
        &[
            must("guest", KeyType::NAME, "whose VMM"),
            may(
                "refused",
                KeyType::Text,
                "it must run",
                "words of its stderr",
            ),
        ],
    );
    const HOLDS: &'static str = "the guest's VMM runs; or it refused to start and its stderr has these words. Needs no `from`";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
            ..
        } = *asked;
        let guest = asked.guest();
        if let (Some(guest), Some(from)) = (&guest, from)
            && let Some(holder) = holder(context, guest.value)
            && from.value != VantagePoint::Machine(holder.clone())
        {
            let message = format!("the VMM of `{}` runs on `{holder}`", guest.value);
            let label = "it cannot be looked at from here".to_owned();
            let fault = Fault::new(from.place, code::CONFLICT, message, label);
            let help = "`vmm` needs no `from`".to_owned();
            context.faults.add(fault.help(help));
        }
        let refused = refused(context, reader, "what the VMM must say on stderr");
        Some(Self {
            guest: MachineName::try_from(guest?.value).ok()?,
            refused,
        })
    }
}

impl Kind for Wanted {
    fn expected(&self) -> String {
        let guest = &self.guest;
        match &self.refused {
            Some(words) => format!("the VMM of {guest} to refuse to start and say \"{words}\""),
            None => format!("the VMM of {guest} to run"),
        }
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        Some(format!("{} is a ghost: it has no VMM", self.guest))
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let seen = ask::look(at.around.vmms.get(self.guest.as_ref())).await;
            Ok(judge(self.refused.as_deref(), &seen))
        }
        .boxed_local()
    }
}

/// What a guest's VMM did.
#[derive(Debug, Clone, PartialEq, Eq)]
enum VmmSeen {
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
fn judge(refused: Option<&str>, seen: &VmmSeen) -> Verdict {
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
pub(super) fn one_line(text: &str) -> String {
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
