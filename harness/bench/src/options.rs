//! What a benchmark is asked for.

use std::path::PathBuf;

use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::image::{Image, ImageError};

/// What is asked for, and where this program's own parts are.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often everything is measured; `None`: each benchmark has its own number.
    pub rounds: Option<u16>,
    /// What runs the guests' instructions; `None`: KVM where it works, TCG otherwise.
    pub accelerator: Option<Accelerator>,
    /// How many namespaces or guests, of the benchmarks that measure several sizes; empty: each has its own.
    pub sizes: Vec<u16>,
    /// Scenarios of the benchmark `suite`; empty: all of them.
    pub scenarios: Vec<String>,
    /// Whether the crate patchbay is built with cargo and measured as well.
    pub patchbay: bool,
    /// The tree with `benches` and `scenarios`, of which programs are run.
    pub tree: PathBuf,
    /// The folder of recipes for images.
    pub images: PathBuf,
    /// The folder whose scenarios the benchmark `suite` runs.
    pub root: PathBuf,
    /// The image of a recipe, built if it is missing.
    pub ready_image: fn(&str) -> Result<Image, ImageError>,
}
