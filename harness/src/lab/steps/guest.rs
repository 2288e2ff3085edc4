//! Guests that steps start and stop.

use super::super::run::Run;
use super::NotDone;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::GuestError;
use crate::scenario::names::MachineName;

impl Run<'_> {
    pub(super) async fn start_by_step(&mut self, guest: &MachineName) -> Result<String, NotDone> {
        if self.is_ghost(guest) {
            self.start_ghost(guest).await?;
            self.surround();
            return Ok(String::new());
        }
        self.start_guest(guest).await?;
        let began = self.start_containers(Some(guest)).await;
        self.note_containers(began.map_err(refused)?);
        Ok(String::new())
    }

    /// It is asked to shut itself down, and its plug is pulled when it has not by `by`.
    pub(super) async fn stop_by_step(
        &mut self,
        guest: &MachineName,
        by: Deadline,
    ) -> Result<String, NotDone> {
        self.backgrounds.forget(guest);
        if self.is_ghost(guest) {
            self.stop_ghost(guest).await?;
        } else {
            self.stop_guest(guest, Some(by)).await?;
        }
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
