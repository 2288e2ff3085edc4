//! Offloads of a machine's links.

use super::super::run::Run;
use super::NotDone;
use crate::host::offload;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::step::Offload;

impl Run<'_> {
    pub(super) async fn offload(
        &self,
        on: &MachineName,
        interface: &IfName,
        wanted: Offload,
    ) -> Result<String, NotDone> {
        let link = interface.clone();
        let set = self
            .testbed
            .lab
            .machine(on.as_ref())?
            .run(async move { offload::set(&link, &wanted) });
        let set = set.await.map_err(super::super::error::LabError::from)?;
        set.map_err(|error| NotDone::Refused(error.to_string()))?;
        Ok(String::new())
    }
}
