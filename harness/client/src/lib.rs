//! A lab inside a test: the test's own process starts the program `bridgelab`, which builds the lab as for any other
//! run and then does what the test asks for, until the test is over.
//!
//! The lab cannot live in the test's process. Its worker must be PID 1 of namespaces of its own and must enter them
//! while it has one thread (`harness/docs/namespaces.md`), and a test has many. So the test's body runs where it always
//! runs, in the machine's own network namespace, and reaches the lab through a pipe: commands, checks and steps, at the
//! lab's places ([`HeldVantage`], [`HeldGuest`]). What it gains over a file is Rust between two of these.
//!
//! ```no_run
//! # use bridgelab_client::{Hold, NoLab, Scenario, toml::toml};
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = Scenario::new("the base topology alone");
//! let lab = match Hold::built(&scenario)?.start().await {
//!     Ok(lab) => lab,
//!     Err(NoLab::Skipped(why)) => return Ok(eprintln!("skipped: because {why}")),
//!     Err(error) => return Err(error.into()),
//! };
//! let ping = toml! { ping = { to = "192.168.1.1" } };
//! assert!(lab.vantage("desktop")?.check("router-answers", ping).await?.passed());
//! let report = lab.finish().await?;
//! # Ok(())
//! # }
//! ```
//!
//! However the test ends, a panic included, the lab is judged, its evidence gathered and everything taken down: the
//! end of the pipe is the end of the lab.
//!
//! What is valid, the program knows, which has the tables of checks and steps. Nothing of it is in this crate, so that a test
//! compiles neither a VMM's driver nor OpenSSL.

mod error;
mod hold;
mod lab;
mod pipe;
mod places;
pub mod protocol;
pub mod report;
mod scenario;

pub use error::{NoLab, PROGRAM_VARIABLE};
pub use hold::Hold;
pub use lab::HeldLab;
pub use places::{HeldGuest, HeldVantage};
pub use protocol::Output;
pub use report::{CheckOutcome, CheckReport, Outcome, RunReport, StepOutcome, StepReport};
pub use scenario::Scenario;

/// The values that a [`Scenario`], a check and a step take, of the version that they take.
pub use toml;
