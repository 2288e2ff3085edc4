//! What is wrong with a scenario, drawn on the line it is wrong in.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::names::VariantName;
use crate::diagnostic::Diagnose;
use crate::networkd::Warning;
use crate::place::{Place, Source, boundary};
use crate::visible::visible;

/// Stable codes of scenario faults.
pub mod code {
    /// The file is not TOML.
    pub(crate) const SYNTAX: &str = "scenario.syntax";
    /// A file or folder cannot be read.
    pub(crate) const UNREADABLE: &str = "scenario.unreadable";
    /// A path that leads out of where a scenario may read.
    pub(crate) const OUTSIDE: &str = "scenario.outside";
    /// The format's version is missing or not ours.
    pub(crate) const VERSION: &str = "scenario.version";
    /// A key that the format does not have.
    pub(crate) const UNKNOWN_KEY: &str = "scenario.unknown-key";
    /// A key that must be there is not.
    pub const MISSING_KEY: &str = "scenario.missing-key";
    /// A value of another TOML type.
    pub(crate) const WRONG_TYPE: &str = "scenario.wrong-type";
    /// A value of the right type that means nothing.
    pub const BAD_VALUE: &str = "scenario.bad-value";
    /// A name that breaks the rules of names.
    pub(crate) const BAD_NAME: &str = "scenario.bad-name";
    /// A reference to something that is not in the scenario.
    pub(crate) const UNKNOWN_NAME: &str = "scenario.unknown-name";
    /// One name, id or address for two things.
    pub(crate) const DUPLICATE: &str = "scenario.duplicate";
    /// Two parts that cannot both hold.
    pub const CONFLICT: &str = "scenario.conflict";
    /// More of something than a scenario may have.
    pub(crate) const LIMIT: &str = "scenario.limit";
    /// A systemd-networkd unit file or its folder.
    pub const UNIT_FILE: &str = "scenario.unit-file";
    /// What udev would do, where there is none.
    pub(crate) const UNIT_UDEV: &str = "unit.no-udev";
    /// A file beside units that networkd does not read, and that looks as if it should.
    pub(crate) const UNIT_PASSED_OVER: &str = "unit.passed-over";
}

/// Nobody reads a longer line, in bytes; it is not drawn once for each fault in it.
const LONGEST_DRAWN: usize = 2000;

/// So many faults are drawn; nobody mends more before the next look.
pub(crate) const DRAWN: usize = 100;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gravity {
    /// The scenario is invalid.
    #[default]
    Error,
    /// It can be run, and is hardly what was meant.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Stable, dotted code.
    pub code: &'static str,
    /// Whether it makes the scenario invalid.
    pub gravity: Gravity,
    /// The file as shown to people: relative to the working directory where it lies below it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the file that are at fault.
    pub span: Range<usize>,
    /// Short words beside the underlined text; may be empty.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The variants it shows up in; empty when it is there without any variant.
    pub variants: Vec<VariantName>,
    /// The text to draw from.
    source: Arc<Source>,
}

impl Fault {
    /// A fault at a place: `message` says what is wrong, `label` stands below the line that is drawn.
    pub fn new(
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        let (line, column) = place.source.position(place.span.start);
        let (message, label) = (shortened(message.into()), shortened(label.into()));
        Self {
            message,
            code,
            gravity: Gravity::Error,
            file: place.source.shown.clone(),
            line,
            column,
            span: place.span.clone(),
            label,
            help: None,
            variants: Vec::new(),
            source: Arc::clone(&place.source),
        }
    }

    /// With what the reader can do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.set_help(help.into());
        self
    }

    pub(crate) fn set_help(&mut self, help: Option<String>) {
        self.help = help.map(shortened);
    }

    /// It is one that leaves the scenario valid.
    #[must_use]
    pub(crate) fn warning(mut self) -> Self {
        self.gravity = Gravity::Warning;
        self
    }

    /// Whether it leaves the scenario valid.
    pub fn is_warning(&self) -> bool {
        self.gravity == Gravity::Warning
    }

    /// It is a warning, and shall be an error.
    #[must_use]
    pub fn as_error(mut self) -> Self {
        self.gravity = Gravity::Error;
        self
    }

    /// Order in which people read faults: file by file, the built-in base last, and down the file.
    pub(crate) fn order(&self) -> (bool, &Path, usize, usize, &str) {
        let Range { start, end } = self.span;
        let built_in = self.source.built_in;
        (built_in, &self.file, start, end, &self.message)
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.gravity {
            Gravity::Error => Level::ERROR,
            Gravity::Warning => Level::WARNING,
        };
        let (message, label) = (visible(&self.message), visible(&self.label));
        let title = level.primary_title(message).id(self.code);
        let path = self.file.to_string_lossy();
        let path = visible(&path).into_owned();
        let (start, line) = self.source.line_at(self.span.start);
        let mut group: Group<'_> = if self.source.text.is_empty() {
            title.element(Origin::path(path))
        } else if line.len() > LONGEST_DRAWN {
            let origin = Origin::path(path).line(self.line).char_column(self.column);
            let group = title.element(origin);
            match label.as_ref() {
                "" => group,
                label => group.element(Level::NOTE.message(label)),
            }
        } else {
            // A value over several lines is underlined on its first.
            // What is shown of a letter may be longer than the letter.
            let within = |offset: usize| {
                let before = &line[..boundary(line, offset.saturating_sub(start))];
                visible(before).len()
            };
            let span = within(self.span.start)..within(self.span.end);
            let label = Some(label.as_ref()).filter(|label| !label.is_empty());
            let snippet = Snippet::source(visible(line).into_owned())
                .line_start(self.line)
                .path(path)
                .annotation(AnnotationKind::Primary.span(span).label(label));
            title.element(snippet)
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(visible(help)));
        }
        if !self.variants.is_empty() {
            let names: Vec<_> = self
                .variants
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let note = format!("in variant {}", names.join(", "));
            group = group.element(Level::NOTE.message(note));
        }
        renderer.render(&[group])
    }
}

/// Words of which nobody reads the end.
fn shortened(mut words: String) -> String {
    if words.len() > LONGEST_DRAWN {
        words.truncate(boundary(&words, LONGEST_DRAWN));
        words.push('\u{2026}');
        words.shrink_to_fit();
    }
    words
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = (self.file.display(), self.line, self.column);
        write!(f, "{} ({file}:{line}:{column})", self.message)
    }
}

/// Everything that is wrong with a scenario, down the file; never empty.
#[derive(Debug, Clone)]
pub struct ScenarioErrors {
    first: Box<Fault>,
    rest: Vec<Fault>,
}

impl ScenarioErrors {
    /// `None` when there is nothing wrong.
    pub fn new(mut faults: Vec<Fault>) -> Option<Self> {
        faults.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut faults = faults.into_iter();
        let first = Box::new(faults.next()?);
        let rest = faults.collect();
        Some(Self { first, rest })
    }

    /// The faults in order.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// All faults with their lines drawn, one empty line between them, in colour or plain.
    pub fn render(&self, color: bool) -> String {
        render(self.faults(), color)
    }
}

/// Faults or warnings with their lines drawn, one empty line between them, in colour or plain. Of more than a hundred, the
/// others are counted.
pub fn render<'f>(faults: impl IntoIterator<Item = &'f Fault>, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    let mut faults = faults.into_iter();
    for fault in faults.by_ref().take(DRAWN) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&fault.render(&renderer));
        text.push('\n');
    }
    match faults.count() {
        0 => {}
        more => text.push_str(&format!("\nand {more} more\n")),
    }
    text
}

/// A warning about a unit file leaves the scenario valid.
impl From<Warning> for Fault {
    fn from(warning: Warning) -> Self {
        let fault = Self::new(&warning.place, warning.code, warning.message, warning.label);
        fault.help(warning.help).warning()
    }
}

impl From<Fault> for ScenarioErrors {
    fn from(fault: Fault) -> Self {
        let (first, rest) = (Box::new(fault), Vec::new());
        Self { first, rest }
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rest.len() {
            0 => write!(f, "invalid scenario: {}", self.first),
            1 => write!(f, "invalid scenario: {} and 1 more fault", self.first),
            more => write!(f, "invalid scenario: {} and {more} more faults", self.first),
        }
    }
}

impl Error for ScenarioErrors {}

/// Why a word means nothing where it stands: a [`Fault`] that has no place yet.
#[derive(Debug)]
pub struct Bad {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) label: String,
    /// What the reader can do about it.
    pub help: Option<String>,
}

impl Diagnose for ScenarioErrors {
    fn code(&self) -> &'static str {
        self.first.code
    }

    fn help(&self) -> Option<String> {
        self.first.help.clone()
    }
}
