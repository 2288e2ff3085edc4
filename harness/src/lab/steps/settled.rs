//! Waits for networkd before a step that changes a link. A networkd that has not finished a link would undo the step: it sets
//! the link up, and then the options of a port and the sysctls of the link.

use std::time::Duration;

use super::super::assignment::Assignment;
use super::NotDone;
use super::command::Places;
use crate::check::{READ_LINK, Vantage, is_under_way};
use crate::deadline::Deadline;
use crate::guest::Guest;
use crate::scenario::{Action, Change};
use crate::wait::until_woken;

/// How long networkd may still be at work on a link. A link that waits longer, for a lease or an advertisement, was set up long
/// before.
const UNDER_WAY: Duration = Duration::from_secs(3);

impl Places<'_> {
    /// Waits before a step until networkd has finished the links that the step changes. By hand: `networkctl list`, until it
    /// says neither `pending` nor `configuring`.
    pub(super) async fn let_networkd_finish(
        &self,
        asked: Assignment<'_>,
        action: &dyn Action,
        by: Deadline,
    ) -> Result<(), NotDone> {
        let changes = action.changes().into_iter();
        let set = changes.filter_map(|change| match change {
            Change::SetsLink { on, interface } => Some((on, interface)),
            _ => None,
        });
        let set: Vec<_> = set.collect();
        let Some((on, _)) = set.first() else {
            return Ok(());
        };
        let place = self.place(on)?;
        let has_networkd = match &place {
            Vantage::Machine(machine) => self.testbed.lab.runs_networkd(machine.name()),
            Vantage::Guest(guest) => has_networkd(guest),
            Vantage::Container { .. } => false,
        };
        if !has_networkd {
            return Ok(());
        }
        let by = by.child(asked.patience(UNDER_WAY));
        for (on, link) in &set {
            let name = self.local_name(on, link, by).await?;
            let waited = until_woken(
                by,
                "networkd to be through with a link",
                self.testbed.lab.changes().count(),
                async || {
                    let _turn = place.turn().await;
                    let words = ["sh", "-c", READ_LINK, "sh", name.as_ref()];
                    match place.exec(&words, by).await {
                        // The link does not exist: the step itself will report that.
                        Ok(file) if !file.success() => Ok(()),
                        Ok(file) if is_under_way(&file.stdout) => Err("it is under way".to_owned()),
                        Ok(_) => Ok(()),
                        Err(error) => Err(error.to_string()),
                    }
                },
            );
            if let Err(late) = waited.await {
                tracing::debug!(%late, link = %name, "a step does not wait any longer");
            }
        }
        Ok(())
    }
}

fn has_networkd(guest: &Guest) -> bool {
    guest.spec().image.networkd
}
