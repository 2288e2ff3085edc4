//! What folders of systemd-networkd unit files hold, as networkd looks at them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::did_you_mean::suggest;
use crate::networkd::{MASK, SUFFIXES, Taken, netdevs};
use crate::scenario::UnitFile;
use crate::scenario::beneath::{self, Beneath, EntryKind, Unread, from_here};
use crate::scenario::error::code;

/// Folders that were read, each once however many layers name it.
#[derive(Debug, Default)]
pub(crate) struct UnitFolders(RefCell<BTreeMap<PathBuf, Rc<UnitFolder>>>);

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct UnitFolder {
    pub(crate) units: Vec<UnitFile>,
    /// Interfaces that its `.netdev` files make.
    pub(crate) netdevs: BTreeSet<String>,
    /// Names of files that networkd does not read.
    pub(crate) passed_over: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

/// What is wrong with a folder.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) label: &'static str,
    pub(super) help: Option<String>,
}

/// What is underlined where something in a folder is wrong.
pub(super) const HOLDS: &str = "the folder that holds it";

impl Problem {
    fn of(unread: &Unread, what: &str, name: &str, label: &'static str) -> Self {
        Self {
            code: unread.code(code::UNIT_FILE),
            message: unread.in_words(what, name),
            label,
            help: unread.help(),
        }
    }
}

impl UnitFolders {
    pub(crate) fn read(&self, files: &Beneath, folder: &Path) -> Rc<UnitFolder> {
        let mut folders = self.0.borrow_mut();
        let read = folders.entry(folder.to_owned());
        Rc::clone(read.or_insert_with(|| Rc::new(UnitFolder::read(files, folder))))
    }
}

impl UnitFolder {
    fn read(files: &Beneath, folder: &Path) -> Self {
        // `..` has no name of its own.
        let name = folder.components().next_back().unwrap_or(Component::CurDir);
        let name = name.as_os_str().to_string_lossy();
        let mut read = Self::default();
        if let Err(unread) = read.fill(files, folder) {
            let help = match unread {
                Unread::Absent => Some(other_folders(files, folder, &name)),
                _ => unread.help(),
            };
            let label = "unit files are read from this folder";
            let problem = Problem::of(&unread, "folder", &folder.to_string_lossy(), label);
            read.problems.push(Problem { help, ..problem });
        } else if read.units.is_empty() && read.problems.is_empty() {
            read.problems.push(Problem {
                code: code::UNIT_FILE,
                message: format!("folder `{name}` holds no unit file"),
                label: "nothing for networkd to read",
                help: Some(format!(
                    "unit files end in {}",
                    SUFFIXES.map(|s| format!("`{s}`")).join(", ")
                )),
            });
        }
        read
    }

    /// As networkd looks at it: what has another name, such as a `README` or an editor's backup, is passed over.
    fn fill(&mut self, files: &Beneath, folder: &Path) -> Result<(), Unread> {
        for (name, path) in entries(files, folder)? {
            match Taken::of(&name) {
                Taken::Unit => self.take(files, name, &path),
                Taken::DropIns => self.take_drop_ins(files, name, &path),
                Taken::PassedOver => self.passed_over.push(name),
            }
        }
        self.netdevs = netdevs(&self.units);
        Ok(())
    }

    /// networkd says nothing of a drop-in folder that it cannot open, or whose link leads nowhere (`conf_files_list_strv` of
    /// systemd): whoever has made a link wanted what it leads to.
    fn take_drop_ins(&mut self, files: &Beneath, name: String, folder: &Path) {
        match entries(files, folder) {
            Ok(entries) => {
                for (inside, path) in entries {
                    if inside.ends_with(".conf") {
                        self.take(files, format!("{name}/{inside}"), &path);
                    }
                }
            }
            Err(Unread::NotFolder) => self.passed_over.push(name),
            Err(Unread::Absent) => self.problems.push(Problem {
                code: code::UNIT_FILE,
                message: format!("the link `{name}` leads to nothing"),
                label: HOLDS,
                help: Some("networkd passes over it without a word: give it a folder of drop-ins to lead to, or remove it".to_owned()),
            }),
            Err(unread) => (self.problems).push(Problem::of(&unread, "folder of drop-ins", &name, HOLDS)),
        }
    }

    fn take(&mut self, files: &Beneath, name: String, path: &Path) {
        let bytes = match files.link(path) {
            Ok(target) if target == Path::new(MASK) => Ok(Arc::default()),
            _ => files.read(path, beneath::UNIT),
        };
        match bytes {
            Ok(bytes) => self.units.push(UnitFile {
                name,
                shown: from_here(&files.named(path)),
                bytes,
            }),
            Err(unread) => (self.problems).push(Problem::of(&unread, "unit file", &name, HOLDS)),
        }
    }
}

/// What a folder holds, by name. Names that begin with a dot are editors' and version control's; networkd skips them, too.
fn entries(files: &Beneath, folder: &Path) -> Result<Vec<(String, PathBuf)>, Unread> {
    let named = |name: &OsString| (name.to_string_lossy().into_owned(), folder.join(name));
    let mut entries: Vec<_> = files.list(folder)?.iter().map(named).collect();
    entries.retain(|(name, _)| !name.starts_with('.'));
    Ok(entries)
}

/// For a folder that is not there: the one meant, or those there are beside it.
fn other_folders(files: &Beneath, folder: &Path, name: &str) -> String {
    let names = files.beside(folder, |kind| kind == EntryKind::Folder);
    let names = names.iter().map(String::as_str);
    suggest(name, "folders beside the file", names)
}

#[cfg(test)]
mod tests;
