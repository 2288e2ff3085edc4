//! Setting a machine up: which packages bring what is missing, the one command, and running it.

mod apt;
mod cargo;
mod distribution;
mod installer;
mod packages;
mod run;
mod simulation;

pub(super) use cargo::cargo_folder;
pub use cargo::{cargo_command, install_crates};
pub use distribution::{Distribution, Family};
pub use packages::{packages, setup_command};
pub use run::{SetupDone, SetupError, run_setup};
