//! From a path to a scenario and its variants, all of them validated at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beneath::{self, Beneath, Unread, from_here};
use super::error::{Fault, ScenarioErrors, code};
use super::file::{Place, Source, Table, Value, parse};
use super::validate::{Laid, Origin};
use super::{LoadedScenario, Overrides, layers, limits};

/// The version of the format that is read.
const VERSION: i64 = 1;

/// The file in a scenario's folder.
pub const FILE_NAME: &str = "scenario.toml";

/// Reads and validates a scenario: a folder with a `scenario.toml`, or a `.toml` file.
///
/// # Errors
///
/// Everything that is wrong with the green form or with any variant, each fault once.
pub fn load(path: &Path) -> Result<LoadedScenario, ScenarioErrors> {
    load_with(path, &[])
}

/// As [`load`], with these values in every guest of every form, whatever the file says.
///
/// # Errors
///
/// As of [`load`]; what does not go with such a value is drawn at the value.
pub fn load_with(path: &Path, overrides: &[Overrides]) -> Result<LoadedScenario, ScenarioErrors> {
    let path = file_of(path);
    let origin = origin(path);
    let source = read(&origin)?;
    from_source(&source, &origin, overrides)
}

/// The file of a scenario that is named by its folder or by its file.
pub fn file_of(path: &Path) -> PathBuf {
    match Beneath::at(path, Path::new("")).folder_id(Path::new("")) {
        Some(_) => path.join(FILE_NAME),
        None => path.to_owned(),
    }
}

/// What [`load`] does with a file `path` that holds `text`; only the folders of unit files that it names are read.
///
/// # Errors
///
/// As of [`load`].
pub fn load_text(path: &Path, text: String) -> Result<LoadedScenario, ScenarioErrors> {
    load_text_with(path, text, &[])
}

/// As [`load_text`], with these values in every guest of every form.
///
/// # Errors
///
/// As of [`load_with`].
pub fn load_text_with(
    path: &Path,
    text: String,
    overrides: &[Overrides],
) -> Result<LoadedScenario, ScenarioErrors> {
    let source = Source::new(from_here(path), text, false);
    from_source(&source, &origin(path.to_owned()), overrides)
}

fn from_source(
    source: &Arc<Source>,
    origin: &Origin,
    overrides: &[Overrides],
) -> Result<LoadedScenario, ScenarioErrors> {
    limits::words(source)?;
    let file = parse(source)?;
    version(&file, source)?;
    let mut loaded = layers::read(&file, source, origin, overrides)?;
    loaded.text = source.text.clone();
    Ok(loaded)
}

fn unreadable(source: Arc<Source>, message: String) -> Fault {
    let place = Place { source, span: 0..0 };
    Fault::new(&place, code::UNREADABLE, message, String::new())
}

fn read(origin: &Origin) -> Result<Arc<Source>, ScenarioErrors> {
    let shown = from_here(&origin.path);
    let file = Path::new(origin.path.file_name().unwrap_or_default());
    let bytes = origin.files.read_own(file, beneath::SCENARIO);
    let bytes = bytes.map_err(|unread| {
        let message = match &unread {
            Unread::Io(error) => format!("the scenario file cannot be read: {error}"),
            other => other.in_words("scenario file", &file.to_string_lossy()),
        };
        let empty = Source::new(shown.clone(), String::new(), false);
        unreadable(empty, message).help(unread.help())
    })?;
    String::from_utf8(bytes.to_vec())
        .map(|text| Source::new(shown.clone(), text, false))
        .map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            let message = format!("the scenario file is not UTF-8 in line {line}");
            unreadable(Source::new(shown, String::new(), false), message).into()
        })
}

fn origin(path: PathBuf) -> Origin {
    let folder_name = || {
        std::path::absolute(&path)
            .ok()?
            .parent()?
            .file_name()
            .map(ToOwned::to_owned)
    };
    let name = match path.file_name() {
        Some(name) if name == FILE_NAME => folder_name(),
        _ => path.file_stem().map(ToOwned::to_owned),
    };
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let files = Beneath::of(&path);
    let laid = Laid::default();
    Origin {
        name,
        path,
        files,
        laid,
    }
}

/// A file of another version is not looked at further: its other faults would be of our making.
fn version(file: &Table, source: &Arc<Source>) -> Result<(), ScenarioErrors> {
    let node = file.get("version").map(|entry| &entry.node);
    let unknown: String;
    let (message, label) = match node.map(|node| &node.value) {
        Some(Value::Integer(VERSION)) => return Ok(()),
        Some(Value::Integer(other)) => {
            unknown = format!("version {other} of the format is not known");
            (unknown.as_str(), "not known")
        }
        Some(_) => ("`version` is not a number", "not a number"),
        None => ("a scenario needs `version`", "`version` is missing"),
    };
    let (source, span) = (Arc::clone(source), 0..0);
    let place = node.map_or(Place { source, span }, |node| node.place.clone());
    let fault = Fault::new(&place, code::VERSION, message, label);
    Err(fault.help(format!("write `version = {VERSION}`")).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnose;

    #[test]
    fn what_cannot_be_read_is_a_fault_too() {
        let folder = tempfile::tempdir().unwrap();
        let errors = load(folder.path()).unwrap_err();
        assert_eq!(errors.code(), code::UNREADABLE);
        assert!(errors.render(true).contains(FILE_NAME));
    }
}
