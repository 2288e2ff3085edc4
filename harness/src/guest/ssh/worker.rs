//! The channel's thread: one session after another, one command at a time.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use ssh2::Session;
use tokio::sync::oneshot;

use super::command::{GuestCommand, Output};
use super::error::ChannelError;
use super::session::{Shell, host_key, new_session, say_goodbye, shake_hands, ssh_error};
use crate::deadline::Deadline;
use crate::guest::identity::KeyPair;
use crate::guest::steer::{open_steering, reopen_steering};
use crate::hypervisor::Steering;

/// What the thread is asked for.
pub(super) enum Request {
    Exec {
        command: GuestCommand,
        by: Deadline,
        reply: oneshot::Sender<Result<Output, ChannelError>>,
    },
    Close,
}

/// The channel's thread.
pub(super) struct Worker {
    pub(super) end: Steering,
    pub(super) login: KeyPair,
    pub(super) host_key: String,
    pub(super) in_use: Arc<Mutex<Option<UnixStream>>>,
    pub(super) open: Option<Open>,
    /// Whether the guest has served a session on this channel.
    pub(super) served: bool,
}

/// A session, in the order in which its parts must die.
pub(super) struct Open {
    shell: Shell,
    session: Session,
    stream: UnixStream,
}

impl Worker {
    pub(super) fn serve(mut self, queue: &mpsc::Receiver<Request>) {
        while let Ok(request) = queue.recv() {
            let Request::Exec { command, by, reply } = request else {
                return self.close();
            };
            if reply.is_closed() {
                continue;
            }
            let result = if by.passed() {
                Err(ChannelError::Timeout {
                    command: command.line().to_owned(),
                    waited: by.elapsed(),
                })
            } else {
                let result = self.run(&command, by);
                if result.is_err() {
                    self.hang_up();
                }
                result
            };
            let _ = reply.send(result);
        }
    }

    /// Ends the session by a message, so that sshd need not find out by itself that the host is gone.
    fn close(&mut self) {
        if let Some(open) = &self.open {
            say_goodbye(&open.session);
        }
        self.hang_up();
    }

    /// Throws the session away, whose state is unknown after an error. The socket is shut down and not only closed,
    /// because copies of it may be open: the VMM takes one connection at a time, and the next one would wait for ever
    /// behind this one.
    fn hang_up(&mut self) {
        let in_use = self
            .in_use
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(stream) = in_use {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        // The session goes after its socket: libssh2 tells the other side that a channel is freed, and would wait for
        // the answer.
        self.open = None;
    }

    fn run(&mut self, command: &GuestCommand, by: Deadline) -> Result<Output, ChannelError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open_session(by)?,
        };
        self.served = true;
        let ran = open.shell.exec(&open.session, &open.stream, command, by);
        self.open = Some(open);
        ran
    }

    fn open_session(&self, by: Deadline) -> Result<Open, ChannelError> {
        let open = if self.served {
            reopen_steering
        } else {
            open_steering
        };
        let opened = open(&self.end, by).and_then(|stream| {
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
                end: self.end.clone(),
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
        let shell = Shell::start(&session, by)?;
        Ok(Open {
            shell,
            session,
            stream: kept,
        })
    }
}
