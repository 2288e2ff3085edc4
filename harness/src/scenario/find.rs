//! Where scenarios lie.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::load::FILE_NAME;
use super::near::suggest;
use crate::diagnostic::Diagnose;

/// The folder of scenarios below the root.
const FOLDER: &str = "scenarios";

/// Scenarios that must be rejected; they belong to the tests.
const INVALID: &str = "invalid";

/// No scenario lies deeper, unless folders go in circles.
const DEEPEST: usize = 8;

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
            Self::Folder { .. } => "scenario.folder",
            Self::Unknown { .. } => "scenario.unknown",
            Self::Ambiguous { .. } => "scenario.ambiguous",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Folder { .. } => Some("run it in the folder that holds `scenarios/`".to_owned()),
            Self::Unknown { help, .. } | Self::Ambiguous { help, .. } => Some(help.clone()),
        }
    }
}

/// Every scenario under `root/scenarios`, by name: folders with a `scenario.toml`, and `.toml` files beside
/// them. `invalid/` is left out.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn scenario_names(root: &Path) -> Result<Vec<ScenarioName>, FindError> {
    let mut found = Vec::new();
    walk(&root.join(FOLDER), "", 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<ScenarioName>,
) -> Result<(), FindError> {
    let error = |source| FindError::Folder {
        folder: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let full = |name: &str| format!("{prefix}{name}");
        if name.starts_with('.') || (depth == 0 && name == INVALID) {
            continue;
        }
        if path.is_dir() {
            if path.join(FILE_NAME).is_file() {
                found.push(ScenarioName {
                    name: full(&name),
                    path,
                });
            } else if depth < DEEPEST {
                walk(&path, &format!("{}/", full(&name)), depth + 1, found)?;
            }
        } else if let Some(stem) = name.strip_suffix(".toml") {
            found.push(ScenarioName {
                name: full(stem),
                path,
            });
        }
    }
    Ok(())
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
    path.join(FILE_NAME).is_file() || (is_toml && path.is_file())
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
