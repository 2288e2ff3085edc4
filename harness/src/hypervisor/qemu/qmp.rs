//! QMP, QEMU's monitor: commands and events, one JSON object a line.
//!
//! docs/interop/qmp-spec.rst and qapi/ of QEMU. By hand: `socat - UNIX:qmp.sock`, then `{"execute":"qmp_capabilities"}`.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::deadline::Deadline;
use crate::hypervisor::{MonitorError, descriptor};

/// The VMM's name in errors.
pub(super) const VMM: &str = "QEMU";

/// A connection to the monitor.
#[derive(Debug)]
pub struct Qmp {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    events: VecDeque<Value>,
}

impl Qmp {
    /// Connects, and leaves the negotiation mode.
    ///
    /// # Errors
    /// [`MonitorError`].
    pub async fn connect(socket: &Path, by: Deadline) -> Result<Self, MonitorError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(io_error("connect to"))?;
        let (reader, writer) = stream.into_split();
        let mut qmp = Self {
            lines: BufReader::new(reader).lines(),
            writer,
            events: VecDeque::new(),
        };
        let greeting = qmp.next(by, || "to greet".to_owned()).await?;
        if greeting.get("QMP").is_none() {
            return Err(MonitorError::Refused {
                vmm: VMM,
                command: "the greeting".to_owned(),
                said: greeting.to_string(),
            });
        }
        qmp.execute("qmp_capabilities", json!({}), by).await?;
        Ok(qmp)
    }

    /// Executes a command and returns its `return` value.
    ///
    /// # Errors
    /// [`MonitorError::Refused`] with QEMU's words.
    pub async fn execute(
        &mut self,
        command: &str,
        arguments: Value,
        by: Deadline,
    ) -> Result<Value, MonitorError> {
        let line = format!(
            "{}\n",
            json!({ "execute": command, "arguments": arguments })
        );
        self.writer
            .write_all(line.as_bytes())
            .await
            .map_err(io_error("write to"))?;
        loop {
            let mut answer = self.next(by, || format!("to answer `{command}`")).await?;
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = answer.get("error") {
                return Err(MonitorError::Refused {
                    vmm: VMM,
                    command: format!("{command} {arguments}"),
                    said: error["desc"].as_str().unwrap_or_default().to_owned(),
                });
            }
            self.events.push_back(answer);
        }
    }

    /// Hands QEMU a descriptor, which later commands know by `name`: QMP's `getfd`.
    ///
    /// # Errors
    /// [`MonitorError`].
    pub async fn give_descriptor(
        &mut self,
        name: &str,
        given: BorrowedFd<'_>,
        by: Deadline,
    ) -> Result<(), MonitorError> {
        self.writer
            .as_ref()
            .writable()
            .await
            .map_err(io_error("write to"))?;
        // The descriptor travels with a byte. That byte is a space, which JSON allows before the command.
        descriptor::send(self.writer.as_ref(), b" ", &[given])
            .map_err(io_error("hand a descriptor to"))?;
        self.execute("getfd", json!({ "fdname": name }), by).await?;
        Ok(())
    }

    /// Waits for an event that `wanted` turns into a value; others are dropped.
    ///
    /// # Errors
    /// [`MonitorError::Timeout`] with `what`; [`MonitorError::Io`] when QEMU ends.
    pub async fn event<T>(
        &mut self,
        what: &str,
        by: Deadline,
        mut wanted: impl FnMut(&str, &Value) -> Option<T>,
    ) -> Result<T, MonitorError> {
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.next(by, || what.to_owned()).await?,
            };
            let name = event["event"].as_str().unwrap_or_default();
            if let Some(found) = wanted(name, &event["data"]) {
                return Ok(found);
            }
        }
    }

    async fn next(
        &mut self,
        by: Deadline,
        what: impl Fn() -> String,
    ) -> Result<Value, MonitorError> {
        let line = match tokio::time::timeout_at(by.tokio(), self.lines.next_line()).await {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => return Err(io_error("read from")(io::ErrorKind::UnexpectedEof.into())),
            Ok(Err(source)) => return Err(io_error("read from")(source)),
            Err(_) => {
                return Err(MonitorError::Timeout {
                    vmm: VMM,
                    what: what(),
                    waited: by.elapsed(),
                });
            }
        };
        serde_json::from_str(&line).map_err(|e| io_error("understand")(e.into()))
    }
}

fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> MonitorError {
    MonitorError::io(VMM, doing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    /// Plays QEMU: one line after the other, each after the line that it answers.
    async fn monitor(listener: UnixListener, answers: &[&str]) -> Vec<String> {
        let (stream, _) = listener.accept().await.expect("a client");
        let (reader, mut writer) = stream.into_split();
        let mut asked = Vec::new();
        let mut lines = BufReader::new(reader).lines();
        for (turn, answer) in answers.iter().enumerate() {
            if turn > 0
                && let Ok(Some(line)) = lines.next_line().await
            {
                asked.push(line);
            }
            writer
                .write_all(format!("{answer}\n").as_bytes())
                .await
                .expect("write");
        }
        asked
    }

    async fn talk(answers: &'static [&'static str]) -> (Qmp, tokio::task::JoinHandle<Vec<String>>) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let socket = folder.path().join("qmp.sock");
        let listener = UnixListener::bind(&socket).expect("bind");
        let qemu = tokio::spawn(monitor(listener, answers));
        let qmp = Qmp::connect(&socket, Deadline::secs(5)).await;
        (qmp.expect("it greets"), qemu)
    }

    #[tokio::test]
    async fn an_event_before_an_answer_is_kept() {
        let (mut qmp, qemu) = talk(&[
            r#"{"QMP": {"version": {}, "capabilities": []}}"#,
            r#"{"return": {}}"#,
            concat!(
                r#"{"event": "STOP"}"#,
                "\n",
                r#"{"return": {"status": "paused"}}"#
            ),
        ])
        .await;
        let by = Deadline::secs(5);
        let status = qmp.execute("query-status", json!({}), by).await;
        assert_eq!(status.expect("an answer")["status"], "paused");
        let stopped = qmp.event("to stop", by, |name, _| (name == "STOP").then_some(()));
        stopped.await.expect("the event");
        let asked = qemu.await.expect("the monitor ends");
        assert!(asked[1].contains("query-status"), "{asked:?}");
        let gone = qmp.event("to say more", by, |_, _| None::<()>).await;
        assert!(matches!(gone, Err(MonitorError::Io { .. })), "{gone:?}");
    }

    #[tokio::test]
    async fn a_refusal_has_qemu_s_words() {
        let (mut qmp, _qemu) = talk(&[
            r#"{"QMP": {"version": {}, "capabilities": []}}"#,
            r#"{"return": {}}"#,
            r#"{"error": {"class": "GenericError", "desc": "Bus 'nicport9' not found"}}"#,
        ])
        .await;
        let refused = qmp
            .execute(
                "device_add",
                json!({"driver": "virtio-net-pci"}),
                Deadline::secs(5),
            )
            .await
            .expect_err("refused");
        let said = refused.to_string();
        assert!(said.contains("Bus 'nicport9' not found"), "{said}");
        assert!(said.contains("virtio-net-pci"), "{said}");
    }
}
