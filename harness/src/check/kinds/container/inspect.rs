//! Looks at a container from its guest.

use super::judge::ContainerSeen;
use crate::check::ProbeError;
use crate::check::looking::{Looking, odd};
use crate::check::started::ContainerStart;
use crate::check::vantage::says_no_container;

/// Looks once: `docker inspect CONTAINER`, if it was started.
pub(super) async fn look(
    name: &str,
    start: Option<&ContainerStart>,
    at: &Looking<'_>,
) -> Result<ContainerSeen, ProbeError> {
    match start {
        None => return Ok(ContainerSeen::NotStarted),
        Some(ContainerStart::Refused(said)) => return Ok(ContainerSeen::Refused(said.clone())),
        Some(ContainerStart::Started) => {}
    }
    let format = "{{.State.Status}} {{.State.ExitCode}}";
    let words = ["docker", "inspect", "--format", format, name];
    let output = at.exec(&words).await?;
    match (output.success(), output.stdout.trim().split_once(' ')) {
        (true, Some((state, status))) => {
            Ok(ContainerSeen::State(state.to_owned(), status.to_owned()))
        }
        // The container was removed after its start.
        _ if says_no_container(&output) => Err(ProbeError::Absent(output.stderr.trim().to_owned())),
        _ => Err(odd(&words, &output)),
    }
}
