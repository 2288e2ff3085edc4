//! The places where steps are done, and commands there.

use super::super::observer::Observer;
use super::super::testbed::Testbed;
use super::NotDone;
use crate::check::{Looking, Since, Vantage};
use crate::deadline::Deadline;
use crate::guest::ssh::Output;
use crate::plan::shell;
use crate::scenario::VantagePoint;
use crate::scenario::names::IfName;

/// The places of a run, and what is known of their links.
#[derive(Clone, Copy)]
pub(in crate::lab) struct Places<'r> {
    pub(in crate::lab) testbed: &'r Testbed,
    pub(in crate::lab) observer: &'r Observer,
}

impl Places<'_> {
    /// The vantage of a step. Refuses a guest that does not run, which cannot be asked.
    pub(super) fn place(&self, on: &VantagePoint) -> Result<Vantage, NotDone> {
        Ok(self.testbed.vantage(on)?)
    }

    /// Runs commands at a place one after another, until one is refused.
    pub(super) async fn run_commands(
        &self,
        on: &VantagePoint,
        lines: &[Vec<String>],
        by: Deadline,
    ) -> Result<String, NotDone> {
        let place = self.place(on)?;
        let mut said = String::new();
        for line in lines {
            let words: Vec<&str> = line.iter().map(String::as_str).collect();
            let _turn = place.turn().await;
            let output = place.exec(&words, by).await?;
            said = words_of(&output);
            if output.status != Some(0) {
                return Err(NotDone::Refused(refusal(line, &output, 0)));
            }
        }
        Ok(said)
    }

    /// The name of a link where the step is carried out. In a guest, a NIC is found by its MAC address.
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

/// Runs a shell's line in a guest or a container.
pub(super) async fn run_shell(place: &Vantage, line: &str, by: Deadline) -> Result<(), NotDone> {
    let _turn = place.turn().await;
    let output = place.exec(&["sh", "-c", line], by).await?;
    match output.success() {
        true => Ok(()),
        false => Err(NotDone::Refused(output.stderr.trim().to_owned())),
    }
}

/// What a command printed, its errors last.
pub(super) fn words_of(output: &Output) -> String {
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
