//! What is doubtful about a line of a unit file.

use crate::place::Place;

/// Stable codes of warnings.
pub mod code {
    /// A line that is none of systemd.syntax(7).
    pub const SYNTAX: &str = "unit.syntax";
    /// A section that networkd does not know.
    pub const SECTION: &str = "unit.unknown-section";
    /// A key that networkd does not know.
    pub const KEY: &str = "unit.unknown-key";
    /// A `[Match]` that finds no link.
    pub const MATCH: &str = "unit.no-match";
    /// Two unit files for one link.
    pub const TWO_FILES: &str = "unit.two-files";
    /// Whatever else networkd says of a unit file.
    pub const REFUSED: &str = "unit.refused";
}

/// A line that networkd passes over, or does something else by than was meant. It takes the file all the same.
#[derive(Debug, Clone)]
pub struct Warning {
    /// The line, or a part of it.
    pub place: Place,
    /// One of [`code`].
    pub code: &'static str,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Short words beside the line.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Warning {
    pub(super) fn new(
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            place: place.clone(),
            code,
            message: message.into(),
            label: label.into(),
            help: None,
        }
    }

    pub(super) fn help(self, help: impl Into<Option<String>>) -> Self {
        let help = help.into();
        Self { help, ..self }
    }
}
