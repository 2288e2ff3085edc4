//! Counting frames of a capture.

use std::time::SystemTime;

use super::declared::Packet;
use super::frames::{counted, cut, saying};
use super::judge::judge;
use crate::check::looking::Looking;
use crate::check::{ProbeError, Verdict};
use crate::host::tcpdump;

pub(super) async fn look(wanted: &Packet, at: &Looking<'_>) -> Result<Verdict, ProbeError> {
    let capture = at.capture(&wanted.interface)?;
    let now = SystemTime::now();
    // After a step, only frames that came after the step count.
    let mut since = at.around.since.unwrap_or(SystemTime::UNIX_EPOCH);
    if wanted.since_check || at.since.only {
        since = since.max(at.since.begun);
    }
    if let Some(window) = wanted.last.and_then(|last| now.checked_sub(last)) {
        since = since.max(window);
    }
    capture.catch_up();
    let path = capture.file();
    let file = tokio::fs::read(path).await.map_err(|e| {
        ProbeError::Impossible(format!("read the capture `{}`: {e}", path.display()))
    })?;
    let (part, filter) = (cut(&file, since), &wanted.filter.text);
    let count = if wanted.says.is_empty() {
        let printed = tcpdump::count(part, filter, at.by).await?;
        counted(&printed).ok_or_else(|| ProbeError::Output {
            command: "tcpdump --count".to_owned(),
            printed,
        })?
    } else {
        saying(&tcpdump::describe(part, filter, at.by).await?, &wanted.says)
    };
    judge(wanted, count, capture.complete()).map_err(|lacks| ProbeError::Impossible(lacks.why))
}
