//! Calls of libssh2; each has a timeout.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ssh2::{BlockDirections, MethodType, Session};

use super::{ChannelError, GuestCommand, Output};
use crate::deadline::Deadline;

pub(super) fn ssh_error(doing: impl Into<String>) -> impl FnOnce(ssh2::Error) -> ChannelError {
    let doing = doing.into();
    move |source| ChannelError::Ssh { doing, source }
}

pub(super) fn new_session(by: Deadline) -> Result<Session, ChannelError> {
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

pub(super) fn shake_hands(session: &mut Session, by: Deadline) -> Result<(), ChannelError> {
    set_timeout(session, by);
    session.handshake().map_err(ssh_error("shake hands"))
}

/// `SSH_MSG_DISCONNECT`; a server that does not take it any more is no loss.
pub(super) fn say_goodbye(session: &Session) {
    set_timeout(session, Deadline::secs(5));
    let _ = session.disconnect(None, "done", None);
}

pub(super) fn host_key(session: &Session) -> String {
    session
        .host_key()
        .map(|(key, _)| STANDARD.encode(key))
        .unwrap_or_default()
}

/// Runs one command; stdout and stderr are drained in turn, because a full window of the one blocks the other.
pub(super) fn exec(
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
