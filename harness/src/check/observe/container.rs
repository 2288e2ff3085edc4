//! Looks at a container from its guest.

use crate::check::container::ContainerSeen;
use crate::check::vantage::says_no_container;
use crate::check::{ProbeError, Vantage};
use crate::deadline::Deadline;

/// How the start of a container went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerStart {
    /// Docker started it.
    Started,
    /// Docker refused to, in these words.
    Refused(String),
}

/// Looks once: `docker inspect CONTAINER`, if it was started.
pub(super) async fn look(
    name: &str,
    start: Option<&ContainerStart>,
    from: &Vantage,
    by: Deadline,
) -> Result<ContainerSeen, ProbeError> {
    match start {
        None => return Ok(ContainerSeen::NotStarted),
        Some(ContainerStart::Refused(said)) => return Ok(ContainerSeen::Refused(said.clone())),
        Some(ContainerStart::Started) => {}
    }
    let format = "{{.State.Status}} {{.State.ExitCode}}";
    let words = ["docker", "inspect", "--format", format, name];
    let output = from.exec(&words, by).await?;
    match (output.success(), output.stdout.trim().split_once(' ')) {
        (true, Some((state, status))) => {
            Ok(ContainerSeen::State(state.to_owned(), status.to_owned()))
        }
        // Somebody removed it.
        _ if says_no_container(&output) => Err(ProbeError::Absent(output.stderr.trim().to_owned())),
        _ => Err(ProbeError::Output {
            command: words.join(" "),
            printed: format!("{}{}", output.stdout, output.stderr)
                .trim()
                .to_owned(),
        }),
    }
}
