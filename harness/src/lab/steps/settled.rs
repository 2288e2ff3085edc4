//! A networkd that is not yet through with a link undoes what a step does to it: it brings the link up, and sets the options of
//! a port and the sysctls of a link, when it comes to them. So a step that changes a link waits until networkd has done that.

use std::time::Duration;

use super::super::assignment::Assignment;
use super::NotDone;
use super::command::Places;
use crate::check::{READ_LINK, Vantage, is_under_way};
use crate::deadline::Deadline;
use crate::guest::Guest;
use crate::scenario::{Action, Change};
use crate::wait::until_woken;

/// How long a link may be under way. One that waits for somebody else, for a lease or an advertisement, was brought up long
/// before that.
const UNDER_WAY: Duration = Duration::from_secs(3);

impl Places<'_> {
    /// Waits before a step, where networkd has the links that it changes. By hand: `networkctl list`, until it no longer says
    /// `pending` or `configuring`.
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
                        // The link itself is not there: whoever changes it will say so.
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
