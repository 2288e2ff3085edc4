//! A recipe: a folder under `images/` with a `build` script, and the digest of all that is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{ImageError, io_error};
use crate::scenario::provides::Provides;

/// Version of the result's layout; part of every digest, so that a newer harness rebuilds.
const FORMAT: &str = "1";

/// How the packages of an image differ from its recipe's list.
#[derive(Debug, Default)]
struct Packages {
    more: Vec<String>,
    less: Vec<String>,
}

/// A recipe for a guest image.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Folder name, `debian` for example.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Distribution release that the script is asked for; empty: its own default.
    pub suite: Option<String>,
    /// Packages beside those of the folder's list.
    pub packages: Vec<String>,
    /// Packages of that list that are left out.
    pub without: Vec<String>,
    /// Digest of the folder's files, the suite, the packages and the format version, in hexadecimal.
    pub digest: String,
}

/// Recipes in a folder, `images/`, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn recipes(images: &Path) -> Result<Vec<Recipe>, ImageError> {
    let unread = |source| ImageError::NoRecipes {
        folder: images.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(images).map_err(unread)? {
        let path = entry.map_err(io_error("read", images))?.path();
        if path.join("build").is_file() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            found.push(Recipe::read(&name, &path, None, Packages::default())?);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Recipe {
    /// The recipe `name` in the folder `images`. `debian:bookworm` asks the recipe for another suite, and
    /// `debian +ethtool -docker.io` for a package more and one less.
    ///
    /// # Errors
    /// [`ImageError::UnknownRecipe`] with the names that exist.
    pub fn find(images: &Path, name: &str) -> Result<Self, ImageError> {
        let mut words = name.split_whitespace();
        let first = words.next().unwrap_or(name);
        let (base, suite) = match first.split_once(':') {
            Some((base, suite)) => (base, Some(suite)),
            None => (first, None),
        };
        // The recipe's default suite is the same image whether it is named or not.
        let own = Provides::of(base).suites.first();
        let suite = suite.filter(|suite| own != Some(suite)).map(str::to_owned);
        let mut packages = Packages::default();
        for word in words {
            if let Some(package) = word.strip_prefix('+') {
                packages.more.push(package.to_owned());
            } else if let Some(package) = word.strip_prefix('-') {
                packages.less.push(package.to_owned());
            }
        }
        let folder = images.join(base);
        if folder.join("build").is_file() {
            return Self::read(name, &folder, suite, packages);
        }
        let known: Vec<String> = recipes(images)?
            .into_iter()
            .map(|recipe| recipe.name)
            .collect();
        Err(ImageError::UnknownRecipe {
            name: name.to_owned(),
            folder: images.to_owned(),
            known: known.join(", "),
        })
    }

    fn read(
        name: &str,
        folder: &Path,
        suite: Option<String>,
        packages: Packages,
    ) -> Result<Self, ImageError> {
        let mut hash = Sha256::new();
        hash.update(format!(
            "format {FORMAT}\nsuite {}\n",
            suite.as_deref().unwrap_or("")
        ));
        hash.update(format!("arch {}\n", std::env::consts::ARCH));
        for (sign, names) in [('+', &packages.more), ('-', &packages.less)] {
            for name in names {
                hash.update(format!("package {sign}{name}\n"));
            }
        }
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
            packages: packages.more,
            without: packages.less,
            digest,
        })
    }

    /// Folder name in the cache: readable name and the digest's first 16 digits.
    pub fn cache_name(&self) -> String {
        let name = self.name.split_whitespace().next().unwrap_or_default();
        format!("{}-{}", name.replace(':', "-"), &self.digest[..16])
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
        let images = root.path().join("images");
        let digest = |name| Recipe::find(&images, name).expect("recipe").digest;
        let first = digest("tiny");
        assert_eq!(first, digest("tiny"));
        assert_ne!(first, digest("tiny:bookworm"));
        assert_eq!(first, digest("tiny:trixie"), "its own choice");
        let more = digest("tiny +ethtool");
        assert_ne!(first, more);
        assert_ne!(more, digest("tiny -ethtool"));
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
        let error = Recipe::find(&root.path().join("images"), "tinny").expect_err("there is none");
        assert!(error.to_string().ends_with("there are tiny"), "{error}");
    }
}
