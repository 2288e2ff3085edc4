//! Frames that steps send.

use super::super::error::LabError;
use super::super::run::Run;
use super::NotDone;
use crate::diagnostic::Diagnostic;
use crate::host::inject::Injector;
use crate::plan::frame;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::step::Frame;

impl Run<'_> {
    pub(super) async fn send(
        &self,
        on: &MachineName,
        interface: &IfName,
        what: &Frame,
        count: u16,
    ) -> Result<String, NotDone> {
        let machine = self.testbed.lab.machine(on.as_ref())?;
        let link = Injector::open(machine, interface.as_ref()).await;
        let link = link.map_err(|error| NotDone::Refused(Diagnostic::new(&error).to_string()))?;
        let bytes = frame::bytes(what, link.mac()).map_err(NotDone::Refused)?;
        for _ in 0..count {
            link.send(&bytes).map_err(|source| LabError::Io {
                doing: format!("send {} bytes out of {interface}", bytes.len()),
                machine: on.to_string(),
                source,
            })?;
        }
        Ok(format!("{} bytes", bytes.len()))
    }
}
