//! Guests that steps start and stop.

use super::super::containers::{note_containers, start_containers};
use super::super::run::Run;
use super::NotDone;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::GuestError;
use crate::scenario::names::MachineName;

impl Run<'_> {
    pub(super) async fn start_by_step(&mut self, guest: &MachineName) -> Result<String, NotDone> {
        let (guests, around) = self.guests();
        guests.start(guest, around).await?;
        let began = start_containers(self.asked, &*self.testbed.guests, Some(guest)).await;
        let began = began.map_err(refused)?;
        note_containers(began, &mut self.observer, &mut self.record);
        Ok(String::new())
    }

    /// It is asked to shut itself down, and its plug is pulled when it has not by `by`.
    pub(super) async fn stop_by_step(
        &mut self,
        guest: &MachineName,
        by: Deadline,
    ) -> Result<String, NotDone> {
        self.testbed.backgrounds.forget(guest);
        let (guests, around) = self.guests();
        guests.stop(guest, by, around).await?;
        Ok(String::new())
    }
}

/// Docker's word; a guest that cannot be asked is at fault itself.
fn refused(error: GuestError) -> NotDone {
    let diagnostic = Diagnostic::new(&error);
    match error {
        GuestError::Container { .. } => NotDone::Refused(diagnostic.to_string()),
        _ => NotDone::Broken(diagnostic),
    }
}
