//! What was found to be the cause of checks that do not hold.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::course::Course;
use super::point::Point;

/// One cause, and what it explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What it is.
    pub code: Code,
    /// Ids of the checks that it explains.
    pub checks: Vec<String>,
    /// Those of them that cannot be followed, and of which it is only taken that they have the same cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
    /// The course of the first of these checks that sends packets.
    pub course: Option<Course>,
    /// The last point at which that packet was seen.
    pub last_seen: Option<Point>,
    /// The first point after it at which it should have been seen, and was not.
    pub first_missing: Option<Point>,
    /// The cause.
    pub cause: Cause,
    /// What else may be the cause, the most likely first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Cause>,
    /// What mends it, where that is known.
    pub remedy: Option<Remedy>,
    /// What became of the remedy in a second lab; `None`: it was not tried.
    pub proven: Option<Proof>,
    /// What was not established, one sentence each.
    pub not_established: Vec<String>,
}

/// What stops a packet, or makes a state other than a check wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// In one sentence.
    pub statement: String,
    /// What it is about: `host br0`, `test1 route 0.0.0.0/0`.
    pub object: String,
    /// The line that says so, where it is a file's.
    pub place: Option<At>,
    /// By what it is known, the most important first.
    pub evidence: Vec<Evidence>,
}

impl Cause {
    /// The machine, guest or container that it is about, and the link or the thing there; as `object` has both.
    pub fn about(&self) -> (&str, Option<&str>) {
        match self.object.split_once(' ') {
            Some((machine, thing)) => (machine, Some(thing)),
            None => (&self.object, None),
        }
    }
}

/// A place in a file of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// The file, as it is shown to people: `host/br0.netdev`.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line's text, without the blanks around it.
    pub text: String,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, column, ..
        } = self;
        write!(f, "{}:{line}:{column}", file.display())
    }
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The fact, in one sentence.
    pub fact: String,
    /// The machine that was asked.
    pub machine: String,
    /// The command that shows it there.
    pub command: String,
    /// The file of the evidence that has it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// What mends a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// In one sentence.
    pub statement: String,
    /// Who says so: a man page, the page of microvm.nix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The change of files; empty: it is not one of files.
    pub edits: Vec<Edit>,
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The file, from the scenario's folder, or as the scenario names it.
    pub file: PathBuf,
    /// The line that is changed, from 1; one past the last line: what is added at the end. `None`: the file is new.
    pub line: Option<usize>,
    /// What is there now: a whole line; empty where something is added before the line.
    pub from: String,
    /// What should be there: whole lines; empty where the line is to be deleted.
    pub to: String,
}

/// What became of a remedy in a second lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Checks of the diagnosis that hold with it.
    pub hold: usize,
    /// All checks that it was to mend.
    pub of: usize,
    /// Checks that held before and do not hold with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
}

impl Proof {
    /// Whether the cause is proven: all that it explained holds without it, and nothing else is broken.
    pub fn proves(&self) -> bool {
        self.hold == self.of && self.of > 0 && self.broken.is_empty()
    }
}
