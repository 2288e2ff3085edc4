//! What all parts of a page are made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::excerpt::Excerpt;
use super::limits::Limits;
use crate::report::RunReport;
use crate::scenario::Scenario;

/// Name of the page in the evidence.
pub const FILE: &str = "report.html";

/// What a page is made of beside the report.
#[derive(Debug, Clone, Default)]
pub struct Pages<'a> {
    /// The form that was run, for the picture of its network and its unit files; `None`: the page goes without them.
    pub scenario: Option<&'a Scenario>,
    /// What lies in the folder of evidence, with sizes in bytes, by the path from there. A size that is not known yet is `None`.
    pub files: BTreeMap<PathBuf, Option<u64>>,
    /// Texts of those files of which [`shown_of`](super::shown_of) says that they are shown.
    pub texts: BTreeMap<PathBuf, Excerpt>,
}

/// What all parts of a page are made of.
pub(super) struct Context<'a> {
    /// The run.
    pub(super) run: &'a RunReport,
    /// What lies in its folder.
    pub(super) pages: &'a Pages<'a>,
    /// How much is shown.
    pub(super) limits: &'a Limits,
}
