//! Steps that are commands at a place.

use super::super::run::Run;
use super::NotDone;
use crate::check::{Looking, Since, Vantage};
use crate::deadline::Deadline;
use crate::guest::ssh::Output;
use crate::plan::{action, shell};
use crate::scenario::VantagePoint;
use crate::scenario::names::IfName;
use crate::scenario::step::Action;

impl Run<'_> {
    /// Where a step is done; a guest that does not run cannot be asked.
    pub(super) fn place(&self, on: &VantagePoint) -> Result<Vantage, NotDone> {
        self.testbed.vantage(on).map_err(NotDone::Refused)
    }

    /// Runs the commands of an action one after another, until one is refused.
    pub(super) async fn run_commands(
        &mut self,
        action: &Action,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let named = self.with_local_names(action, by).await?;
        let Some((on, lines)) = action::commands(&named, self.asked.job.guests) else {
            let text = format!("`{}` takes more than a command", action::name(action));
            return Err(NotDone::Refused(text));
        };
        let place = self.place(&on)?;
        let wanted = match action {
            Action::Run { status, .. } => i32::from(*status),
            _ => 0,
        };
        if let (
            Action::Run { .. },
            VantagePoint::Guest(guest) | VantagePoint::Container(guest, _),
        ) = (action, &on)
        {
            self.testbed.used_shell_of(guest);
        }
        let mut said = String::new();
        for line in &lines {
            let words: Vec<&str> = line.iter().map(String::as_str).collect();
            let _turn = place.turn().await;
            let output = match action {
                Action::Run { .. } => place.exec_foreign(&words, by).await?,
                _ => place.exec(&words, by).await?,
            };
            said = words_of(&output);
            if output.status != Some(wanted) {
                return Err(NotDone::Refused(refusal(line, &output, wanted)));
            }
        }
        Ok(said)
    }

    /// The action with the names that its links have where it is done: inside a guest, a NIC is found by its MAC
    /// address.
    async fn with_local_names(&self, action: &Action, by: Deadline) -> Result<Action, NotDone> {
        let mut named = action.clone();
        let (on, interface) = match &mut named {
            Action::LinkUp { on, interface }
            | Action::LinkDown { on, interface }
            | Action::DeleteLink { on, interface }
            | Action::BridgePort { on, interface, .. }
            | Action::FlushNeighbours {
                on,
                interface: Some(interface),
            }
            | Action::Reload {
                on,
                interface: Some(interface),
                ..
            } => (on.clone(), interface),
            _ => return Ok(named),
        };
        *interface = self.local_name(&on, interface, by).await?;
        Ok(named)
    }

    pub(super) async fn local_name(
        &self,
        on: &VantagePoint,
        interface: &IfName,
        by: Deadline,
    ) -> Result<IfName, NotDone> {
        let VantagePoint::Guest(_) = on else {
            return Ok(interface.clone());
        };
        let place = self.place(on)?;
        let looking = Looking {
            from: &place,
            with: None,
            ghost: matches!(place, Vantage::Machine(_)),
            around: &self.observer.context,
            since: Since::EVER,
            by,
        };
        let found = looking.link(interface.as_ref()).await?;
        IfName::try_from(found.as_str()).map_err(|error| NotDone::Refused(error.to_string()))
    }
}

/// What a command printed, its errors last.
fn words_of(output: &Output) -> String {
    let said = format!("{}\n{}", output.stdout.trim(), output.stderr.trim());
    said.trim().to_owned()
}

pub(super) fn refusal(line: &[String], output: &Output, wanted: i32) -> String {
    let ended = match output.status {
        Some(status) if wanted == 0 => format!("exit status {status}"),
        Some(status) => format!("exit status {status}, not {wanted}"),
        None => "ended by a signal".to_owned(),
    };
    let said = words_of(output);
    let said = if said.is_empty() { "nothing" } else { &said };
    format!("`{}`: {ended}; it said: {said}", shell::join(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_tool_s_words_and_its_status() {
        let output = |status, stderr: &str| Output {
            stdout: String::new(),
            stderr: stderr.to_owned(),
            status,
        };
        let line = ["ip".to_owned(), "link".to_owned()];
        assert_eq!(
            refusal(&line, &output(Some(1), "Cannot find device\n"), 0),
            "`ip link`: exit status 1; it said: Cannot find device"
        );
        assert_eq!(
            refusal(&line, &output(Some(0), ""), 2),
            "`ip link`: exit status 0, not 2; it said: nothing"
        );
    }
}
