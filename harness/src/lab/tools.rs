//! Programs that some scenarios need of this machine.

use super::run::Run;
use crate::diagnostic::Diagnostic;
use crate::host::finding::Unmet;
use crate::host::setup::{Distribution, setup_command};
use crate::host::tool::{Tool, locate};
use crate::report::Problem;
use crate::scenario::CheckKind;

impl Run<'_> {
    /// Why this run cannot be done here: a program that its checks need is not installed.
    pub(super) fn find_tools(&self) -> Result<(), Problem> {
        let mut kinds = self.scenario.checks.iter().map(|check| &check.kind);
        let filters = kinds.any(|kind| matches!(kind, CheckKind::Packet(_)));
        if !filters || locate(Tool::Tcpdump).is_some() {
            return Ok(());
        }
        let capability = Tool::Tcpdump.capability();
        let unmet = Unmet {
            capability,
            reason: "`tcpdump` is neither on PATH nor in a system folder".to_owned(),
            remedy: setup_command(&[capability], &Distribution::detect()),
        };
        Err(Diagnostic::new(&unmet).into())
    }
}
