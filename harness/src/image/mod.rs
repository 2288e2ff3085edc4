//! Guest images: recipes in `images/`, results in a content-addressed cache.
//!
//! A result is named after everything that went into it (recipe files, suite, format), is built once, and is
//! read-only afterwards. Guests boot from it copy-on-write.

mod build;
mod damage;
mod error;
mod progress;
mod recipe;
pub mod seed;
mod store;

pub use build::{WORKER_COMMAND, stop_building, worker_main, worker_program};
pub use damage::damage;
pub use error::ImageError;
pub(crate) use error::cache_help;
pub use recipe::{Recipe, recipes};
pub use store::{Image, Progress, Store, versions_in};
pub(crate) use store::{UNFINISHED, lock_of, open_to_all, sweep};
