//! The verdict on a run as data, and its renderings. The JSON keys are documented in `docs/report-format.md`.

mod cancelled;
pub mod causes;
mod compare;
pub mod exit_code;
mod find_holes;
pub mod github;
mod guest;
mod hole;
pub mod html;
mod judge;
pub mod junit;
mod left_running;
mod moment;
pub mod perfetto;
mod problem;
mod purpose;
mod run;
pub mod side_by_side;
mod stage;
#[cfg(test)]
mod tests;
pub mod text;
pub mod timings;
pub mod units;

pub use bridgelab_client::report::{
    CheckOutcome, CheckReport, Outcome, SightReport, StepOutcome, StepReport,
};
pub use cancelled::Cancelled;
pub use compare::{Comparison, compare};
pub use guest::{GuestMemory, GuestReport, NicReport};
pub use hole::Hole;
pub use judge::judge_run;
pub use left_running::LeftRunning;
pub use moment::moment;
pub use problem::Problem;
pub use purpose::{NOT_SHOWN, not_shown};
pub use run::{Report, RunReport, SCHEMA};
pub use stage::{LabPlace, LabReport, StageReport, WaitReport};
pub use units::UnitsReport;
