//! Why there is no lab for a test.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::protocol::VERSION;

/// The program that builds labs, if it is not the `bridgelab` of `PATH`.
pub const PROGRAM_VARIABLE: &str = "BRIDGELAB_BIN";

/// Why there is no lab, or it did not answer.
///
/// As `Debug` it is the same text, with its causes: that is what `expect` and a test that returns it print.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum NoLab {
    /// The scenario that was built could not be written.
    #[error("write the scenario into `{}`", path.display())]
    Written {
        /// What was being written.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The program is not there.
    #[error(
        "start `{}`: there is no such program\n  help: `cargo install --path .` in a checkout of bridgelab puts it into PATH; or \
         name it: `{PROGRAM_VARIABLE}=/path/to/bridgelab`",
        program.display()
    )]
    NoProgram {
        /// The program.
        program: PathBuf,
    },
    /// The program did not start, or the pipe to it broke.
    #[error("{doing} `{}`", program.display())]
    Program {
        /// What was being done.
        doing: &'static str,
        /// The program.
        program: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The program speaks another version of the [`protocol`](crate::protocol).
    #[error(
        "`{}` is {} and speaks {} of the protocol between a test and its lab, and this test speaks version {VERSION}\n  help: take \
         both from one checkout: there `cargo install --path .`, and in the test's Cargo.toml \
         `bridgelab-client = {{ path = \"CHECKOUT/harness/client\" }}`",
        program.display(),
        release.as_deref().unwrap_or("an unknown release"),
        theirs.map_or_else(|| "no known version".to_owned(), |version| format!("version {version}")),
    )]
    OtherProtocol {
        /// The program.
        program: PathBuf,
        /// What it calls itself, with its version.
        release: Option<String>,
        /// The version that it speaks; `None`: it named none.
        theirs: Option<u32>,
    },
    /// Scenario, check, step or option is not valid: what the program says of it, with line and column.
    #[error("{0}")]
    Invalid(String),
    /// The program ended before there was a lab, without a report: what it said.
    #[error("bridgelab ended without a lab: {0}")]
    Ended(String),
    /// This machine cannot have the lab: why.
    #[error("skipped: because {0}")]
    Skipped(String),
    /// The lab did not come to stand: the report's problem.
    #[error("the lab did not come to stand: {0}")]
    Broken(String),
    /// The lab has nothing of that name.
    #[error("the lab has no {what} `{name}`: {help}")]
    Unknown {
        /// What was looked for: `vantage`, `guest`, `container`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The nearest name, or all there are.
        help: String,
    },
    /// What was asked could not be done; says nothing about the network.
    #[error("{0}")]
    Refused(String),
}

impl fmt::Debug for NoLab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_told_with_both_and_the_way_out() {
        let error = |theirs, release: Option<&str>| NoLab::OtherProtocol {
            program: PathBuf::from("bridgelab"),
            release: release.map(str::to_owned),
            theirs,
        };
        let told = error(Some(77), Some("bridgelab 9.1.0")).to_string();
        let ours = format!("and this test speaks version {VERSION}\n");
        for words in [
            "`bridgelab` is bridgelab 9.1.0 and speaks version 77 of the protocol",
            &ours,
            "  help: take both from one checkout: there `cargo install --path .`, ",
        ] {
            assert!(told.contains(words), "{told}");
        }
        let told = format!("{:?}", error(None, None));
        assert!(
            told.contains("an unknown release and speaks no known version"),
            "{told}"
        );
    }
}
