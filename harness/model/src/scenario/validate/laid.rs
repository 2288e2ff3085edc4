//! What folders hold that are laid over guests' root file systems.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::scenario::beneath::{Beneath, EntryKind, Unread};
use crate::scenario::{GuestFile, GuestFileKind};

/// The most that is laid over a guest, in bytes: it passes through the guest's memory.
pub(super) const MOST: u64 = 16 << 20;
/// The most files, links and folders.
pub(super) const MOST_FILES: usize = 4096;
/// The longest path, in bytes: PATH_MAX of Linux.
const LONGEST: usize = 4096;

/// Paths that make a guest this guest; the lab writes them.
const OURS: [&str; 6] = [
    "/etc/hostname",
    "/etc/machine-id",
    "/etc/bridgelab/",
    "/etc/ssh/ssh_host_",
    "/root/.ssh/authorized_keys",
    "/usr/lib/bridgelab/",
];

/// Folders that were read, each once however many guests and forms name it.
#[derive(Debug, Default)]
pub(crate) struct Laid(RefCell<BTreeMap<PathBuf, Rc<Found>>>);

impl Laid {
    pub(super) fn read(&self, files: &Beneath, folder: &Path) -> Result<Rc<Found>, Unread> {
        if let Some(found) = self.0.borrow().get(folder) {
            return Ok(Rc::clone(found));
        }
        let mut found = Found::default();
        found.read(files, folder, "")?;
        found.shared = std::mem::take(&mut found.files).into();
        let found = Rc::new(found);
        let mut known = self.0.borrow_mut();
        known.insert(folder.to_owned(), Rc::clone(&found));
        Ok(found)
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    files: Vec<GuestFile>,
    /// The same, once all are there.
    pub(super) shared: Arc<[GuestFile]>,
    pub(super) bytes: u64,
    /// Files, links and folders.
    pub(super) all: usize,
    pub(super) problems: Vec<String>,
}

impl Found {
    fn read(&mut self, files: &Beneath, folder: &Path, inside: &str) -> Result<(), Unread> {
        for from in files.list(folder)?.iter() {
            let path = folder.join(from);
            self.all += 1;
            if self.all > MOST_FILES {
                return Ok(());
            }
            let Some(name) = from.to_str() else {
                self.problems
                    .push(format!("the name of `{}` is not UTF-8", path.display()));
                continue;
            };
            let inside = format!("{inside}/{name}");
            let kind = files.kind(&path)?;
            if kind == EntryKind::Folder {
                if inside.len() > LONGEST {
                    self.problems
                        .push(format!("a path in it is longer than {LONGEST} bytes"));
                    return Ok(());
                }
                self.read(files, &path, &inside)?;
                continue;
            }
            if OURS.iter().any(|ours| inside.starts_with(ours)) {
                let instead = match inside.as_str() {
                    "/etc/machine-id" => "; `machine_id` says another one",
                    _ => "",
                };
                self.problems.push(format!(
                    "`{inside}` is what the lab gives each guest of its own{instead}"
                ));
                continue;
            }
            let kind = match kind {
                EntryKind::Link => {
                    let target = files.link(&path)?.to_string_lossy().into_owned();
                    GuestFileKind::Link { target }
                }
                EntryKind::File { executable } => match files.read(&path, MOST) {
                    Ok(bytes) => {
                        self.bytes += bytes.len() as u64;
                        GuestFileKind::File { executable, bytes }
                    }
                    Err(unread) => {
                        self.problems.push(unread.in_words("file", &inside));
                        continue;
                    }
                },
                EntryKind::Folder | EntryKind::Other => {
                    self.problems
                        .push(format!("`{inside}` is neither a file nor a link"));
                    continue;
                }
            };
            self.files.push(GuestFile { path: inside, kind });
        }
        Ok(())
    }
}
