//! Commands that do by hand what a step does: for `bridgelab plan`, reports and the evidence. Most steps are carried out by
//! just these commands.

use crate::plan::{GuestKind, shell};
use crate::scenario::VantagePoint;

/// Folder of unit files on a machine and a ghost, each of which has a `/run` of its own.
const MACHINE_UNITS: &str = "/run/systemd/network";
/// Unit files of a guest.
const GUEST_UNITS: &str = "/etc/systemd/network";

/// What does by hand the same as a step.
#[derive(Debug)]
pub enum ByHand {
    /// Commands at a place, each as its words, by which the step is also carried out.
    Commands(VantagePoint, Vec<Vec<String>>),
    /// Command line at a place; the step is carried out in another way.
    Line(VantagePoint, String),
    /// Command line that belongs to no place.
    Words(String),
    /// Fact that is waited for.
    Fact(String),
}

impl ByHand {
    /// The place where the step is done and the commands that carry it out there; `None` when it takes more than commands.
    pub fn commands(&self) -> Option<(&VantagePoint, &[Vec<String>])> {
        match self {
            Self::Commands(on, lines) => Some((on, lines)),
            Self::Line(..) | Self::Words(_) | Self::Fact(_) => None,
        }
    }

    /// The commands as one line.
    pub(in crate::lab) fn line(&self, guests: GuestKind) -> String {
        match self {
            Self::Commands(on, lines) => {
                let lines = lines.iter().map(|line| shell::join(line));
                let lines: Vec<_> = lines.map(|line| at(on, guests, &line)).collect();
                lines.join(" && ")
            }
            Self::Line(on, line) => at(on, guests, line),
            Self::Words(words) | Self::Fact(words) => words.clone(),
        }
    }
}

/// Splits a command line into words; no word may have a blank in it.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Whether a place is a MicroVM, where commands run inside it, and not a namespace.
pub(super) fn in_guest(on: &VantagePoint, guests: GuestKind) -> bool {
    guests == GuestKind::Vm && !matches!(on, VantagePoint::Machine(_))
}

/// Folder from which a place's networkd reads unit files.
pub(super) fn unit_folder(on: &VantagePoint, guests: GuestKind) -> &'static str {
    if in_guest(on, guests) {
        GUEST_UNITS
    } else {
        MACHINE_UNITS
    }
}

/// The command line with its place.
fn at(on: &VantagePoint, guests: GuestKind, line: &str) -> String {
    match on {
        VantagePoint::Guest(guest) if in_guest(on, guests) => {
            format!("{line}  # in guest {guest}")
        }
        VantagePoint::Machine(name) | VantagePoint::Guest(name) => match line.strip_prefix("ip ") {
            Some(rest) => format!("ip -n {name} {rest}"),
            None => format!("ip netns exec {name} {line}"),
        },
        VantagePoint::Container(guest, container) => {
            format!("docker exec {container} {line}  # in guest {guest}")
        }
    }
}
