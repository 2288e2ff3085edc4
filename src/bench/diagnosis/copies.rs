//! Copies of a scenario in which something is broken, and in which it is put right again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bridgelab_harness::diagnosis::{Diagnosis, Edit, apply};
use bridgelab_harness::lab::normal;

use crate::mutate::frozen::{Frozen, What};
use crate::mutate::named::{Broken, Named, named};
use crate::mutate::subject::{Prepared, Subject, Unprepared, put};

/// What is broken: texts of files, and of each thing the lines that may be named.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// As of a frozen mutant, of two things with a `+` between them.
    pub(super) id: String,
    /// The files; one that is gone has no text.
    files: BTreeMap<PathBuf, Option<String>>,
    /// Of each thing its file, its line in the unbroken file, and the lines that may be named.
    pub(super) things: Vec<(PathBuf, usize, Range<usize>)>,
}

/// The name of what is broken.
pub(super) fn id(broken: &[Frozen]) -> String {
    let ids: Vec<String> = broken.iter().map(Frozen::id).collect();
    ids.join(" + ")
}

impl Fault {
    /// What is to be broken in the scenario as it is now.
    ///
    /// # Errors
    /// Why it is stale.
    pub(super) fn of(subject: &Subject, broken: &[Frozen]) -> Result<Self, String> {
        let folder = subject.green.path.parent().unwrap_or(Path::new(""));
        let mut files: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
        let mut things = Vec::new();
        for one in broken {
            let text = match files.get(&one.file) {
                Some(text) => text.clone(),
                None => fs::read_to_string(folder.join(&one.file)).ok(),
            };
            let text = text.ok_or_else(|| format!("there is no {}", one.file.display()))?;
            let changed = one.applied(&text)?;
            let line = match &one.what {
                What::Removed { .. } => 1,
                What::Lines(lines) => lines.line,
            };
            things.push((one.file.clone(), line, changed.named));
            files.insert(one.file.clone(), changed.text);
        }
        Ok(Self {
            id: id(broken),
            files,
            things,
        })
    }

    /// A copy of the scenario with it.
    pub(super) fn copy(&self, subject: &Subject, called: &str) -> Result<Prepared, Unprepared> {
        subject.broken(called, |folder| self.put(folder))
    }

    /// The same, with a remedy.
    pub(super) fn remedied(
        &self,
        subject: &Subject,
        called: &str,
        edits: &[Edit],
    ) -> Result<Prepared, Unprepared> {
        subject.broken(called, |folder| {
            self.put(folder)?;
            edited(subject.folder(), folder, edits)
        })
    }

    fn put(&self, folder: &Path) -> io::Result<()> {
        let mut files = self.files.iter();
        files.try_for_each(|(file, text)| put(&folder.join(file), text.as_deref()))
    }

    /// What diagnoses of a run of that copy name, of each thing that is broken.
    pub(super) fn named(&self, folder: &Path, diagnoses: &[Diagnosis]) -> Vec<Named> {
        let of = |(file, _, lines): &(PathBuf, usize, Range<usize>)| {
            named(
                diagnoses,
                Broken {
                    folder,
                    file,
                    lines,
                },
            )
        };
        self.things.iter().map(of).collect()
    }
}

/// Carries out a remedy on a copy. Nothing outside of the folder of copies is written.
fn edited(copies: &Path, folder: &Path, edits: &[Edit]) -> io::Result<()> {
    let mut by_file: BTreeMap<PathBuf, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        let file = normal(&folder.join(&edit.file));
        if !file.starts_with(copies) {
            let file = edit.file.display();
            return Err(io::Error::other(format!("{file} is not in the copy")));
        }
        by_file.entry(file).or_default().push(edit);
    }
    for (file, edits) in by_file {
        let text = match file.exists() {
            true => Some(fs::read_to_string(&file)?),
            false => None,
        };
        let changed = apply(text.as_deref(), &edits).map_err(io::Error::other)?;
        fs::write(&file, changed)?;
    }
    Ok(())
}
