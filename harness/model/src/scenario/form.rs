//! One form of a scenario file, fully checked: the file as it stands or with a variant, and one combination of its matrix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::check::Check;
use super::error::Fault;
use super::guest::Guest;
use super::machine::Machine;
use super::matrix_value::MatrixValue;
use super::names::{CheckId, MachineName, VariantName};
use super::segment::Segment;
use super::step::Step;
use super::vantage_point::VantagePoint;
use super::vmm::HypervisorKind;

/// One runnable scenario: a scenario file with at most one variant laid over it, fully checked.
///
/// The only way to get one is [`load`](super::load)ing a file; so holding one means that every reference in it resolves.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Folder or file stem, for example `simple-network`.
    pub name: String,
    /// The variant laid over the file; `None` is the green form.
    pub variant: Option<VariantName>,
    /// One line for people.
    pub summary: String,
    /// The page or report it comes from.
    pub source: Option<String>,
    /// Free labels to filter by.
    pub tags: Vec<String>,
    /// What the machine must offer, by the names of `host::capability`; absent: the run is skipped by that name.
    pub needs: Vec<String>,
    /// The values of the file's matrix in this form; empty without a matrix.
    pub matrix: Vec<MatrixValue>,
    /// The values that stand over all that the file says, in this form; empty unless [`load_with`](super::load_with) was given any.
    pub overrides: Vec<MatrixValue>,
    /// File it was read from.
    pub path: PathBuf,
    /// Cables and switches that machines are plugged into.
    pub segments: BTreeMap<MachineName, Segment>,
    /// Machines that are network namespaces: internet, router, LAN machines and the MicroVM host.
    pub machines: BTreeMap<MachineName, Machine>,
    /// The MicroVMs.
    pub guests: BTreeMap<MachineName, Guest>,
    /// What should hold, in the file's order.
    pub checks: Vec<Check>,
    /// What is done one after another once the lab stands, with checks between.
    pub steps: Vec<Step>,
    /// For a variant: the checks that must fail, those of `any_of` included, each with the words its `got` must contain when it
    /// does (may be empty). Empty for the green form.
    pub must_fail: BTreeMap<CheckId, String>,
    /// Sets of checks of which at least one must fail, and each may.
    pub any_of: Vec<Vec<CheckId>>,
    /// What VMMs that the command line imposes on its guests cannot do of it, each with the VMM. With any of these it is
    /// skipped; in a file they are faults.
    pub beyond: Vec<(HypervisorKind, String)>,
    /// What is doubtful about its unit files.
    pub warnings: Vec<Fault>,
    /// Unit files that are meant to be as they are, by where they are.
    pub faulty_units: BTreeSet<(VantagePoint, String)>,
}
