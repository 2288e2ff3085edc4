//! What of this project is a program: recipes of images, which run as whoever builds them, and what `bench` builds and runs.
//!
//! Scenarios are found from the working directory, since they are data. Programs are not: whoever stands in a stranger's checkout,
//! in order to look at it, runs nothing of it. It is this program's own tree that they come from, or a folder that was named.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bridgelab_harness::image::Recipe;
use bridgelab_harness::visible::visible;

use crate::commands::root;

/// `--images DIR` or `$BRIDGELAB_IMAGES`.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Takes recipes from a folder that somebody named. Once, before the command begins.
pub(crate) fn take_images_from(folder: Option<PathBuf>) {
    if let Some(folder) = folder {
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let _ = NAMED.set(folder);
    }
}

/// The folder of recipes that somebody named.
pub(crate) fn named_images() -> Option<&'static Path> {
    NAMED.get().map(PathBuf::as_path)
}

/// The tree that this program's other parts are in: `$BRIDGELAB_ROOT`, or the source tree that it was built from.
pub(crate) fn tree() -> PathBuf {
    std::env::var_os("BRIDGELAB_ROOT")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// The folder of recipes.
pub(crate) fn images() -> PathBuf {
    named_images().map_or_else(|| tree().join("images"), Path::to_owned)
}

/// Tells of a recipe of the same name beside the scenarios at hand, if it is another one than what is taken: whoever
/// works on it would wonder. `taken` is the one that is.
pub(crate) fn tell_of_another(name: &str, taken: &Recipe) {
    let here = root().join("images");
    // Somebody may have moved his own tree: the same recipe is no other one.
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
