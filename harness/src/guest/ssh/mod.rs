//! SSH, the only user of libssh2: over the steering channel, and as a probe over the network.
//!
//! libssh2 blocks and cannot be cancelled, so each channel has a thread of its own; every call has a timeout, and
//! shutting down the socket ends one that is under way.

mod command;
mod error;
mod session;
mod worker;

pub use command::{GuestCommand, Output};
pub use error::ChannelError;
pub use session::network_host_key;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::oneshot;

use super::identity::Identity;
use crate::deadline::Deadline;
use crate::hypervisor::Steering;
use worker::{Request, Worker};

/// SSH into a guest over its steering channel: works with the guest's network down, for many sessions in turn.
#[derive(Debug)]
pub struct SshChannel {
    requests: mpsc::Sender<Request>,
    // A clone of the socket in use: shutting it down ends a blocked call.
    socket: Arc<Mutex<Option<UnixStream>>>,
}

impl SshChannel {
    /// A channel to the guest behind `end`. Nothing is opened until the first command.
    pub fn new(guest: &str, end: Steering, identity: &Identity) -> Self {
        let (requests, queue) = mpsc::channel::<Request>();
        let in_use = Arc::new(Mutex::new(None));
        let worker = Worker {
            end,
            login: identity.login.clone(),
            host_key: identity.host_key.public_blob().to_owned(),
            in_use: Arc::clone(&in_use),
            open: None,
            served: false,
        };
        let spawned = std::thread::Builder::new()
            .name(format!("ssh:{guest}"))
            .spawn(move || worker.serve(&queue));
        if let Err(error) = spawned {
            // The queue is dropped with the closure, so the first command reports a closed channel.
            tracing::error!(%error, guest, "cannot start a steering thread");
        }
        Self {
            requests,
            socket: in_use,
        }
    }

    /// Runs a command in the guest.
    ///
    /// # Errors
    /// [`ChannelError`]; after one the session is thrown away and the next command opens a new one.
    pub async fn exec(&self, command: GuestCommand, by: Deadline) -> Result<Output, ChannelError> {
        let (reply, answer) = oneshot::channel();
        let line = command.line().to_owned();
        let request = Request::Exec { command, by, reply };
        self.requests
            .send(request)
            .map_err(|_| ChannelError::Closed)?;
        match tokio::time::timeout_at(by.tokio(), answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ChannelError::Closed),
            Err(_) => Err(ChannelError::Timeout {
                command: line,
                waited: by.elapsed(),
            }),
        }
    }
}

impl SshChannel {
    /// Ends the session in good order, when the commands under way have ended.
    pub fn close(&self) {
        let _ = self.requests.send(Request::Close);
    }
}

impl Drop for SshChannel {
    fn drop(&mut self) {
        let in_use = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = in_use.as_ref() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Whether a path can be a unix socket's (`sun_path` holds 108 bytes).
pub fn fits_socket(path: &Path) -> bool {
    path.as_os_str().len() < 108
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::identity::KeyPair;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    /// A guest that opens a session and then says nothing; the number of connections that it got and saw end.
    fn silent_guest(listener: &UnixListener, connections: usize) {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().expect("the channel connects");
            stream
                .write_all(b"bridgelab-steer 1 ready\n")
                .expect("write");
            let mut reader = BufReader::new(stream.try_clone().expect("clone"));
            let mut line = String::new();
            reader.read_line(&mut line).expect("a request");
            if line == "\n" {
                // The empty line that a host begins with.
                line.clear();
                reader.read_line(&mut line).expect("a request");
            }
            let nonce = line.trim().strip_prefix("start ").expect("a nonce");
            stream
                .write_all(format!("go {nonce}\n").as_bytes())
                .expect("write");
            // Like a VMM, which takes the next connection only when this one is over.
            let _ = reader.read_to_end(&mut Vec::new());
        }
    }

    #[tokio::test]
    async fn a_session_that_timed_out_makes_room_for_the_next() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let login = KeyPair::generate("login", &folder.path().join("login")).expect("a key");
        let identity = Identity::generate("test1", folder.path(), &login).expect("an identity");
        let socket = folder.path().join("steer.sock");
        let listener = UnixListener::bind(&socket).expect("bind");
        let guest = std::thread::spawn(move || silent_guest(&listener, 2));
        let channel = SshChannel::new("test1", Steering::Port(socket), &identity);
        for _ in 0..2 {
            let by = Deadline::after(Duration::from_millis(800));
            let error = channel.exec(GuestCommand::new(["true"]), by).await;
            assert!(error.is_err());
        }
        drop(channel);
        guest.join().expect("both connections came and ended");
    }
}
