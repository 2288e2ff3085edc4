//! The parts of this project that are programs: recipes of images, which run as the user who builds them, and what `bench`
//! builds and runs.
//!
//! Scenarios are data, so they are found from the working directory. Programs are not: somebody who stands in a stranger's
//! checkout, in order to look at it, must run nothing of it. They come from this program's own tree, or from a folder that was
//! named.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bridgelab_harness::image::Recipe;
use bridgelab_harness::visible::visible;

use crate::commands::root;

/// Folder of `--images DIR` or `$BRIDGELAB_IMAGES`.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Takes recipes from a folder that the user named. Call it once, before the command begins.
pub(crate) fn take_images_from(folder: Option<PathBuf>) {
    if let Some(folder) = folder {
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let _ = NAMED.set(folder);
    }
}

/// The folder of recipes that the user named.
pub(crate) fn named_images() -> Option<&'static Path> {
    NAMED.get().map(PathBuf::as_path)
}

/// This program as a process of its own, with the same recipes.
///
/// # Errors
/// The program's file is not known.
pub(crate) fn program() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(images) = named_images() {
        command.env("BRIDGELAB_IMAGES", images);
    }
    Ok(command)
}

/// The tree that has the other parts of this program: `$BRIDGELAB_ROOT`, or the source tree that the program was built from.
pub(crate) fn tree() -> PathBuf {
    std::env::var_os("BRIDGELAB_ROOT")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// The folder of recipes.
pub(crate) fn images() -> PathBuf {
    named_images().map_or_else(|| tree().join("images"), Path::to_owned)
}

/// Warns of another recipe of the same name beside the scenarios at hand, which is not used: somebody who edits it would
/// wonder. `taken` is the recipe that is used.
pub(crate) fn tell_of_another(name: &str, taken: &Recipe) {
    let here = root().join("images");
    // A moved copy of the same tree has the same recipe, which is no other one.
    let other = Recipe::find(&here, name).is_ok_and(|other| other.digest != taken.digest);
    if named_images().is_some() || !other {
        return;
    }
    let (here, taken) = (
        here.display().to_string(),
        taken.folder.display().to_string(),
    );
    let (here, taken) = (visible(&here), visible(&taken));
    let _ = writeln!(
        anstream::stderr(),
        "note: image {name} is that of `{taken}`, and not the other one in `{here}`: recipes are programs\n  help: if you trust \
         them: `--images {here}`"
    );
}
