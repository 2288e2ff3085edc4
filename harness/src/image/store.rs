//! The cache of built images.

pub use super::progress::Progress;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::build::{UnderWay, build_in_worker};
use super::error::{ImageError, io_error};
use super::recipe::Recipe;
use crate::scenario::provides::Provides;

/// Prefix of the name of a folder that is being made; the name of the finished folder follows.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// The file that is written last: a folder without it is no image.
pub(super) const MANIFEST: &str = "manifest.json";

/// Sizes and digests of a finished image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    recipe: String,
    pub(super) files: Vec<ManifestFile>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ManifestFile {
    pub(super) name: String,
    bytes: u64,
    pub(super) sha256: String,
}

/// A built image, verified and read-only.
#[derive(Debug, Clone)]
pub struct Image {
    /// Recipe name.
    pub name: String,
    /// Folder in the cache.
    pub folder: PathBuf,
    /// The recipe's digest.
    pub digest: String,
}

impl Image {
    /// Kernel for direct boot.
    pub fn kernel(&self) -> PathBuf {
        self.folder.join(Provides::of(&self.name).kernel)
    }
}

/// What a built image's recipe says about its versions (`versions.json` in its folder); empty when it cannot be read.
pub fn versions_in(folder: &Path) -> BTreeMap<String, String> {
    fs::read(folder.join("versions.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// The user's image cache: `$XDG_CACHE_HOME/bridgelab/images`.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The user's cache folder for all of bridgelab: `$BRIDGELAB_CACHE`, `$XDG_CACHE_HOME/bridgelab` or
    /// `~/.cache/bridgelab`.
    pub fn cache_folder() -> PathBuf {
        let set = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        set("BRIDGELAB_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("bridgelab")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/bridgelab")))
            .unwrap_or_else(|| PathBuf::from("/var/cache/bridgelab"))
    }

    /// Opens the store in a cache folder.
    pub fn new(cache: &Path) -> Self {
        Self {
            folder: cache.join("images"),
        }
    }

    /// The finished image of a recipe, if it is there and whole. Sizes are looked at, digests are not: reading
    /// the whole disk before every run would cost more than a run's topology.
    ///
    /// # Errors
    /// [`ImageError::Incomplete`] when it is there and damaged.
    pub fn get(&self, recipe: &Recipe) -> Result<Option<Image>, ImageError> {
        let folder = self.folder.join(recipe.cache_name());
        let Ok(text) = fs::read(folder.join(MANIFEST)) else {
            return Ok(None);
        };
        let incomplete = |problem: String| ImageError::Incomplete {
            path: folder.clone(),
            problem,
        };
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|e| incomplete(format!("its manifest does not parse: {e}")))?;
        if manifest.recipe != recipe.digest {
            return Err(incomplete(
                "its manifest is that of another recipe".to_owned(),
            ));
        }
        let listed = |name: &str| manifest.files.iter().any(|file| file.name == name);
        if let Some(missing) = Provides::of(&recipe.name)
            .files()
            .find(|name| !listed(name))
        {
            return Err(incomplete(format!("its manifest lacks `{missing}`")));
        }
        open_to_all(&folder);
        for file in &manifest.files {
            let meta = fs::metadata(folder.join(&file.name))
                .map_err(|e| incomplete(format!("`{}`: {e}", file.name)))?;
            if meta.len() != file.bytes {
                let found = meta.len();
                return Err(incomplete(format!(
                    "`{}` has {found} bytes instead of {}",
                    file.name, file.bytes
                )));
            }
        }
        Ok(Some(Image {
            name: recipe.name.clone(),
            folder,
            digest: recipe.digest.clone(),
        }))
    }

    /// The finished image of a recipe; built now if it is missing or damaged.
    ///
    /// Two builders at once: the second waits for the first and takes its result. A builder that is killed
    /// leaves nothing that is ever taken for an image; the next one removes what is left.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn get_or_build(
        &self,
        recipe: &Recipe,
        progress: Progress<'_>,
    ) -> Result<Image, ImageError> {
        if let Ok(Some(image)) = self.get(recipe) {
            return Ok(image);
        }
        fs::create_dir_all(&self.folder).map_err(io_error("create", &self.folder))?;
        let _lock = self.lock(recipe, progress)?;
        let folder = self.folder.join(recipe.cache_name());
        match self.get(recipe) {
            Ok(Some(image)) => return Ok(image),
            Ok(None) => {}
            Err(damaged) => progress(&format!("building again: {damaged}")),
        }
        remove_tree(&folder)?;
        let unfinished = self
            .folder
            .join(format!("{UNFINISHED}{}", recipe.cache_name()));
        remove_tree(&unfinished)?;
        sweep(&self.folder);
        let _under_way = UnderWay::begin();
        fs::create_dir_all(&unfinished).map_err(io_error("create", &unfinished))?;
        open_to_all(&unfinished);
        let log = self.folder.join(format!("{}.log", recipe.cache_name()));
        let built = build_in_worker(recipe, &unfinished, &log, progress).and_then(|()| {
            progress("hashing");
            seal(recipe, &unfinished)
        });
        if let Err(failed) = built {
            // An unfinished image would go on filling the disk, which may be full.
            remove_tree(&unfinished)?;
            return Err(failed);
        }
        fs::rename(&unfinished, &folder).map_err(io_error("move into place", &folder))?;
        self.get(recipe)?.ok_or(ImageError::Incomplete {
            path: folder,
            problem: "it vanished after the build".to_owned(),
        })
    }

    fn lock(&self, recipe: &Recipe, progress: Progress<'_>) -> Result<Flock<File>, ImageError> {
        let path = lock_of(&self.folder, &recipe.cache_name());
        let open = || File::create(&path).map_err(io_error("open", &path));
        match Flock::lock(open()?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(lock),
            Err(_) => {
                progress("waiting for another builder of the same image");
                Flock::lock(open()?, FlockArg::LockExclusive)
                    .map_err(|(_, errno)| io_error("lock", &path)(errno.into()))
            }
        }
    }
}

/// The file that the maker of `name` holds locked.
pub(crate) fn lock_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

/// Removes unfinished folders that killed makers left in this cache folder. A maker holds its lock while it lives, so
/// an unfinished folder whose lock is free has no maker any more.
pub(crate) fn sweep(cache: &Path) {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    for entry in entries {
        let file = entry.file_name();
        let Some(name) = file.to_str().and_then(|name| name.strip_prefix(UNFINISHED)) else {
            continue;
        };
        let lock = File::create(lock_of(cache, name)).ok();
        let lock = lock.and_then(|lock| Flock::lock(lock, FlockArg::LockExclusiveNonblock).ok());
        if lock.is_some()
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, path = %entry.path().display(), "what a killed maker left stays");
        }
    }
}

/// Lets everybody read the folder, since VMMs run as another user and a strict umask may have closed it. A read-only
/// cache cannot be changed, so errors are ignored.
pub(crate) fn open_to_all(folder: &Path) {
    let mode = fs::metadata(folder).map(|meta| meta.permissions().mode() & 0o777);
    if mode.is_ok_and(|mode| mode & 0o055 != 0o055) {
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
    }
}

/// Checks that the build made every file, writes the manifest and makes all of them read-only.
fn seal(recipe: &Recipe, folder: &Path) -> Result<(), ImageError> {
    let mut files = Vec::new();
    for name in Provides::of(&recipe.name).files() {
        let path = folder.join(name);
        let mut file =
            File::open(&path).map_err(io_error("open what the build should have made,", &path))?;
        let (bytes, sha256) = digest(&mut file).map_err(io_error("read", &path))?;
        file.sync_all().map_err(io_error("write", &path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444))
            .map_err(io_error("protect", &path))?;
        files.push(ManifestFile {
            name: name.to_owned(),
            bytes,
            sha256,
        });
    }
    let manifest = Manifest {
        recipe: recipe.digest.clone(),
        files,
    };
    let path = folder.join(MANIFEST);
    let text =
        serde_json::to_vec_pretty(&manifest).map_err(|e| io_error("write", &path)(e.into()))?;
    fs::write(&path, text).map_err(io_error("write", &path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444))
        .map_err(io_error("protect", &path))
}

/// Length and SHA-256 of what is left to read of a file.
pub(super) fn digest(file: &mut File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    let digits = hash.finalize();
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    Ok((bytes, digits.collect()))
}

fn remove_tree(path: &Path) -> Result<(), ImageError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io_error("remove", path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_makers_left_goes_and_what_is_being_made_stays() {
        let cache = tempfile::tempdir().expect("a folder");
        let folder = |name: &str| cache.path().join(format!("{UNFINISHED}{name}"));
        for name in ["old", "new", "without-a-lock"] {
            fs::create_dir(folder(name)).expect("a folder");
            fs::write(folder(name).join("part"), "1").expect("a file");
        }
        fs::create_dir(cache.path().join("finished")).expect("a folder");
        File::create(lock_of(cache.path(), "old")).expect("its lock");
        let held = File::create(lock_of(cache.path(), "new")).expect("its lock");
        let held = Flock::lock(held, FlockArg::LockExclusiveNonblock).expect("it is free");
        sweep(cache.path());
        let there = |name: &str| folder(name).exists();
        assert_eq!(
            ["old", "new", "without-a-lock"].map(there),
            [false, true, false]
        );
        assert!(cache.path().join("finished").exists());
        drop(held);
        sweep(cache.path());
        assert!(!there("new"));
    }

    #[test]
    fn a_folder_is_open_whatever_umask_made_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = || {
            fs::metadata(folder.path())
                .expect("it is there")
                .permissions()
                .mode()
        };
        let own = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path(), own).expect("its owner may");
        assert_eq!(mode() & 0o777, 0o700);
        open_to_all(folder.path());
        assert_eq!(mode() & 0o777, 0o755);
    }
}
