//! What is doubtful about a run's unit files: what was seen before it began, and what networkd said.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::host::networkd_said::{UnitSaid, spelt};
use crate::scenario::units::not_applied;
use crate::scenario::{Fault, Scenario};

/// Most things that networkd said which a report keeps; the logs have them all.
pub const MOST_SAID: usize = 50;

/// What is doubtful about a run's unit files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitsReport {
    /// What `bridgelab check` says of them.
    #[serde(default)]
    pub warnings: Vec<WarningReport>,
    /// What networkd said of them, at most [`MOST_SAID`]. MicroVMs are asked only after a run that did not pass.
    #[serde(default)]
    pub said: Vec<SaidReport>,
    /// Lines of `.link` files of machines that are namespaces: udev would have done them on a machine that boots, so that
    /// the run does not show it. `10-lan.link: Name=lan0 of host`.
    #[serde(default)]
    pub not_applied: Vec<String>,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningReport {
    /// Stable, dotted code.
    pub code: String,
    /// The file as people know it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is doubtful.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// What networkd said of a unit file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidReport {
    /// On which machine, or in which guest.
    pub machine: String,
    /// Which file, and what networkd said of it.
    #[serde(flatten)]
    pub said: UnitSaid,
}

impl UnitsReport {
    /// What is known before a run of this instance begins.
    pub fn before(scenario: &Scenario) -> Self {
        Self {
            warnings: scenario.warnings.iter().map(WarningReport::from).collect(),
            said: Vec::new(),
            not_applied: not_applied(scenario)
                .iter()
                .map(|line| spelt(line))
                .collect(),
        }
    }
}

impl From<&Fault> for WarningReport {
    fn from(fault: &Fault) -> Self {
        Self {
            code: fault.code.to_owned(),
            file: fault.file.clone(),
            line: fault.line,
            column: fault.column,
            // The message quotes a file that may have any characters in it.
            message: spelt(&fault.message),
            help: fault.help.as_deref().map(spelt),
        }
    }
}

/// `host/10-lan.network:2: unknown key ... (did you mean ...?)`.
impl std::fmt::Display for WarningReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// `host: 10-lan.network:5: WORDS`.
impl std::fmt::Display for SaidReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.machine, self.said)
    }
}
