//! Counting frames of a capture.

use std::time::SystemTime;

use super::{Since, Surroundings};
use crate::check::{ProbeError, Vantage, Verdict, packet};
use crate::deadline::Deadline;
use crate::host::tcpdump;
use crate::scenario::Packet;

pub(super) async fn look(
    wanted: &Packet,
    from: &Vantage,
    surroundings: &Surroundings,
    traffic: Since,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let capture = surroundings.capture(from, wanted.interface.as_ref())?;
    let now = SystemTime::now();
    // After a step only what came after it counts.
    let mut since = surroundings.since.unwrap_or(SystemTime::UNIX_EPOCH);
    if wanted.since_check || traffic.only {
        since = since.max(traffic.begun);
    }
    if let Some(window) = wanted.last.and_then(|last| now.checked_sub(last)) {
        since = since.max(window);
    }
    capture.catch_up();
    let path = capture.file();
    let file = tokio::fs::read(path).await.map_err(|e| {
        ProbeError::Impossible(format!("read the capture `{}`: {e}", path.display()))
    })?;
    let (part, filter) = (packet::cut(&file, since), &wanted.filter.text);
    let count = if wanted.says.is_empty() {
        let printed = tcpdump::count(part, filter, by).await?;
        packet::counted(&printed).ok_or_else(|| ProbeError::Output {
            command: "tcpdump --count".to_owned(),
            printed,
        })?
    } else {
        packet::saying(&tcpdump::describe(part, filter, by).await?, &wanted.says)
    };
    packet::judge(wanted, count, capture.complete()).map_err(ProbeError::Impossible)
}
