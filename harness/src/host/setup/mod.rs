//! Setting a machine up: which packages bring what is missing, the one command, and running it.

mod apt;
mod distribution;
mod packages;
mod run;
mod simulation;

pub use distribution::{Distribution, Family};
pub use packages::{packages, setup_command};
pub use run::{SetupDone, SetupError, run_setup};
