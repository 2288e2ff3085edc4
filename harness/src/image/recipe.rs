//! A recipe: a folder under `images/` with a `build` script, and the digest of all that is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{ImageError, io_error};

/// Version of the result's layout; part of every digest, so that a newer harness rebuilds.
const FORMAT: &str = "1";

/// A recipe for a guest image.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Folder name, `debian` for example.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Distribution release that the script is asked for; empty: its own default.
    pub suite: Option<String>,
    /// Digest of the folder's files, the suite and the format version, in hexadecimal.
    pub digest: String,
}

/// Recipes under `root/images`, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn recipes(root: &Path) -> Result<Vec<Recipe>, ImageError> {
    let folder = root.join("images");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(io_error("read", &folder))? {
        let path = entry.map_err(io_error("read", &folder))?.path();
        if path.join("build").is_file() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            found.push(Recipe::read(&name, &path, None)?);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Recipe {
    /// The recipe `name` under `root/images`. `debian:bookworm` asks the recipe for another suite.
    ///
    /// # Errors
    /// [`ImageError::UnknownRecipe`] with the names that exist.
    pub fn find(root: &Path, name: &str) -> Result<Self, ImageError> {
        let (base, suite) = match name.split_once(':') {
            Some((base, suite)) => (base, Some(suite.to_owned())),
            None => (name, None),
        };
        let folder = root.join("images").join(base);
        if folder.join("build").is_file() {
            return Self::read(name, &folder, suite);
        }
        let known: Vec<String> = recipes(root)?
            .into_iter()
            .map(|recipe| recipe.name)
            .collect();
        Err(ImageError::UnknownRecipe {
            name: name.to_owned(),
            folder: root.join("images"),
            known: known.join(", "),
        })
    }

    fn read(name: &str, folder: &Path, suite: Option<String>) -> Result<Self, ImageError> {
        let mut hash = Sha256::new();
        hash.update(format!(
            "format {FORMAT}\nsuite {}\n",
            suite.as_deref().unwrap_or("")
        ));
        hash.update(format!("arch {}\n", std::env::consts::ARCH));
        hash_folder(folder, folder, &mut hash)?;
        let digest = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            suite,
            digest,
        })
    }

    /// Folder name in the cache: readable name and the digest's first 16 digits.
    pub fn cache_name(&self) -> String {
        format!("{}-{}", self.name.replace(':', "-"), &self.digest[..16])
    }
}

/// Hashes names, executable bits, link targets and contents, in an order that no file system changes.
fn hash_folder(root: &Path, folder: &Path, hash: &mut Sha256) -> Result<(), ImageError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("read", folder))? {
        entries.push(entry.map_err(io_error("read", folder))?.path());
    }
    entries.sort();
    for path in entries {
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        let meta = fs::symlink_metadata(&path).map_err(io_error("read", &path))?;
        if meta.is_dir() {
            hash_folder(root, &path, hash)?;
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(io_error("read", &path))?;
            hash.update(format!("link {name} {}\n", target.display()));
        } else {
            let bytes = fs::read(&path).map_err(io_error("read", &path))?;
            let executable = meta.permissions().mode() & 0o100 != 0;
            hash.update(format!("file {name} {executable} {}\n", bytes.len()));
            hash.update(&bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_every_file_name_bit_and_suite() {
        let root = tempfile::tempdir().expect("temporary directory");
        let folder = root.path().join("images/tiny");
        fs::create_dir_all(folder.join("rootfs")).expect("folder");
        fs::write(folder.join("build"), "#!/bin/sh\n").expect("script");
        let digest = |name| Recipe::find(root.path(), name).expect("recipe").digest;
        let first = digest("tiny");
        assert_eq!(first, digest("tiny"));
        assert_ne!(first, digest("tiny:bookworm"));
        fs::write(folder.join("rootfs/hosts"), "").expect("file");
        let second = digest("tiny");
        assert_ne!(first, second);
        fs::set_permissions(folder.join("build"), fs::Permissions::from_mode(0o755)).expect("mode");
        assert_ne!(second, digest("tiny"));
    }

    #[test]
    fn an_unknown_image_names_those_that_exist() {
        let root = tempfile::tempdir().expect("temporary directory");
        let folder = root.path().join("images/tiny");
        fs::create_dir_all(&folder).expect("folder");
        fs::write(folder.join("build"), "").expect("script");
        let error = Recipe::find(root.path(), "tinny").expect_err("there is none");
        assert!(error.to_string().ends_with("there are tiny"), "{error}");
    }
}
