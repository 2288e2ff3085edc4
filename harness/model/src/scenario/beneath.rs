//! The files of a scenario: they lie beneath one folder, they are regular, and they are not too large.
//!
//! A scenario may be a stranger's. Whatever path it names, and whatever symlinks lie on the way, the kernel resolves it in
//! one call that cannot leave the root: openat2(2) with `RESOLVE_BENEATH` and `RESOLVE_NO_MAGICLINKS`, Linux 5.6 and newer.
//! Nothing is remembered between looking and reading, so there is no moment at which a link could be put in the place
//! of a file. A FIFO, a socket or a device is not even opened for reading.
//!
//! The root is the nearest folder above the scenario's file that is called `scenarios`, since scenarios use each other's files;
//! outside of one it is the folder of the file. `harness/docs/trust.md` has the reasons.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat};

use super::error::code;

/// The folder of a library of scenarios.
pub(crate) const LIBRARY: &str = "scenarios";

/// The most bytes of a scenario's own file.
pub(super) const SCENARIO: u64 = 4 << 20;
/// The most bytes of a unit file.
pub const UNIT: u64 = 1 << 20;
/// The most bytes of a ruleset.
pub(super) const RULESET: u64 = 4 << 20;
/// The most bytes of all files of one scenario.
const ALL: u64 = 64 << 20;
/// The most entries of one folder.
const ENTRIES: usize = 4096;
/// The most entries of all folders of one scenario, and of a library.
const ALL_ENTRIES: usize = 1 << 16;
/// How often a path is tried again that somebody renames folders of.
const TRIES: usize = 16;

/// Why a path of a scenario was not read.
#[derive(Debug)]
pub enum Unread {
    /// There is nothing of that name.
    Absent,
    /// A part of the path is no folder.
    NotFolder,
    /// It leads out of the root, whose last part this is.
    Outside(String),
    /// The file lies in somebody's home itself, or in `/`, where everything else lies as well.
    NoFolderOfItsOwn,
    /// A symlink that leads to itself.
    Circle,
    /// Not a regular file, but this.
    Kind(&'static str),
    /// More bytes than this.
    Large(u64),
    /// More entries than a folder may have.
    Many,
    /// With it, more entries than all folders may have.
    ManyInAll,
    /// More bytes than all files of a scenario may have.
    Spent,
    /// What the kernel said.
    Io(io::Error),
}

impl Unread {
    /// The fault in words: of `what`, a `file` or `unit file` or so, which the scenario calls `name`.
    pub(crate) fn in_words(&self, what: &str, name: &str) -> String {
        match self {
            Self::Absent => format!("there is no {what} `{name}`"),
            Self::NotFolder => format!("`{name}` is not a folder"),
            Self::Outside(root) => format!("{what} `{name}` leads out of the folder `{root}`"),
            Self::NoFolderOfItsOwn => {
                format!(
                    "{what} `{name}` is not read: the scenario lies beside everything that you have"
                )
            }
            Self::Circle => format!("{what} `{name}` is a symlink that goes in circles"),
            Self::Kind(kind) => format!("{what} `{name}` is {kind}, not a regular file"),
            Self::Large(most) => format!("{what} `{name}` is larger than {}", bytes(*most)),
            Self::Many => format!("{what} `{name}` holds more than {ENTRIES} entries"),
            Self::ManyInAll => {
                format!("with {what} `{name}` there are more than {ALL_ENTRIES} entries in all")
            }
            Self::Spent => format!(
                "with {what} `{name}` the scenario's files take more than {}",
                bytes(ALL)
            ),
            Self::Io(error) => format!("{what} `{name}` cannot be read: {error}"),
        }
    }

    /// The code of the fault, which is `usual` for what has none of its own.
    pub(super) fn code(&self, usual: &'static str) -> &'static str {
        match self {
            Self::Outside(_) | Self::NoFolderOfItsOwn => code::OUTSIDE,
            _ => usual,
        }
    }

    /// What can be done about it, where the message does not say it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Outside(root) => Some(format!(
                "a scenario reads what lies in `{root}`, by relative paths and symlinks: copy the file there"
            )),
            Self::NoFolderOfItsOwn => {
                Some("give the scenario and its files a folder of their own".to_owned())
            }
            _ => None,
        }
    }

    /// As the kernel says it.
    pub fn into_io(self, what: &str, name: &str) -> io::Error {
        match self {
            Self::Io(error) => error,
            Self::Absent => io::Error::from(Errno::ENOENT),
            Self::NotFolder => io::Error::from(Errno::ENOTDIR),
            Self::Circle => io::Error::from(Errno::ELOOP),
            other => io::Error::other(other.in_words(what, name)),
        }
    }

    fn from(errno: Errno, root: &Path) -> Self {
        match errno {
            Errno::ENOENT => Self::Absent,
            Errno::ENOTDIR => Self::NotFolder,
            Errno::EXDEV => Self::Outside(last(root)),
            Errno::ELOOP => Self::Circle,
            Errno::ENOSYS => Self::Io(io::Error::other(
                "openat2(2) is missing: Linux 5.6 or newer is needed",
            )),
            other => Self::Io(other.into()),
        }
    }
}

/// `64 MiB`.
fn bytes(number: u64) -> String {
    format!("{} MiB", number >> 20)
}

/// The last part of a folder's path, or all of `/`.
fn last(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symlink, wherever it leads.
    Link,
    /// Anything else.
    Other,
}

/// The folder that the paths of one scenario stay beneath.
#[derive(Debug)]
pub struct Beneath {
    root: PathBuf,
    fd: Result<OwnedFd, Errno>,
    /// From the root to the scenario's folder, which its paths are relative to.
    folder: PathBuf,
    /// The scenario's folder as the user named it.
    named: PathBuf,
    /// Whether `root` holds more than a scenario.
    everything: bool,
    /// What was read: every form of a scenario reads the same files.
    read: RefCell<BTreeMap<PathBuf, Arc<[u8]>>>,
    spent: Cell<u64>,
    entries: Cell<usize>,
    listed: RefCell<BTreeMap<PathBuf, Rc<[OsString]>>>,
}

impl Beneath {
    /// The root of the scenario whose file this is. When its folder is not there, no path of it is.
    pub fn of(file: &Path) -> Self {
        let named = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        // The way to the file is the user's own word, links included; what the scenario says begins there.
        let folder = named.canonicalize().unwrap_or_else(|_| named.to_owned());
        let library = folder.ancestors().find(|above| above.ends_with(LIBRARY));
        let root = library.unwrap_or(&folder).to_owned();
        Self {
            named: named.to_owned(),
            ..Self::at(&root, folder.strip_prefix(&root).unwrap_or(Path::new("")))
        }
    }

    /// A folder, and one beneath it that paths are relative to.
    pub fn at(root: &Path, folder: &Path) -> Self {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat2(AT_FDCWD, root, OpenHow::new().flags(flags));
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let is_home = |home: PathBuf| home.canonicalize().unwrap_or(home) == root;
        Self {
            root: root.to_owned(),
            fd,
            folder: folder.to_owned(),
            named: root.join(folder),
            everything: root.parent().is_none() || home.is_some_and(is_home),
            read: RefCell::default(),
            spent: Cell::new(0),
            entries: Cell::new(0),
            listed: RefCell::default(),
        }
    }

    /// The folder that nothing is read outside of.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The scenario's own folder.
    pub fn folder(&self) -> PathBuf {
        self.root.join(&self.folder)
    }

    /// A path as people know it.
    pub fn named(&self, path: &Path) -> PathBuf {
        self.named.join(path)
    }

    /// What a regular file holds; `path` is relative to the scenario's folder.
    ///
    /// # Errors
    /// [`Unread`], also when there are more than `most` bytes.
    pub fn read(&self, path: &Path, most: u64) -> Result<Arc<[u8]>, Unread> {
        if let Some(bytes) = self.read.borrow().get(path) {
            return Ok(Arc::clone(bytes));
        }
        if self.everything {
            return Err(Unread::NoFolderOfItsOwn);
        }
        self.read_own(path, most)
    }

    /// As [`Beneath::read`], of a file that the user named and not the scenario.
    ///
    /// # Errors
    /// [`Unread`].
    pub(super) fn read_own(&self, path: &Path, most: u64) -> Result<Arc<[u8]>, Unread> {
        let mut file = self.open_file(path, most)?;
        let mut bytes = Vec::new();
        // A file may grow while it is read.
        let read = file.by_ref().take(most + 1).read_to_end(&mut bytes);
        let read = read.map_err(Unread::Io)? as u64;
        if read > most {
            return Err(Unread::Large(most));
        }
        if self.spent.get() + read > ALL {
            return Err(Unread::Spent);
        }
        self.spent.set(self.spent.get() + read);
        let bytes: Arc<[u8]> = bytes.into();
        let mut known = self.read.borrow_mut();
        known.insert(path.to_owned(), Arc::clone(&bytes));
        Ok(bytes)
    }

    /// A regular file, open for reading, which had at most `most` bytes.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn open_file(&self, path: &Path, most: u64) -> Result<File, Unread> {
        regular(&self.look(path, true)?)?;
        // It may have become something else by now, and then it neither blocks nor becomes our terminal.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = self.open(path, flags)?;
        let stat = fstat(&file).map_err(|errno| Unread::Io(errno.into()))?;
        regular(&stat)?;
        match u64::try_from(stat.st_size) {
            Ok(size) if size <= most => Ok(File::from(file)),
            _ => Err(Unread::Large(most)),
        }
    }

    /// The entries of a folder, by name.
    ///
    /// # Errors
    /// [`Unread`], also when there are too many.
    pub fn list(&self, path: &Path) -> Result<Rc<[OsString]>, Unread> {
        if let Some(names) = self.listed.borrow().get(path) {
            return Ok(Rc::clone(names));
        }
        let fd = self.open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        let dir = Dir::from_fd(fd).map_err(|errno| Unread::from(errno, &self.root))?;
        let mut names = Vec::new();
        for entry in dir {
            let entry = entry.map_err(|errno| Unread::from(errno, &self.root))?;
            let name = std::ffi::OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if names.len() == ENTRIES {
                return Err(Unread::Many);
            }
            names.push(name.to_owned());
        }
        names.sort();
        let names: Rc<[OsString]> = names.into();
        let entries = self.entries.get() + names.len();
        if entries > ALL_ENTRIES {
            return Err(Unread::ManyInAll);
        }
        self.entries.set(entries);
        let mut listed = self.listed.borrow_mut();
        listed.insert(path.to_owned(), Rc::clone(&names));
        Ok(names)
    }

    /// What a path is, itself and not what it links to.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn kind(&self, path: &Path) -> Result<EntryKind, Unread> {
        let stat = self.look(path, false)?;
        Ok(match file_type(&stat) {
            SFlag::S_IFDIR => EntryKind::Folder,
            SFlag::S_IFREG => EntryKind::File {
                executable: stat.st_mode & 0o100 != 0,
            },
            SFlag::S_IFLNK => EntryKind::Link,
            _ => EntryKind::Other,
        })
    }

    /// The names of what lies beside a path and is of that kind.
    pub(super) fn beside(&self, path: &Path, is_it: fn(EntryKind) -> bool) -> Vec<String> {
        let above = path.parent().unwrap_or(Path::new(""));
        let entries = self.list(above).unwrap_or_default();
        let entries = entries.iter();
        let entries = entries.filter(|name| self.kind(&above.join(name)).is_ok_and(is_it));
        entries
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// Whether there is something of that name that is no folder; what it is, [`Beneath::read`] says.
    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.kind(path).is_ok_and(|kind| kind != EntryKind::Folder)
    }

    /// Device and inode of a folder; `None`: it is none.
    pub fn folder_id(&self, path: &Path) -> Option<(u64, u64)> {
        let stat = self.look(path, true).ok()?;
        (file_type(&stat) == SFlag::S_IFDIR).then_some((stat.st_dev, stat.st_ino))
    }

    /// Where a symlink points, in its own words.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn link(&self, path: &Path) -> Result<PathBuf, Unread> {
        let fd = self.open(path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        let target = readlinkat(&fd, Path::new(""));
        let target = target.map_err(|errno| Unread::from(errno, &self.root))?;
        Ok(target.into())
    }

    fn look(&self, path: &Path, follow: bool) -> Result<FileStat, Unread> {
        let flags = if follow {
            OFlag::O_PATH
        } else {
            OFlag::O_PATH | OFlag::O_NOFOLLOW
        };
        let fd = self.open(path, flags)?;
        fstat(&fd).map_err(|errno| Unread::Io(errno.into()))
    }

    fn open(&self, path: &Path, flags: OFlag) -> Result<OwnedFd, Unread> {
        let root = self.fd.as_ref();
        let root = root.map_err(|errno| Unread::from(*errno, &self.root))?;
        let path = match self.folder.join(path) {
            joined if joined.as_os_str().is_empty() => PathBuf::from("."),
            joined => joined,
        };
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .resolve(resolve);
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match openat2(root.as_fd(), &path, how) {
                // A folder on the way was renamed meanwhile: openat2(2).
                Err(Errno::EAGAIN | Errno::EINTR) if tries > 0 => {}
                result => return result.map_err(|errno| Unread::from(errno, &self.root)),
            }
        }
    }
}

/// The path as people know it: relative to the working directory where it lies below it.
pub fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| path.components().collect())
}

fn file_type(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

fn regular(stat: &FileStat) -> Result<(), Unread> {
    Err(Unread::Kind(match file_type(stat) {
        SFlag::S_IFREG => return Ok(()),
        SFlag::S_IFDIR => "a folder",
        SFlag::S_IFIFO => "a FIFO",
        SFlag::S_IFSOCK => "a socket",
        SFlag::S_IFCHR | SFlag::S_IFBLK => "a device",
        _ => "something else",
    }))
}
