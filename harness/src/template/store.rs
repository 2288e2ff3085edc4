//! The cache of templates.

pub use super::files::Progress;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::eviction::{Kept, leaving};
use super::files::{INITRD, STATE};
use super::make::make_in_worker;
use super::{CacheKey, TemplateError, io_error};
use crate::host::free_space::room;
use crate::hypervisor::qemu::{OVERLAY, RAM};
use crate::image::{UNFINISHED, lock_of, open_to_all, sweep};
use crate::scenario::provides::Provides;

/// Files of a template, its manifest aside.
fn files(key: &CacheKey) -> Vec<&'static str> {
    let overlay = Provides::of(&key.image).disk.map(|_| OVERLAY);
    [RAM, STATE, INITRD].into_iter().chain(overlay).collect()
}

/// The file that is written last: a folder without it is no template. Its time of change is when the template was last
/// used.
const MANIFEST: &str = "manifest.json";
/// Room that a template needs beyond its memory, in MiB: for its disk's changes and the rest.
const OVERHEAD: u64 = 256;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    key: CacheKey,
    files: Vec<ManifestFile>,
}

/// What a file was when it was finished. Nothing writes to it afterwards, so a file with the same size and time is
/// the same; reading a gigabyte to be sure would take longer than what the template saves.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ManifestFile {
    name: String,
    bytes: u64,
    changed: (i64, i64),
}

impl ManifestFile {
    fn read(folder: &Path, name: &str) -> Result<Self, TemplateError> {
        let path = folder.join(name);
        let meta = fs::metadata(&path).map_err(io_error("look at", &path))?;
        Ok(Self {
            name: name.to_owned(),
            bytes: meta.len(),
            changed: (meta.mtime(), meta.mtime_nsec()),
        })
    }
}

/// A template that is whole, and stays so while this value lives: it holds a shared lock (flock(2)), and a template
/// that is locked is not removed.
#[derive(Debug)]
pub struct Template {
    /// Its folder in the cache.
    pub folder: PathBuf,
    _in_use: Flock<File>,
}

/// The user's templates: `$XDG_CACHE_HOME/bridgelab/templates`.
#[derive(Debug, Clone)]
pub struct TemplateStore {
    folder: PathBuf,
}

impl TemplateStore {
    /// Opens the store in a cache folder.
    pub fn new(cache: &Path) -> Self {
        Self {
            folder: cache.join("templates"),
        }
    }

    /// The template of a key, if it is there and whole.
    ///
    /// # Errors
    /// [`TemplateError::Damaged`] when it is there and not as it was made.
    pub fn get(&self, key: &CacheKey) -> Result<Option<Template>, TemplateError> {
        let folders = self.folders_of(&key.cache_name());
        let Some(folder) = folders.into_iter().find(|folder| Self::is_there(folder)) else {
            return Ok(None);
        };
        // From here on the template stays. One that was removed before has no manifest any more, which the next lines
        // notice.
        let Some(in_use) = lock_folder(&folder, FlockArg::LockShared)? else {
            return Ok(None);
        };
        let Ok(text) = fs::read(folder.join(MANIFEST)) else {
            return Ok(None);
        };
        let damaged = |problem: String| TemplateError::Damaged {
            path: folder.clone(),
            problem,
        };
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|e| damaged(format!("its manifest does not parse: {e}")))?;
        if manifest.key != *key {
            return Err(damaged("it is of another shape".to_owned()));
        }
        open_to_all(&folder);
        for made in &manifest.files {
            let found = ManifestFile::read(&folder, &made.name)
                .map_err(|e| damaged(crate::diagnostic::Diagnostic::new(&e).to_string()))?;
            if found != *made {
                return Err(damaged(format!(
                    "`{}` has changed: {} bytes of {:?} are now {} of {:?}",
                    made.name, made.bytes, made.changed, found.bytes, found.changed
                )));
            }
        }
        Ok(Some(Template {
            folder,
            _in_use: in_use,
        }))
    }

    /// Folders of one template, `NAME.1` and so on, one for each time that it was made. At most one of them has a
    /// manifest; the others were given up and may still be in use.
    fn folders_of(&self, name: &str) -> Vec<PathBuf> {
        let makings = self.folders().into_iter().filter(|folder| {
            let file = folder.file_name().unwrap_or_default().to_string_lossy();
            let number = file.strip_prefix(name).and_then(|s| s.strip_prefix('.'));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        });
        makings.collect()
    }

    /// All folders but those that a maker has not finished.
    fn folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let finished =
            entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
        let paths = finished.map(|entry| entry.path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// Whether the store's file system is mounted read-only: its templates can be used, but none can be made.
    pub fn is_read_only(&self) -> bool {
        use nix::sys::statvfs::{FsFlags, statvfs};
        statvfs(&self.folder).is_ok_and(|stat| stat.flags().contains(FsFlags::ST_RDONLY))
    }

    /// The template of a key; made now if it is missing or damaged.
    ///
    /// Two makers at once: the second waits and takes the result. A maker that is killed leaves nothing that is ever
    /// taken for a template; the next one removes what is left.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn get_or_make(
        &self,
        key: &CacheKey,
        image: &Path,
        progress: Progress<'_>,
    ) -> Result<Template, TemplateError> {
        if let Ok(Some(template)) = self.get(key) {
            return Ok(self.used(template));
        }
        fs::create_dir_all(&self.folder).map_err(io_error("create", &self.folder))?;
        // Memory of guests is in it.
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))
            .map_err(io_error("protect", &self.folder))?;
        let name = key.cache_name();
        let _lock = self.lock(&name, progress)?;
        match self.get(key) {
            Ok(Some(template)) => return Ok(self.used(template)),
            Ok(None) => {}
            Err(damaged) => {
                progress(&format!("making it again: {damaged}"));
                for folder in self.folders_of(&name) {
                    Self::discard(&folder)?;
                }
            }
        }
        let unfinished = self.folder.join(format!("{UNFINISHED}{name}"));
        remove_tree(&unfinished)?;
        // Leftovers are removed before free space is asked for, since each takes as much as a guest's memory.
        sweep(&self.folder);
        self.make_room(key)?;
        fs::create_dir_all(&unfinished).map_err(io_error("create", &unfinished))?;
        open_to_all(&unfinished);
        let made =
            make_in_worker(key, image, &unfinished, progress).and_then(|()| seal(key, &unfinished));
        if let Err(failed) = made {
            // The log of a failed attempt is kept, for it may say why.
            let log = self.folder.join(format!("{name}.log"));
            let _ = fs::rename(unfinished.join("serial.log"), log);
            remove_tree(&unfinished)?;
            return Err(failed);
        }
        let in_use = lock_folder(&unfinished, FlockArg::LockShared)?;
        let taken = self.folders_of(&name);
        let mut free = (1..).map(|number| self.folder.join(format!("{name}.{number}")));
        let folder = free.find(|folder| !taken.contains(folder));
        let (Some(in_use), Some(folder)) = (in_use, folder) else {
            return Err(TemplateError::Damaged {
                path: unfinished,
                problem: "it vanished".to_owned(),
            });
        };
        fs::rename(&unfinished, &folder).map_err(io_error("move into place", &folder))?;
        Ok(Template {
            folder,
            _in_use: in_use,
        })
    }

    /// Bytes that a template's memory takes, its holes aside; 0 where it cannot be looked at.
    pub fn memory(template: &Path) -> u64 {
        let about = fs::metadata(template.join(RAM));
        about.map_or(0, |about| about.blocks() * 512)
    }

    /// Whether a template still has its manifest, which [`discard`](Self::discard) removes.
    pub fn is_there(template: &Path) -> bool {
        template.join(MANIFEST).exists()
    }

    /// Gives up a template that a guest could not be started from, although it looks whole. The next run that wants it
    /// makes it again, in another folder. Runs that use the given-up one keep it; its folder is removed when room is
    /// next made.
    ///
    /// # Errors
    /// The kernel's answer, for example that the cache is read-only.
    pub fn discard(template: &Path) -> Result<(), TemplateError> {
        let manifest = template.join(MANIFEST);
        match fs::remove_file(&manifest) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(io_error("remove", manifest)(e))
            }
            _ => Ok(()),
        }
    }

    /// Records in the manifest's time of change that a template is used now. Errors are ignored, since a read-only
    /// cache removes nothing by age.
    fn used(&self, template: Template) -> Template {
        let manifest = template.folder.join(MANIFEST);
        if let Ok(file) = File::options().append(true).open(manifest) {
            let _ = file.set_modified(SystemTime::now());
        }
        template
    }

    /// Removes templates that were given up, and then those that were unused for longest, until the new one has room.
    /// Templates in use stay.
    fn make_room(&self, key: &CacheKey) -> Result<(), TemplateError> {
        let mut kept = Vec::new();
        // The locks are held until the end, so that no run takes up a template that is about to be removed.
        let mut locks = Vec::new();
        for folder in self.folders() {
            let Some(lock) = lock_folder(&folder, FlockArg::LockExclusiveNonblock)? else {
                continue;
            };
            let used = fs::metadata(folder.join(MANIFEST)).and_then(|meta| meta.modified());
            let Ok(used) = used else {
                remove_tree(&folder)?;
                continue;
            };
            locks.push(lock);
            let mib = (blocks(&folder) * 512) >> 20;
            kept.push(Kept { used, folder, mib });
        }
        let needed = u64::from(key.mem) + OVERHEAD;
        let room = room(&self.folder).map_err(io_error("ask for free space in", &self.folder))?;
        let free = room.free >> 20;
        let leaving = leaving(kept, needed, free);
        for one in leaving.map_err(|free| TemplateError::Full {
            path: self.folder.clone(),
            needed,
            free,
        })? {
            remove_tree(&one.folder)?;
        }
        Ok(())
    }

    fn lock(&self, name: &str, progress: Progress<'_>) -> Result<Flock<File>, TemplateError> {
        let path = lock_of(&self.folder, name);
        let open = || File::create(&path).map_err(io_error("open", &path));
        match Flock::lock(open()?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(lock),
            Err(_) => {
                progress("waiting for another maker of the same template");
                Flock::lock(open()?, FlockArg::LockExclusive)
                    .map_err(|(_, errno)| io_error("lock", &path)(errno.into()))
            }
        }
    }
}

/// Locks a template's folder: shared to start guests from the template, exclusive to remove it. `None` when the folder is
/// gone, or another process holds a lock that excludes this one.
fn lock_folder(folder: &Path, how: FlockArg) -> Result<Option<Flock<File>>, TemplateError> {
    let open = match File::open(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        open => open.map_err(io_error("open", folder))?,
    };
    match Flock::lock(open, how) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(io_error("lock", folder)(errno.into())),
    }
}

/// Writes everything to the disk, makes it read-only, and writes the manifest.
fn seal(key: &CacheKey, folder: &Path) -> Result<(), TemplateError> {
    let mut sealed = Vec::new();
    for name in files(key) {
        let path = folder.join(name);
        let file = File::open(&path).map_err(io_error("open", &path))?;
        file.sync_all().map_err(io_error("write", &path))?;
        // VMMs read the file as `nobody`. A guest that breaks out of its VMM must not be able to write into later
        // guests.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444))
            .map_err(io_error("protect", &path))?;
        sealed.push(ManifestFile::read(folder, name)?);
    }
    let manifest = Manifest {
        key: key.clone(),
        files: sealed,
    };
    let path = folder.join(MANIFEST);
    let text =
        serde_json::to_vec_pretty(&manifest).map_err(|e| io_error("write", &path)(e.into()))?;
    fs::write(&path, text).map_err(io_error("write", &path))
}

/// What the files of a folder take of the disk, in blocks of 512 bytes: memory is saved with holes.
fn blocks(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let blocks = files.filter_map(|file| file.metadata().ok());
    blocks.map(|meta| meta.blocks()).sum()
}

fn remove_tree(path: &Path) -> Result<(), TemplateError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io_error("remove", path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hypervisor::Accelerator;
    use crate::template::QemuVersion;

    fn key() -> CacheKey {
        CacheKey {
            image: "debian".to_owned(),
            image_digest: "0123".to_owned(),
            qemu: QemuVersion {
                line: "QEMU emulator version 7.2.22".to_owned(),
                program: "1 2".to_owned(),
            },
            accelerator: Accelerator::Tcg,
            processor: String::new(),
            vcpu: 1,
            mem: 1,
        }
    }

    /// A cache with the template of [`key`], as a maker leaves it.
    fn cache() -> (tempfile::TempDir, TemplateStore, PathBuf) {
        let cache = tempfile::tempdir().expect("a temporary directory");
        let store = TemplateStore::new(cache.path());
        let folder = store.folder.join(format!("{}.1", key().cache_name()));
        fs::create_dir_all(&folder).expect("a folder");
        for name in files(&key()) {
            fs::write(folder.join(name), [0; 1 << 10]).expect("a file");
        }
        seal(&key(), &folder).expect("it is whole");
        (cache, store, folder)
    }

    #[test]
    fn a_whole_template_is_found_by_its_shape_alone() {
        let (_cache, store, folder) = cache();
        let found = store.get(&key()).expect("whole").expect("there");
        assert_eq!(found.folder, folder);
        let mut other = key();
        other.qemu.line = "QEMU emulator version 7.2.23".to_owned();
        assert!(store.get(&other).expect("nothing wrong").is_none());
    }

    #[test]
    fn without_a_disk_there_is_nothing_to_lay_over_it() {
        let mut tiny = key();
        assert!(files(&tiny).contains(&OVERLAY));
        tiny.image = "tiny".to_owned();
        assert!(!files(&tiny).contains(&OVERLAY) && files(&tiny).contains(&RAM));
    }

    #[test]
    fn what_a_killed_maker_leaves_is_no_template() {
        let (_cache, store, folder) = cache();
        fs::remove_file(folder.join(MANIFEST)).expect("it was there");
        assert!(store.get(&key()).expect("nothing").is_none());
    }

    #[test]
    fn what_is_in_use_stays_until_nobody_uses_it() {
        let (_cache, store, folder) = cache();
        let used = store.get(&key()).expect("whole").expect("there");
        TemplateStore::discard(&folder).expect("it is ours");
        assert!(store.get(&key()).expect("given up").is_none());
        store.make_room(&key()).expect("there is room");
        assert!(folder.join(RAM).exists(), "a guest may start from it");
        drop(used);
        store.make_room(&key()).expect("there is room");
        assert!(!folder.exists());
    }

    #[test]
    fn makings_of_a_name_are_told_from_those_of_a_longer_one() {
        let cache = tempfile::tempdir().expect("a temporary directory");
        let store = TemplateStore::new(cache.path());
        for name in [
            "tiny.1",
            "tiny.12",
            "tiny-2.1",
            "tiny.log",
            "tiny",
            ".unfinished-tiny.1",
        ] {
            fs::create_dir_all(store.folder.join(name)).expect("a folder");
        }
        let mut found = store.folders_of("tiny");
        found.sort();
        assert_eq!(
            found,
            [store.folder.join("tiny.1"), store.folder.join("tiny.12")]
        );
    }

    #[test]
    fn a_file_that_was_cut_written_or_lost_is_damage() {
        let damages: [fn(&Path); 4] = [
            |file| {
                let file = File::options().write(true).open(file).expect("open");
                file.set_len(1 << 9).expect("cut");
            },
            |file| {
                let file = File::options().write(true).open(file).expect("open");
                file.set_modified(SystemTime::UNIX_EPOCH).expect("a time");
            },
            |file| fs::remove_file(file).expect("it was there"),
            |file| fs::write(file.with_file_name(MANIFEST), "{").expect("write"),
        ];
        for damage in damages {
            let (_cache, store, folder) = cache();
            damage(&folder.join(RAM));
            let found = store.get(&key());
            assert!(
                matches!(found, Err(TemplateError::Damaged { .. })),
                "{found:?}"
            );
        }
    }

    #[test]
    fn what_a_template_takes_of_the_disk_counts_and_not_how_long_its_files_are() {
        let (_cache, store, folder) = cache();
        let sparse = File::create(store.folder.join("sparse")).expect("a file");
        sparse.set_len(1 << 40).expect("a length");
        assert!(blocks(&store.folder) < 1 << 20);
        assert!(blocks(&folder) > 0);
        store.make_room(&key()).expect("there is room");
        assert!(folder.exists());
    }

    #[test]
    fn no_room_is_told_before_anything_is_made() {
        let (_cache, store, _) = cache();
        let mut huge = key();
        huge.mem = u32::MAX;
        let full = store.make_room(&huge).expect_err("no disk is that large");
        assert!(matches!(full, TemplateError::Full { .. }), "{full}");
    }
}
