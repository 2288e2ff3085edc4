//! A scenario that is mutated: a copy of its green form, and further copies with something broken.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bridgelab_bench::Scratch;
use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::image::worker_program;
use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::mutation::TextFile;
use bridgelab_harness::scenario::{LoadedScenario, Scenario, ScenarioErrors};

use super::files::Green;
use crate::commands::{checked, load};

/// A scenario, and the folder of its copies, which goes with the process, however that ends.
pub(crate) struct Subject {
    folder: Scratch,
    pub(crate) green: Green,
    pub(crate) loaded: LoadedScenario,
    /// Where a matrix has several green forms, the first of them.
    pub(crate) form: Scenario,
}

/// A copy that was read.
pub(crate) struct Prepared {
    /// The scenario's file.
    pub(crate) path: PathBuf,
    pub(crate) loaded: LoadedScenario,
    pub(crate) form: Scenario,
}

impl Prepared {
    /// The scenario's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// Why a copy cannot be run.
pub(crate) enum Unprepared {
    /// What `check` says.
    Refused(String),
    /// The copy was not made.
    Io(io::Error),
}

impl Subject {
    /// A scenario by its name or file.
    ///
    /// # Errors
    /// The exit code; what is wrong was said.
    pub(crate) fn of(scenario: &str) -> Result<Self, i32> {
        let (path, loaded) = load(scenario)?;
        let told = |doing: &str, error: io::Error| {
            let _ = writeln!(anstream::stderr(), "error: {doing}: {error}");
            exit_code::BROKEN
        };
        let folder = worker_program().and_then(|program| Scratch::new(&program, "mutate"));
        let folder =
            folder.map_err(|error| told("make a folder for copies of the scenario", error))?;
        let green = Green::copied(&path, loaded.text(), &folder.path().join("green"))
            .map_err(|error| told("copy the scenario", error))?;
        let loaded = checked(&green.path, &[]).map_err(|errors| {
            let _ = write!(anstream::stderr(), "{}", errors.render(true));
            exit_code::INVALID
        })?;
        let form = loaded.forms().next().cloned().ok_or(exit_code::INVALID)?;
        Ok(Self {
            folder,
            green,
            loaded,
            form,
        })
    }

    /// Folder for everything that is removed at the end.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The scenario's name.
    pub(crate) fn name(&self) -> &str {
        self.loaded.name()
    }

    /// The files that the form uses.
    ///
    /// # Errors
    /// The exit code; what is wrong was said.
    pub(crate) fn files(&self) -> Result<Vec<TextFile>, i32> {
        self.green.files(&self.form).map_err(|error| {
            let _ = writeln!(
                anstream::stderr(),
                "error: read what the scenario names: {error}"
            );
            exit_code::BROKEN
        })
    }

    /// Copies the scenario into a folder of that name, has `change` break something in the copy's folder, and reads it.
    ///
    /// # Errors
    /// Why it cannot be run.
    pub(crate) fn broken(
        &self,
        called: &str,
        change: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Prepared, Unprepared> {
        let folder = self.folder().join(called);
        let path = self.green.copy(&folder).map_err(Unprepared::Io)?;
        change(path.parent().unwrap_or(&folder)).map_err(Unprepared::Io)?;
        let loaded =
            checked(&path, &[]).map_err(|errors| Unprepared::Refused(first_fault(&errors)))?;
        let form = loaded.forms().next().cloned();
        let form = form.ok_or_else(|| Unprepared::Refused("it has no form".to_owned()))?;
        Ok(Prepared { path, loaded, form })
    }
}

/// Writes a file of a copy, or removes it where there is no text.
///
/// # Errors
/// What the kernel said.
pub(crate) fn put(file: &Path, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => fs::write(file, text),
        None => fs::remove_file(file),
    }
}

/// What `check` says first.
fn first_fault(errors: &ScenarioErrors) -> String {
    let first = errors.faults().next().map(|fault| fault.message.clone());
    first.unwrap_or_else(|| Diagnostic::new(errors).to_string())
}
