//! Looks for damage in an image: compares its files with their digests, which no run does beforehand.

use std::fs::{self, File};
use std::path::Path;

use super::store::{MANIFEST, Manifest, digest};

/// What is damaged in a built image's folder; `None`: nothing is, or the manifest cannot be read. Reads all of the
/// image, which takes seconds.
pub fn damage(folder: &Path) -> Option<String> {
    let text = fs::read(folder.join(MANIFEST)).ok()?;
    let manifest: Manifest = serde_json::from_slice(&text).ok()?;
    manifest.files.iter().find_map(|listed| {
        let path = folder.join(&listed.name);
        let read = File::open(&path).and_then(|mut file| digest(&mut file));
        match read {
            Ok((_, sha256)) if sha256 == listed.sha256 => None,
            Ok(_) => Some(format!("`{}` is not what was built", path.display())),
            Err(error) => Some(format!("`{}` cannot be read: {error}", path.display())),
        }
    })
}
