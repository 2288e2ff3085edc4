//! What supervisor and worker send each other: one job to the worker, events from it, each a line of JSON.

pub use super::job_image::JobImage;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bridgelab_client::protocol::{Answer, Places};
use serde::{Deserialize, Serialize};

use super::sources::Sources;
use super::vm::LabVm;
use crate::hypervisor::Accelerator;
use crate::plan::GuestKind;
use crate::report::{CheckReport, RunReport};
use crate::scenario::{Check, HypervisorKind, Overrides};

/// Hidden subcommand of the binary that becomes a worker.
pub const WORKER_COMMAND: &str = "__worker";

/// A service manager or a CI system sends SIGTERM to all processes of a run, one after another. A daemon, a guest or the
/// worker may end by that before the supervisor is told to end. What ended at most this long before a request to end counts as
/// part of it.
pub const TOGETHER: Duration = Duration::from_millis(1000);

/// For which checks that do not hold a cause is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sought {
    /// For none: it is left at the verdict.
    Never,
    /// For all as soon as one of them should hold. A form whose checks fail as they must says itself what is wrong with it.
    #[default]
    Unexpected,
    /// For all, those that must not hold among them.
    Always,
}

/// What the supervisor may write after the job: end the run in good order.
pub(super) const CANCEL: &str = "cancel";

/// One run, as its worker needs to know it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Path of the scenario's file, from which its files are found and its name comes.
    pub scenario: PathBuf,
    /// The scenario's text and the digests of its files, when the run was asked for.
    pub sources: Sources,
    /// Variant; `None`: the green form.
    pub variant: Option<String>,
    /// Values of the command line, which are laid over the scenario's own.
    #[serde(default)]
    pub overrides: Vec<Overrides>,
    /// The built images that the scenario's guests use, by name.
    pub images: BTreeMap<String, JobImage>,
    /// What each guest starts from; a guest that is not named starts cold.
    #[serde(default)]
    pub starts: BTreeMap<String, StartFrom>,
    /// Paths of VMMs that are not taken from `PATH`.
    #[serde(default)]
    pub vmms: BTreeMap<HypervisorKind, PathBuf>,
    /// What stands for the guests.
    #[serde(default)]
    pub guests: GuestKind,
    /// Accelerator for the guests.
    pub accelerator: Accelerator,
    /// Why that one.
    pub accelerator_reason: String,
    /// Folder for evidence; exists and is empty.
    pub evidence: PathBuf,
    /// Hold the lab after the checks until told to end.
    pub keep: bool,
    /// Hold the lab after the checks, and carry out what is asked for on the worker's input.
    #[serde(default)]
    pub hold: bool,
    /// For which checks that do not hold a cause is looked for.
    #[serde(default)]
    pub diagnosis: Sought,
    /// Follow the packets of every check, of those that hold as well, and every neighbour's resolution: for whoever compares a lab
    /// with one in which something is broken.
    #[serde(default)]
    pub follow_all: bool,
    /// Checks that have less time to hold than the scenario gives them, by id: as of a mutant, whose checks are known to hold sooner.
    #[serde(default)]
    pub within: BTreeMap<String, Duration>,
    /// The command that repeats this run.
    pub reproduce: String,
    /// The VM that the lab stands in; `None`: it stands on this machine.
    #[serde(default)]
    pub vm: Option<LabVm>,
    /// Whether the computer that the lab stands on has an emulated processor, whatever accelerates its guests.
    #[serde(default)]
    pub emulated: bool,
    /// Whether that computer is a lab VM, on which nobody else has anything to protect.
    #[serde(default)]
    pub alone: bool,
}

impl Job {
    /// Takes from checks the time that they are not to have. What a check waits for on purpose stays: one that must not hold, or not
    /// before a time, shows that by waiting.
    pub(super) fn shorten(&self, checks: &mut [Check]) {
        for check in checks {
            let times = &mut check.times;
            if let Some(within) = self.within.get(check.id.as_str())
                && !times.fails
                && times.fails_until.is_none()
            {
                times.within = times.within.min(*within);
            }
        }
    }

    /// Stretches a time in which a guest's instructions run, where a processor is emulated. In a lab without guests, on a
    /// processor that is not emulated, a time stays as it is: it may be one that the kernel keeps, as for a neighbour entry.
    pub(super) fn patience(&self, time: Duration) -> Duration {
        let slow_guests = self.accelerator == Accelerator::Tcg && !self.images.is_empty();
        if self.emulated || slow_guests {
            time * 4
        } else {
            time
        }
    }
}

/// What a guest starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFrom {
    /// Its kernel, which boots.
    Cold {
        /// Why not from a template.
        reason: String,
    },
    /// A template.
    Template {
        /// The template's folder.
        folder: PathBuf,
        /// Whether this QEMU can map the template's memory from a read-only file.
        read_only_ram: bool,
    },
}

/// What a worker reports while it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Something began; `text` is for people.
    Progress {
        /// What began.
        text: String,
    },
    /// A check does not hold yet and is looked at again. Told once more when it sees something else.
    Waits {
        /// Its id.
        check: String,
        /// What was seen, in words.
        got: String,
        /// Milliseconds from now until its time is over.
        left_ms: u64,
    },
    /// A check was decided.
    Checked {
        /// What it saw.
        report: Box<CheckReport>,
    },
    /// The guests are up, and their containers run: from now on the lab mostly waits.
    Settled,
    /// `--keep`: the lab stands and these are its machines and guests.
    Kept {
        /// Namespace machines.
        machines: Vec<String>,
        /// Guests.
        guests: Vec<String>,
        /// Private folder with sockets and keys, as the worker sees it.
        run: PathBuf,
        /// The verdict as it is before the lab is taken down, which can still leave something behind.
        report: Box<RunReport>,
    },
    /// The lab is held after its checks, and carries out what it is asked for.
    Held {
        /// What there is in it.
        places: Places,
    },
    /// The answer to what was asked last.
    Answer {
        /// The answer.
        answer: Answer,
    },
    /// The verdict; the last event.
    Report {
        /// The run.
        report: Box<RunReport>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(images: serde_json::Value, accelerator: Accelerator, emulated: bool) -> Job {
        let job = json!({
            "scenario": "scenario.toml",
            "sources": { "text": "", "digests": {} },
            "images": images,
            "accelerator": accelerator,
            "accelerator_reason": "",
            "evidence": "evidence",
            "keep": false,
            "reproduce": "",
            "emulated": emulated,
        });
        serde_json::from_value(job).expect("a job")
    }

    /// Found when a neighbour entry outlived the four seconds of a check that must fail: these had been stretched to sixteen.
    #[test]
    fn time_is_stretched_for_instructions_that_are_emulated() {
        let image = JobImage {
            folder: PathBuf::from("image"),
            digest: String::new(),
        };
        let (none, one) = (json!({}), json!({ "tiny": image }));
        let second = Duration::from_secs(1);
        for (images, accelerator, emulated, times) in [
            (&one, Accelerator::Tcg, false, 4),
            (&one, Accelerator::Kvm, false, 1),
            (&one, Accelerator::Kvm, true, 4),
            (&none, Accelerator::Tcg, false, 1),
            (&none, Accelerator::Kvm, true, 4),
        ] {
            let job = job(images.clone(), accelerator, emulated);
            assert_eq!(job.patience(second), second * times);
        }
    }
}
