//! SSH, the only user of libssh2: over the steering channel, and as a probe over the network.
//!
//! libssh2 blocks and cannot be cancelled, so each channel has a thread of its own; every call has a timeout, and
//! shutting down the socket ends one that is under way.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ssh2::{BlockDirections, MethodType, Session};
use tokio::sync::oneshot;

use super::identity::{Identity, KeyPair};
use super::steer::{open_steering, reopen_steering};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::plan::shell;

/// What a command in a guest was, could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The channel's socket.
    #[error("open the steering channel `{}`", socket.display())]
    Open {
        /// Unix socket of the virtio-serial port.
        socket: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// libssh2 or sshd.
    #[error("{doing} over SSH")]
    Ssh {
        /// What was being done.
        doing: String,
        /// libssh2's words.
        source: ssh2::Error,
    },
    /// Reading or writing.
    #[error("{doing} over SSH")]
    Io {
        /// What was being done.
        doing: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The server is not who it should be.
    #[error("recognise the guest: its SSH host key is {got}, not {expected}")]
    HostKey {
        /// Base64 of the key that was given to the guest.
        expected: String,
        /// Base64 of the key it showed.
        got: String,
    },
    /// No answer in time.
    #[error("wait {waited:.1?} for `{command}`")]
    Timeout {
        /// What was run.
        command: String,
        /// How long.
        waited: Duration,
    },
    /// The channel's thread has ended.
    #[error("reach the steering thread: it has ended")]
    Closed,
}

impl Diagnose for ChannelError {
    fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "channel.open",
            Self::Ssh { .. } | Self::Io { .. } => "channel.ssh",
            Self::HostKey { .. } => "channel.host-key",
            Self::Timeout { .. } => "channel.timeout",
            Self::Closed => "channel.closed",
        }
    }
}

/// A command for a guest: argv, quoted once for the remote shell.
#[derive(Debug, Clone)]
pub struct GuestCommand {
    line: String,
}

impl GuestCommand {
    /// A program and its arguments.
    pub fn new<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let words: Vec<W> = words.into_iter().collect();
        Self {
            line: shell::join(&words),
        }
    }

    /// A line for the guest's shell, as it stands.
    pub fn shell(line: impl Into<String>) -> Self {
        Self { line: line.into() }
    }

    /// The line that the shell gets.
    pub fn line(&self) -> &str {
        &self.line
    }
}

/// What a command left.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status; `None`: ended by a signal.
    pub status: Option<i32>,
}

impl Output {
    /// Whether the command ended with status 0.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}

struct Request {
    command: GuestCommand,
    by: Deadline,
    reply: oneshot::Sender<Result<Output, ChannelError>>,
}

/// SSH into a guest over virtio-serial: works with the guest's network down, for many sessions in turn.
#[derive(Debug)]
pub struct SshChannel {
    requests: mpsc::Sender<Request>,
    // A clone of the socket in use: shutting it down ends a blocked call.
    socket: Arc<Mutex<Option<UnixStream>>>,
}

impl SshChannel {
    /// A channel to the guest behind `socket`. Nothing is opened until the first command.
    pub fn new(guest: &str, socket: PathBuf, identity: &Identity) -> Self {
        let (requests, queue) = mpsc::channel::<Request>();
        let in_use = Arc::new(Mutex::new(None));
        let worker = Worker {
            socket,
            login: identity.login.clone(),
            host_key: identity.host_key.public_blob().to_owned(),
            in_use: Arc::clone(&in_use),
            session: None,
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
        let line = command.line.clone();
        let request = Request { command, by, reply };
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

impl Drop for SshChannel {
    fn drop(&mut self) {
        let in_use = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = in_use.as_ref() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// The channel's thread.
struct Worker {
    socket: PathBuf,
    login: KeyPair,
    host_key: String,
    in_use: Arc<Mutex<Option<UnixStream>>>,
    session: Option<(Session, UnixStream)>,
    /// Whether the guest has served a session on this channel.
    served: bool,
}

impl Worker {
    fn serve(mut self, queue: &mpsc::Receiver<Request>) {
        while let Ok(request) = queue.recv() {
            if request.reply.is_closed() {
                continue;
            }
            let result = if request.by.passed() {
                Err(ChannelError::Timeout {
                    command: request.command.line.clone(),
                    waited: request.by.elapsed(),
                })
            } else {
                let result = self.run(&request.command, request.by);
                if result.is_err() {
                    self.hang_up();
                }
                result
            };
            let _ = request.reply.send(result);
        }
    }

    /// The session's state is unknown after any error. Shutting the socket down ends it for certain, whoever holds
    /// a copy: the VMM takes one connection at a time, and the next one would wait for ever behind this one.
    fn hang_up(&mut self) {
        self.session = None;
        let in_use = self
            .in_use
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(stream) = in_use {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    fn run(&mut self, command: &GuestCommand, by: Deadline) -> Result<Output, ChannelError> {
        if self.session.is_none() {
            let session = self.open(by)?;
            self.served = true;
            self.session = Some(session);
        }
        match &self.session {
            Some((session, stream)) => exec(session, stream, command, by),
            None => Err(ChannelError::Closed),
        }
    }

    fn open(&self, by: Deadline) -> Result<(Session, UnixStream), ChannelError> {
        let open = if self.served {
            reopen_steering
        } else {
            open_steering
        };
        let opened = open(&self.socket, by).and_then(|stream| {
            let copy = stream.try_clone()?;
            let kept = stream.try_clone()?;
            *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
            Ok((stream, kept))
        });
        let (stream, kept) = opened.map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => ChannelError::Timeout {
                command: "the guest's steering announcement".to_owned(),
                waited: by.elapsed(),
            },
            _ => ChannelError::Open {
                socket: self.socket.clone(),
                source,
            },
        })?;
        let mut session = new_session(by)?;
        session.set_tcp_stream(stream);
        shake_hands(&mut session, by)?;
        let got = host_key(&session);
        if got != self.host_key {
            return Err(ChannelError::HostKey {
                expected: self.host_key.clone(),
                got,
            });
        }
        session
            .userauth_pubkey_memory("root", None, self.login.private(), None)
            .map_err(ssh_error("log in as root"))?;
        Ok((session, kept))
    }
}

fn ssh_error(doing: impl Into<String>) -> impl FnOnce(ssh2::Error) -> ChannelError {
    let doing = doing.into();
    move |source| ChannelError::Ssh { doing, source }
}

fn new_session(by: Deadline) -> Result<Session, ChannelError> {
    let session = Session::new().map_err(ssh_error("start a session"))?;
    set_timeout(&session, by);
    // The harness gives guests ed25519 host keys, so that is the one to be shown.
    session
        .method_pref(MethodType::HostKey, "ssh-ed25519")
        .map_err(ssh_error("prefer ed25519 host keys"))?;
    Ok(session)
}

/// libssh2 waits for ever by default; 0 would mean that too.
fn set_timeout(session: &Session, by: Deadline) {
    let left = by.left().as_millis().clamp(1, u128::from(u32::MAX));
    session.set_timeout(left as u32);
}

fn shake_hands(session: &mut Session, by: Deadline) -> Result<(), ChannelError> {
    set_timeout(session, by);
    session.handshake().map_err(ssh_error("shake hands"))
}

fn host_key(session: &Session) -> String {
    session
        .host_key()
        .map(|(key, _)| STANDARD.encode(key))
        .unwrap_or_default()
}

/// Runs one command; stdout and stderr are drained in turn, because a full window of the one blocks the other.
fn exec(
    session: &Session,
    stream: &UnixStream,
    command: &GuestCommand,
    by: Deadline,
) -> Result<Output, ChannelError> {
    let doing = |what: &str| format!("{what} `{}`", command.line);
    session.set_blocking(true);
    set_timeout(session, by);
    let mut channel = session
        .channel_session()
        .map_err(ssh_error(doing("open a channel for")))?;
    channel
        .exec(&command.line)
        .map_err(ssh_error(doing("run")))?;
    session.set_blocking(false);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        let out = drain(&mut channel.stream(0), &mut stdout);
        let err = drain(&mut channel.stream(1), &mut stderr);
        out.and(err).map_err(|source| ChannelError::Io {
            doing: doing("read the output of"),
            source,
        })?;
        if channel.eof() {
            break;
        }
        if by.passed() {
            return Err(ChannelError::Timeout {
                command: command.line.clone(),
                waited: by.elapsed(),
            });
        }
        wait_for_socket(session, stream, by);
    }
    session.set_blocking(true);
    set_timeout(session, by);
    channel.wait_close().map_err(ssh_error(doing("end")))?;
    let signal = channel
        .exit_signal()
        .ok()
        .and_then(|signal| signal.exit_signal);
    // libssh2 reports status 0 for a command that a signal ended.
    let status = match signal {
        Some(_) => None,
        None => Some(
            channel
                .exit_status()
                .map_err(ssh_error(doing("get the status of")))?,
        ),
    };
    Ok(Output {
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        status,
    })
}

fn drain(from: &mut impl Read, into: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => into.extend_from_slice(&buffer[..read]),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(e),
        }
    }
}

fn wait_for_socket(session: &Session, stream: &UnixStream, by: Deadline) {
    let flags = match session.block_directions() {
        BlockDirections::Outbound => PollFlags::POLLOUT,
        BlockDirections::Both => PollFlags::POLLIN | PollFlags::POLLOUT,
        BlockDirections::Inbound | BlockDirections::None => PollFlags::POLLIN,
    };
    let mut fds = [PollFd::new(stream.as_fd(), flags)];
    let left = by.left().as_millis().clamp(1, 60_000) as u16;
    // Whatever poll says, the loop looks again.
    let _ = poll(&mut fds, PollTimeout::from(left));
}

/// Shakes hands with an SSH server over a network connection and returns its host key in base64.
///
/// Blocking. Equivalent: `ssh-keyscan -t ed25519 HOST`.
///
/// # Errors
/// [`ChannelError::Ssh`].
pub fn network_host_key(stream: TcpStream, by: Deadline) -> Result<String, ChannelError> {
    let mut session = new_session(by)?;
    session.set_tcp_stream(stream);
    shake_hands(&mut session, by)?;
    Ok(host_key(&session))
}

/// Whether a path can be a unix socket's (`sun_path` holds 108 bytes).
pub fn fits_socket(path: &Path) -> bool {
    path.as_os_str().len() < 108
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

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
        let channel = SshChannel::new("test1", socket, &identity);
        for _ in 0..2 {
            let by = Deadline::after(Duration::from_millis(800));
            let error = channel.exec(GuestCommand::new(["true"]), by).await;
            assert!(error.is_err());
        }
        drop(channel);
        guest.join().expect("both connections came and ended");
    }
}
