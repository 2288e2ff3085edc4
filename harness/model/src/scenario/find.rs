//! Where scenarios lie.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::beneath::{Beneath, LIBRARY as FOLDER};
use super::load::FILE_NAME;
use crate::diagnostic::Diagnose;
use crate::did_you_mean::suggest;

/// Scenarios that must be rejected; they belong to the tests.
const INVALID: &str = "invalid";

/// No scenario lies deeper.
const DEEPEST: usize = 8;

/// The most folders that are looked into.
const FOLDERS: usize = 4096;

/// A scenario that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScenarioName {
    /// The path below `scenarios/`, without `.toml`: `simple-network`, `regress/issue-1`.
    pub name: String,
    /// The folder or file.
    pub path: PathBuf,
}

/// Why there is no such scenario.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FindError {
    /// A folder of scenarios cannot be read.
    #[error("read the folder of scenarios `{}`", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// More folders than a library has.
    #[error("look for scenarios in `{}`: there are more than {FOLDERS} folders", folder.display())]
    Many {
        /// The folder.
        folder: PathBuf,
    },
    /// Neither a scenario's name nor a path.
    #[error("there is no scenario `{name}`")]
    Unknown {
        /// The name asked for.
        name: String,
        /// What may have been meant.
        help: String,
    },
    /// A last part that several scenarios share.
    #[error("`{name}` is the name of more than one scenario")]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// The full names.
        help: String,
    },
}

impl Diagnose for FindError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } | Self::Many { .. } => "scenario.folder",
            Self::Unknown { .. } => "scenario.unknown",
            Self::Ambiguous { .. } => "scenario.ambiguous",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Folder { .. } => Some("run it in the folder that holds `scenarios/`".to_owned()),
            Self::Many { .. } => Some("name the scenario by its path".to_owned()),
            Self::Unknown { help, .. } | Self::Ambiguous { help, .. } => Some(help.clone()),
        }
    }
}

/// Every scenario under `root/scenarios`, by name: folders with a `scenario.toml`, and `.toml` files beside
/// them. `invalid/` is left out, and so is what a symlink leads to outside of the folder; it can be named by its path.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn scenario_names(root: &Path) -> Result<Vec<ScenarioName>, FindError> {
    let folder = root.join(FOLDER);
    let files = Beneath::at(&folder, Path::new(""));
    let above = files.folder_id(Path::new("")).into_iter().collect();
    let mut walk = Walk {
        files,
        folder,
        above,
        folders: 0,
        found: Vec::new(),
    };
    walk.folder(Path::new(""), "")?;
    walk.found.sort();
    Ok(walk.found)
}

struct Walk {
    folder: PathBuf,
    files: Beneath,
    /// The folders that it is in, as the kernel numbers them: a symlink may lead back into one.
    above: Vec<(u64, u64)>,
    folders: usize,
    found: Vec<ScenarioName>,
}

impl Walk {
    /// Looks into a folder, whose path is relative to that of all scenarios.
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), FindError> {
        let entries = self.files.list(folder).map_err(|unread| {
            let (whole, name) = (self.folder.join(folder), folder.display().to_string());
            FindError::Folder {
                folder: whole,
                source: unread.into_io("folder", &name),
            }
        })?;
        self.folders += 1;
        if self.folders > FOLDERS {
            let folder = self.folder.clone();
            return Err(FindError::Many { folder });
        }
        for entry in entries.iter() {
            let path = folder.join(entry);
            let name = entry.to_string_lossy().into_owned();
            if name.starts_with('.') || (prefix.is_empty() && name == INVALID) {
                continue;
            }
            let mut add = |name: &str| {
                self.found.push(ScenarioName {
                    name: format!("{prefix}{name}"),
                    path: self.folder.join(&path),
                });
            };
            if let Some(id) = self.files.folder_id(&path) {
                if self.files.has_file(&path.join(FILE_NAME)) {
                    add(&name);
                } else if self.above.len() <= DEEPEST && !self.above.contains(&id) {
                    self.above.push(id);
                    self.folder(&path, &format!("{prefix}{name}/"))?;
                    self.above.pop();
                }
            } else if let Some(stem) = name.strip_suffix(".toml") {
                add(stem);
            }
        }
        Ok(())
    }
}

/// The scenario that a user means: by name, by the last part of a name, or by path to its folder or file.
///
/// # Errors
///
/// When there is none or more than one.
pub fn find(root: &Path, wanted: &str) -> Result<PathBuf, FindError> {
    let path = Path::new(wanted);
    let scenarios = match scenario_names(root) {
        Ok(scenarios) => scenarios,
        // A path needs no folder of scenarios.
        Err(_) if is_scenario(path) => return Ok(path.to_owned()),
        Err(error) => return Err(error),
    };
    if let Some(scenario) = scenarios.iter().find(|scenario| scenario.name == wanted) {
        return Ok(scenario.path.clone());
    }
    if is_scenario(path) {
        return Ok(path.to_owned());
    }
    let last = |name: &str| {
        name.rsplit_once('/')
            .is_some_and(|(_, last)| last == wanted)
    };
    let mut same: Vec<_> = scenarios
        .iter()
        .filter(|scenario| last(&scenario.name))
        .collect();
    let name = wanted.to_owned();
    match (same.len(), same.pop()) {
        (1, Some(scenario)) => Ok(scenario.path.clone()),
        (0, _) => {
            let names = scenarios.iter().map(|scenario| scenario.name.as_str());
            let help = suggest(wanted, "scenarios", names);
            Err(FindError::Unknown { name, help })
        }
        _ => {
            let full = scenarios.iter().map(|scenario| scenario.name.as_str());
            let full: Vec<_> = full
                .filter(|name| last(name))
                .map(|name| format!("`{name}`"))
                .collect();
            let help = format!("say which: {}", full.join(", "));
            Err(FindError::Ambiguous { name, help })
        }
    }
}

fn is_scenario(path: &Path) -> bool {
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension == "toml");
    let within = |folder: &Path, file: &Path| Beneath::at(folder, Path::new("")).has_file(file);
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    within(path, Path::new(FILE_NAME))
        || is_toml
            && path
                .file_name()
                .is_some_and(|name| within(folder, Path::new(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "simple-network/scenario.toml",
            "simple-network/host/x.network",
            "dns/own.toml",
            "ra/own.toml",
            "ra/lifetime/scenario.toml",
            "invalid/bad.toml",
            ".git/x.toml",
            "README.md",
        ] {
            let path = root.path().join(FOLDER).join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn folders_and_files_are_found_and_invalid_ones_are_not() {
        let root = tree();
        let names: Vec<_> = scenario_names(root.path())
            .unwrap()
            .into_iter()
            .map(|s| s.name)
            .collect();
        assert_eq!(
            names,
            ["dns/own", "ra/lifetime", "ra/own", "simple-network"]
        );
    }

    #[test]
    fn a_scenario_is_found_by_name_by_its_last_part_and_by_path() {
        let root = tree();
        let scenarios = root.path().join(FOLDER);
        let find = |name: &str| find(root.path(), name);
        assert_eq!(find("ra/own").unwrap(), scenarios.join("ra/own.toml"));
        assert_eq!(find("lifetime").unwrap(), scenarios.join("ra/lifetime"));
        let file = scenarios.join("dns/own.toml");
        assert_eq!(find(file.to_str().unwrap()).unwrap(), file);
        let folder = scenarios.join("simple-network");
        assert_eq!(find(folder.to_str().unwrap()).unwrap(), folder);
        let bad = scenarios.join("invalid/bad.toml");
        assert_eq!(find(bad.to_str().unwrap()).unwrap(), bad);
    }

    #[test]
    fn what_is_not_found_comes_with_what_there_is() {
        let root = tree();
        let help = |name: &str| find(root.path(), name).unwrap_err().help().unwrap();
        assert_eq!(help("simple-netwrok"), "did you mean `simple-network`?");
        assert_eq!(help("own"), "say which: `dns/own`, `ra/own`");
        assert_eq!(
            help("x"),
            "scenarios: `dns/own`, `ra/lifetime`, `ra/own`, `simple-network`"
        );
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(
            super::find(empty.path(), "x"),
            Err(FindError::Folder { .. })
        ));
    }
}
