//! Guests whose writes find no room: the file system that holds what a guest writes to its disk is full.
//!
//! QEMU stops such a guest (`werror=enospc`, its default) and says so by the event `BLOCK_IO_ERROR`; qapi/block-core.json
//! of QEMU. By hand: `{"execute":"query-block"}` shows the `io-status` `nospace`, and `{"execute":"cont"}` lets it try again.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::qmp::Qmp;
use crate::deadline::Deadline;
use crate::hypervisor::MonitorError;

/// How long the monitor may take to answer. It answers while the guest boots, too.
const ANSWER: Duration = Duration::from_secs(30);
/// The kernel's words for a full file system, ENOSPC of errno(3).
const NO_SPACE: &str = "No space left on device";

/// Waits until QEMU, whose monitor is at `socket`, has stopped a guest because its write found no room. Returns the
/// kernel's words.
///
/// The state is asked for first, because events from before the connection are lost.
///
/// # Errors
/// [`MonitorError::Io`] when QEMU ends first.
pub(super) async fn used_up(socket: &Path) -> Result<String, MonitorError> {
    let by = Deadline::after(ANSWER);
    let mut qmp = Qmp::connect(socket, by).await?;
    let disks = qmp.execute("query-block", json!({}), by).await?;
    let mut disks = disks.as_array().into_iter().flatten();
    if disks.any(|disk| disk["io-status"] == "nospace") {
        return Ok(NO_SPACE.to_owned());
    }
    qmp.event("to run out of room", Deadline::never(), no_space)
        .await
}

/// The reason that an event gives for having stopped the guest for lack of room; `None`: another event.
fn no_space(name: &str, data: &Value) -> Option<String> {
    if name != "BLOCK_IO_ERROR" || data["nospace"] != true || data["action"] != "stop" {
        return None;
    }
    Some(data["reason"].as_str().unwrap_or(NO_SPACE).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

    const GREETING: &str = r#"{"QMP": {"version": {}, "capabilities": []}}"#;
    const DONE: &str = r#"{"return": {}}"#;
    /// As QEMU 7.2 tells of a read that failed and of a write for which there was no room.
    const OTHER: &str = r#"{"event": "BLOCK_IO_ERROR", "data": {"device": "root", "operation": "read", "action": "report", "nospace": false, "reason": "Input/output error"}}"#;
    const FULL: &str = r#"{"event": "BLOCK_IO_ERROR", "data": {"device": "root", "operation": "write", "action": "stop", "nospace": true, "reason": "No space left on device"}}"#;

    /// What is found of a QEMU that says this, each line as soon as the one before it was answered.
    async fn found(lines: &[&str]) -> Result<String, MonitorError> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let socket = folder.path().join("qmp.sock");
        let listener = UnixListener::bind(&socket).expect("bind");
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        let qemu = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut asked = BufReader::new(stream.try_clone().expect("a copy")).lines();
            for (turn, line) in lines.iter().enumerate() {
                if turn > 0 {
                    asked.next();
                }
                (&stream).write_all(line.as_bytes()).expect("written");
            }
        });
        let found = used_up(&socket).await;
        qemu.join().expect("it ends");
        found
    }

    #[tokio::test]
    async fn the_event_is_waited_for_and_no_other() {
        let none = r#"{"return": [{"device": "root", "io-status": "ok"}]}"#;
        let events = format!("{none}\n{OTHER}\n{FULL}");
        let said = found(&[GREETING, DONE, &events]).await;
        assert_eq!(said.expect("it is full"), NO_SPACE);
        let ended = found(&[GREETING, DONE, &format!("{none}\n{OTHER}")]).await;
        assert!(matches!(ended, Err(MonitorError::Io { .. })), "{ended:?}");
    }

    #[tokio::test]
    async fn one_that_stopped_before_anybody_listened_is_found() {
        let full = r#"{"return": [{"device": "root", "io-status": "nospace"}]}"#;
        let said = found(&[GREETING, DONE, full]).await;
        assert_eq!(said.expect("it is full"), NO_SPACE);
    }
}
