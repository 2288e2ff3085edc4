//! A scenario as it was when its run was asked for. A run may wait in the queue for minutes, while somebody edits the scenario.
//!
//! The scenario's own text travels with the job. Of the files that it names only digests do. A run with some files of then and
//! some of now is a run that nobody has asked for, so a changed file is reported and the run has no verdict.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::copied::{LARGEST, named, unread};
use crate::diagnostic::Diagnose;
use crate::scenario::{
    Beneath, EntryKind, LoadedScenario, Overrides, ScenarioErrors, file_of, load_text_with,
};

/// What a scenario was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The text of its file.
    pub text: String,
    /// SHA-256 of each file that the scenario names, and of each file in a folder that it names, by the file's path relative to
    /// the root of what the scenario may read.
    digests: BTreeMap<PathBuf, String>,
}

/// A file of a scenario is not what it was when the run was asked for.
#[derive(Debug, thiserror::Error)]
#[error("run `{}` as it was asked for: its file `{}` {how} while the run waited", scenario.display(), file.display())]
pub struct Changed {
    scenario: PathBuf,
    file: PathBuf,
    how: &'static str,
}

impl Diagnose for Changed {
    fn code(&self) -> &'static str {
        "scenario.changed"
    }

    fn help(&self) -> Option<String> {
        Some("run it again, with its files as they are by now".to_owned())
    }
}

impl Sources {
    /// Reads the files of a valid scenario: `path` is its file's, `text` the file's text.
    ///
    /// # Errors
    /// What could not be read, with its path.
    pub fn read(path: &Path, text: &str) -> io::Result<Self> {
        Ok(Self {
            text: text.to_owned(),
            digests: digests(path, text)?,
        })
    }

    /// Reads the scenario again, with the text of then. `path` is the file's path now.
    ///
    /// # Errors
    /// What is wrong with the scenario, since its files have changed.
    pub(super) fn load(
        &self,
        path: &Path,
        overrides: &[Overrides],
    ) -> Result<LoadedScenario, ScenarioErrors> {
        load_text_with(&file_of(path), self.text.clone(), overrides)
    }

    /// Checks that the files are what they were. `path` is the path of the scenario's file now.
    ///
    /// # Errors
    /// The first file that has changed.
    pub(super) fn are_unchanged(&self, path: &Path) -> Result<(), Changed> {
        let changed = |file: &Path, how| Changed {
            scenario: path.to_owned(),
            file: file.to_owned(),
            how,
        };
        let now = digests(path, &self.text);
        let now = now.map_err(|_| changed(path, "could not be read any more"))?;
        for (file, before) in &self.digests {
            match now.get(file) {
                Some(digest) if digest == before => {}
                Some(_) => return Err(changed(file, "was changed")),
                None => return Err(changed(file, "was taken away")),
            }
        }
        let mut files = now.keys();
        match files.find(|file| !self.digests.contains_key(*file)) {
            Some(new) => Err(changed(new, "came")),
            None => Ok(()),
        }
    }
}

fn digests(path: &Path, text: &str) -> io::Result<BTreeMap<PathBuf, String>> {
    let here = Beneath::of(&file_of(path));
    let files = Beneath::at(here.root(), Path::new(""));
    let mut found = BTreeMap::new();
    for (_, one) in named(&here, &files, text)? {
        digest_of(&files, &one, &mut found)?;
    }
    Ok(found)
}

fn digest_of(
    files: &Beneath,
    path: &Path,
    found: &mut BTreeMap<PathBuf, String>,
) -> io::Result<()> {
    let mut hash = Sha256::new();
    match files.kind(path).map_err(unread(path))? {
        EntryKind::Other => return Ok(()),
        EntryKind::File { .. } => {
            hash.update(files.read(path, LARGEST).map_err(unread(path))?);
        }
        EntryKind::Link if files.folder_id(path).is_none() => {
            // A link that leads nowhere, or out of the root, masks a unit: only where it points to can change.
            match files.read(path, LARGEST) {
                Ok(bytes) => hash.update(bytes),
                Err(_) => {
                    let points = files.link(path).map_err(unread(path))?;
                    hash.update(points.to_string_lossy().as_bytes());
                }
            }
        }
        EntryKind::Folder | EntryKind::Link => {
            for name in files.list(path).map_err(unread(path))?.iter() {
                digest_of(files, &path.join(name), found)?;
            }
            return Ok(());
        }
    }
    let digest = hash.finalize();
    let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    found.insert(path.to_owned(), digest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_change_of_a_file_that_is_read_is_told_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("scenarios/base/host")).expect("a folder");
        fs::create_dir_all(at("scenarios/one/red")).expect("a folder");
        let write = |name: &str, text: &str| fs::write(at(name), text).expect("a file");
        let text = "version = 1\nsummary = 's'\n[machines.host]\nnetworkd = '../base/host'\nnftables = 'a.nft'\n\
             [variants.red.machines.host]\nnetworkd = 'red'\n";
        let file = at("scenarios/one/scenario.toml");
        write("scenarios/one/scenario.toml", text);
        write("scenarios/base/host/10-a.network", "[Match]\nName=eno1\n");
        write("scenarios/one/a.nft", "table inet g {}\n");
        write("scenarios/one/red/10-a.network", "[Match]\nName=eno2\n");
        symlink("/dev/null", at("scenarios/one/red/20-b.network")).expect("a link");
        symlink("10-a.network", at("scenarios/one/red/30-c.network")).expect("a link");
        let sources = Sources::read(&file, text).expect("digests");
        let by_folder = Sources::read(&at("scenarios/one"), text).expect("digests");
        assert_eq!(by_folder, sources, "a scenario is named by its folder, too");
        for path in [&file, &at("scenarios/one")] {
            let loaded = sources.load(path, &[]).expect("a scenario");
            assert_eq!(loaded.name(), "one");
        }
        let told = || match sources.are_unchanged(&file) {
            Ok(()) => String::new(),
            Err(changed) => format!("{} {}", changed.file.display(), changed.how),
        };
        assert_eq!(told(), "");
        write("scenarios/one/scenario.toml", "version = 2");
        write("scenarios/one/notes", "of nobody's concern");
        assert_eq!(told(), "", "its own text travels with the job");
        write("scenarios/one/a.nft", "table inet f {}\n");
        assert!(told().ends_with("one/a.nft was changed"), "{}", told());
        write("scenarios/one/a.nft", "table inet g {}\n");
        fs::write(at("scenarios/base/host/20-b.netdev"), "").expect("a file");
        assert!(told().ends_with("host/20-b.netdev came"), "{}", told());
        fs::remove_file(at("scenarios/base/host/20-b.netdev")).expect("removed");
        write("scenarios/one/red/10-a.network", "[Match]\nName=eno3\n");
        assert!(
            told().ends_with("red/10-a.network was changed"),
            "{}",
            told()
        );
        fs::remove_file(at("scenarios/one/red/10-a.network")).expect("removed");
        assert!(
            told().ends_with("red/10-a.network was taken away"),
            "{}",
            told()
        );
    }
}
