//! Guests that steps start and stop.

use super::super::run::Run;
use super::NotDone;
use crate::deadline::Deadline;
use crate::scenario::names::MachineName;

impl Run<'_> {
    pub(super) async fn start_by_step(&mut self, guest: &MachineName) -> Result<String, NotDone> {
        if self.is_ghost(guest) {
            self.start_ghost(guest).await?;
            self.surround();
            return Ok(String::new());
        }
        self.start_guest(guest).await?;
        let mut started = Vec::new();
        let result = self.start_containers(Some(guest), &mut started).await;
        for (what, began, took) in started {
            self.waited("containers", what, began, took);
        }
        result.map_err(NotDone::Refused)?;
        Ok(String::new())
    }

    /// It is asked to shut itself down, and its plug is pulled when it has not by `by`.
    pub(super) async fn stop_by_step(
        &mut self,
        guest: &MachineName,
        by: Deadline,
    ) -> Result<String, NotDone> {
        if self.is_ghost(guest) {
            self.stop_ghost(guest).await?;
        } else {
            self.stop_guest(guest, Some(by)).await?;
        }
        Ok(String::new())
    }
}
