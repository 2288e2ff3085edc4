//! cloud-hypervisor's monitor: HTTP over a unix socket.
//!
//! vmm/src/api/openapi/cloud-hypervisor.yaml of its source. By hand:
//! `curl --unix-socket api.sock -X PUT http://localhost/api/v1/vm.power-button`.
//!
//! No HTTP library is used, because a descriptor has to ride on the bytes of a request.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest};
use tokio::net::UnixStream;

use crate::deadline::Deadline;
use crate::hypervisor::{Monitor, MonitorError, Nic, descriptor};

/// The VMM's name in errors.
const VMM: &str = "cloud-hypervisor";
/// Bytes of the longest answer that is read; cloud-hypervisor's own are far shorter.
const LONGEST: usize = 4 << 20;
/// Time between two questions whether the guest has let go of a device.
const LOOK: Duration = Duration::from_millis(100);

/// A connection to its API.
#[derive(Debug)]
pub(super) struct Api {
    stream: BufReader<UnixStream>,
}

impl Api {
    /// Connects to the API's socket.
    ///
    /// # Errors
    /// [`MonitorError::Io`] when nobody listens.
    pub(super) async fn connect(socket: &Path) -> Result<Self, MonitorError> {
        let stream = UnixStream::connect(socket).await;
        let stream = stream.map_err(io_error("connect to"))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and returns the answer; `Null` where it has no body.
    ///
    /// # Errors
    /// [`MonitorError::Refused`] with its words.
    pub(super) async fn request(
        &mut self,
        method: &str,
        endpoint: &str,
        body: Option<Value>,
        handed: &[OwnedFd],
        by: Deadline,
    ) -> Result<Value, MonitorError> {
        let asked = async {
            let text = request_text(method, endpoint, body.as_ref());
            self.send(text.as_bytes(), handed)
                .await
                .map_err(io_error("write to"))?;
            self.answer().await.map_err(io_error("read from"))
        };
        let Ok(answered) = tokio::time::timeout_at(by.tokio(), asked).await else {
            return Err(MonitorError::Timeout {
                vmm: VMM,
                what: format!("to answer `{endpoint}`"),
                waited: by.elapsed(),
            });
        };
        let (status, text) = answered?;
        if !(200..300).contains(&status) {
            let body = body.map(|body| format!(" {body}")).unwrap_or_default();
            return Err(MonitorError::Refused {
                vmm: VMM,
                command: format!("{endpoint}{body}"),
                said: refusal(status, &text),
            });
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn send(&mut self, text: &[u8], handed: &[OwnedFd]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        let mut sent = 0;
        if !handed.is_empty() {
            let send = || descriptor::send(&*stream, text, handed);
            stream.writable().await?;
            sent = stream.async_io(Interest::WRITABLE, send).await?;
        }
        stream.write_all(&text[sent..]).await
    }

    /// Status and body of one response.
    async fn answer(&mut self) -> io::Result<(u16, String)> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut line = String::new();
        self.line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| bad("no status of HTTP"))?;
        let mut length = 0;
        loop {
            self.line(&mut line).await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| bad("no length"))?;
            }
        }
        if length > LONGEST {
            return Err(bad("an answer of many megabytes"));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn line(&mut self, line: &mut String) -> io::Result<()> {
        line.clear();
        if self.stream.read_line(line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(())
    }

    /// Waits until the machine has no device of this name any more, which is when the guest has let go of it. The
    /// machine's state is asked for again and again, because the API has no event for that.
    async fn gone(&mut self, device: &str, by: Deadline) -> Result<(), MonitorError> {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            let info = self.request("GET", "vm.info", None, &[], by).await?;
            if info["device_tree"].get(device).is_none() {
                return Ok(());
            }
            if by.passed() {
                return Err(MonitorError::Timeout {
                    vmm: VMM,
                    what: "to have the guest let go of the NIC".to_owned(),
                    waited: by.elapsed(),
                });
            }
        }
    }
}

fn request_text(method: &str, endpoint: &str, body: Option<&Value>) -> String {
    let head = format!("{method} /api/v1/{endpoint} HTTP/1.1\r\nHost: localhost\r\n");
    match body {
        None => format!("{head}\r\n"),
        Some(body) => {
            let body = body.to_string();
            let length = body.len();
            format!(
                "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        }
    }
}

/// A refusal in words: a list of causes since version 52, a text before.
fn refusal(status: u16, text: &str) -> String {
    let causes = serde_json::from_str::<Vec<String>>(text).map(|causes| causes.join(": "));
    let words = causes.unwrap_or_else(|_| text.trim().to_owned());
    format!("{words} (HTTP {status})")
}

/// How the NIC number `index` of a guest is named.
pub(super) fn device(index: usize) -> String {
    format!("nic{index}")
}

impl Monitor for Api {
    fn status(&mut self, by: Deadline) -> BoxFuture<'_, Result<String, MonitorError>> {
        Box::pin(async move {
            let info = self.request("GET", "vm.info", None, &[], by).await?;
            Ok(info["state"].as_str().unwrap_or_default().to_owned())
        })
    }

    fn power_button(&mut self, by: Deadline) -> BoxFuture<'_, Result<(), MonitorError>> {
        Box::pin(async move {
            self.request("PUT", "vm.power-button", None, &[], by)
                .await?;
            Ok(())
        })
    }

    fn plug<'a>(
        &'a mut self,
        index: usize,
        nic: &'a Nic,
        queues: &'a [OwnedFd],
        by: Deadline,
    ) -> BoxFuture<'a, Result<(), MonitorError>> {
        Box::pin(async move {
            let options = nic.options;
            let config = json!({
                "id": device(index),
                "mac": nic.mac.to_string(),
                "num_queues": 2 * queues.len(),
                "offload_csum": options.checksum_offload,
                "offload_tso": options.segmentation_offload,
                "offload_ufo": options.segmentation_offload,
            });
            let endpoint = "vm.add-net";
            self.request("PUT", endpoint, Some(config), queues, by)
                .await?;
            Ok(())
        })
    }

    fn unplug(&mut self, index: usize, by: Deadline) -> BoxFuture<'_, Result<(), MonitorError>> {
        Box::pin(async move {
            let device = device(index);
            let config = json!({ "id": device });
            self.request("PUT", "vm.remove-device", Some(config), &[], by)
                .await?;
            self.gone(&device, by).await
        })
    }
}

fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> MonitorError {
    MonitorError::io(VMM, doing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::NicOptions;
    use crate::scenario::names::IfName;
    use crate::scenario::net::Mac;
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixListener, UnixStream as Peer};

    /// Plays the VMM: an answer to each request, with the requests and the number of descriptors that came with each.
    fn vmm(listener: &UnixListener, answers: &[&str]) -> Vec<(String, usize)> {
        let (peer, _) = listener.accept().expect("a client");
        let one = |answer: &&str| {
            let request = receive(&peer);
            std::io::Write::write_all(&mut &peer, answer.as_bytes()).expect("write");
            request
        };
        answers.iter().map(one).collect()
    }

    fn receive(peer: &Peer) -> (String, usize) {
        use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
        let mut bytes = [0; 4096];
        let mut space = nix::cmsg_space!([i32; 4]);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let fd = peer.as_raw_fd();
        let got = recvmsg::<()>(fd, &mut parts, Some(&mut space), MsgFlags::empty());
        let got = got.expect("a request");
        let length = got.bytes;
        let rights = |message: ControlMessageOwned| match message {
            ControlMessageOwned::ScmRights(fds) => fds.len(),
            _ => 0,
        };
        let handed = got.cmsgs().expect("control messages").map(rights).sum();
        (
            String::from_utf8_lossy(&bytes[..length]).into_owned(),
            handed,
        )
    }

    async fn talk(
        answers: &'static [&'static str],
    ) -> (Api, std::thread::JoinHandle<Vec<(String, usize)>>) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let socket = folder.path().join("api.sock");
        let listener = UnixListener::bind(&socket).expect("bind");
        let vmm = std::thread::spawn(move || vmm(&listener, answers));
        let api = Api::connect(&socket).await.expect("it listens");
        (api, vmm)
    }

    #[tokio::test]
    async fn a_nic_goes_with_its_open_tap() {
        let (mut api, vmm) = talk(&[
            "HTTP/1.1 200 \r\nServer: Cloud Hypervisor API\r\nContent-Length: 29\r\n\r\n{\"id\":\"nic2\",\"bdf\":\"00:05.0\"}",
            "HTTP/1.1 204 \r\nServer: Cloud Hypervisor API\r\n\r\n",
        ])
        .await;
        let nic = Nic {
            mac: Mac::try_from("02:00:00:00:00:01").expect("a MAC"),
            tap: IfName::try_from("vm-test1").expect("a name"),
            node: None,
            fds: 0..0,
            options: NicOptions::default(),
        };
        let tap = tempfile::tempfile().expect("something open");
        let queues = [OwnedFd::from(tap)];
        let by = Deadline::secs(5);
        api.plug(2, &nic, &queues, by).await.expect("it takes it");
        api.power_button(by).await.expect("pressed");
        let asked = vmm.join().expect("it ends");
        assert!(
            asked[0]
                .0
                .starts_with("PUT /api/v1/vm.add-net HTTP/1.1\r\n")
        );
        assert!(asked[0].0.contains("\"id\":\"nic2\""), "{asked:?}");
        assert_eq!((asked[0].1, asked[1].1), (1, 0));
        let button = "PUT /api/v1/vm.power-button HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(asked[1].0, button);
    }

    #[tokio::test]
    async fn a_refusal_has_its_words() {
        let (mut api, _vmm) = talk(&[
            "HTTP/1.1 500 \r\nContent-Length: 45\r\n\r\n[\"The VM info is not available\",\"No such VM\"]",
        ])
        .await;
        let refused = api.status(Deadline::secs(5)).await.expect_err("refused");
        let said = refused.to_string();
        let words = "The VM info is not available: No such VM (HTTP 500)";
        assert!(said.contains(words), "{said}");
    }
}
