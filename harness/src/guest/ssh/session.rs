//! Calls of libssh2; each has a timeout.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ssh2::{BlockDirections, Channel, MethodType, Session};

use super::command::{GuestCommand, Output};
use super::error::ChannelError;
use crate::deadline::Deadline;
use crate::plan::shell;

pub(super) fn ssh_error(doing: impl Into<String>) -> impl FnOnce(ssh2::Error) -> ChannelError {
    let doing = doing.into();
    move |source| ChannelError::Ssh { doing, source }
}

pub(super) fn new_session(by: Deadline) -> Result<Session, ChannelError> {
    let session = Session::new().map_err(ssh_error("start a session"))?;
    set_timeout(&session, by);
    // Only ed25519 host keys are accepted, since that is the kind that the harness gives to guests.
    session
        .method_pref(MethodType::HostKey, "ssh-ed25519")
        .map_err(ssh_error("prefer ed25519 host keys"))?;
    Ok(session)
}

/// Limits each call of libssh2, which by default waits for ever. It takes 0 for "for ever" as well, hence the least of
/// 1 ms.
fn set_timeout(session: &Session, by: Deadline) {
    let left = by.left().as_millis().clamp(1, u128::from(u32::MAX));
    session.set_timeout(left as u32);
}

pub(super) fn shake_hands(session: &mut Session, by: Deadline) -> Result<(), ChannelError> {
    set_timeout(session, by);
    session.handshake().map_err(ssh_error("shake hands"))
}

/// Sends `SSH_MSG_DISCONNECT`. An error is ignored, since a server that is gone needs no goodbye.
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

/// A shell in the guest that runs one command after another.
///
/// A channel for each command would have sshd start the login shell each time, and under emulation that takes longer
/// than most commands. Each command runs in a subshell, so that none can change what the next one finds, and its end
/// is told by a mark on both streams.
pub(super) struct Shell {
    channel: Channel,
    mark: String,
    count: u64,
}

impl Shell {
    /// Equivalent: `ssh root@guest exec sh`.
    pub(super) fn start(session: &Session, by: Deadline) -> Result<Self, ChannelError> {
        session.set_blocking(true);
        set_timeout(session, by);
        let mut channel = session
            .channel_session()
            .map_err(ssh_error("open a channel"))?;
        channel
            .exec("exec sh")
            .map_err(ssh_error("start a shell"))?;
        let mut random = [0; 16];
        File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut random))
            .map_err(|source| ChannelError::Io {
                doing: "read `/dev/urandom`, for a session".to_owned(),
                source,
            })?;
        Ok(Self {
            channel,
            mark: STANDARD.encode(random),
            count: 0,
        })
    }

    /// Runs one command; stdout and stderr are drained together, because a full window of the one blocks the other.
    pub(super) fn exec(
        &mut self,
        session: &Session,
        stream: &UnixStream,
        command: &GuestCommand,
        by: Deadline,
    ) -> Result<Output, ChannelError> {
        let doing = |what: &str| format!("{what} `{}`", command.line());
        let io = |what: &str| {
            let doing = doing(what);
            move |source| ChannelError::Io { doing, source }
        };
        self.count += 1;
        let mark = format!("{} {} ", self.mark, self.count);
        session.set_blocking(true);
        set_timeout(session, by);
        let script = script(command.line(), &mark);
        self.channel
            .write_all(script.as_bytes())
            .map_err(io("run"))?;
        session.set_blocking(false);
        let (mut stdout, mut stderr) = (Words::default(), Words::default());
        loop {
            drain(&mut self.channel, &mut stdout, &mut stderr).map_err(io("read the output of"))?;
            // Both streams are searched each time, since one may end long before the other.
            let ended = [stdout.has_ended(&mark), stderr.has_ended(&mark)];
            if ended == [true, true] {
                let status = exit_status(&stdout.status);
                let (stdout, stderr) = (stdout.text(), stderr.text());
                return Ok(Output {
                    stdout,
                    stderr,
                    status,
                });
            }
            if self.channel.eof() {
                let source =
                    io::Error::new(io::ErrorKind::UnexpectedEof, "the guest's shell has ended");
                return Err(io("read the output of")(source));
            }
            if by.passed() {
                return Err(ChannelError::Timeout {
                    command: command.line().to_owned(),
                    waited: by.elapsed(),
                });
            }
            wait_for_socket(session, stream, by);
        }
    }
}

/// The text that the shell is given for a command. `eval` keeps a syntax error of the line within the subshell.
/// Standard input is `/dev/null`, because the shell reads the next command from its own.
fn script(line: &str, mark: &str) -> String {
    let quoted = shell::join(&[line]);
    format!("(eval {quoted}) </dev/null; printf '\\036{mark}%d\n' $?; printf '\\036{mark}\n' >&2\n")
}

/// Bytes that are kept of an output's beginning, and as many of its end.
const KEPT: usize = 512 << 10;

/// The beginning and the end of what a command says.
#[derive(Default)]
struct Words {
    /// The first [`KEPT`] bytes, then, where something was left out, at least the last [`KEPT`].
    bytes: Vec<u8>,
    left_out: usize,
    /// Bytes at the end that have not been searched for a mark.
    fresh: usize,
    ended: bool,
    /// The exit status, which stands behind the mark.
    status: String,
}

impl Words {
    fn add(&mut self, bytes: &[u8]) {
        if self.ended {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        self.fresh += bytes.len();
        // Cuts only now and then, so that no more bytes are moved than were received.
        if self.bytes.len() > 4 * KEPT {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let to = self.bytes.len().saturating_sub(KEPT).max(KEPT);
        self.left_out += to - KEPT;
        self.bytes.drain(KEPT..to);
    }

    /// Whether the mark has come. What follows the mark is not the command's output.
    fn has_ended(&mut self, mark: &str) -> bool {
        if self.ended {
            return true;
        }
        // A mark may have come in two parts, the first of which has been searched already.
        let unseen = self.fresh + mark.len() + LONGEST_STATUS;
        let from = self.bytes.len().saturating_sub(unseen);
        self.fresh = 0;
        let Some((words, status)) = before(&self.bytes[from..], mark) else {
            return false;
        };
        self.status = status.to_owned();
        let end = from + words.len();
        self.bytes.truncate(end);
        self.ended = true;
        true
    }

    fn text(mut self) -> String {
        if self.bytes.len() > 2 * KEPT {
            self.cut();
        }
        match self.bytes.split_at_checked(KEPT) {
            Some((head, tail)) if self.left_out > 0 => format!(
                "{}\n[... {} bytes are left out ...]\n{}",
                String::from_utf8_lossy(head),
                self.left_out,
                String::from_utf8_lossy(tail)
            ),
            _ => String::from_utf8_lossy(&self.bytes).into_owned(),
        }
    }
}

/// More bytes than a mark's first letter, its status and the end of its line take.
const LONGEST_STATUS: usize = 16;

/// Returns what stands before a mark, and the word behind it, once the mark's line is whole.
fn before<'a>(bytes: &'a [u8], mark: &str) -> Option<(&'a [u8], &'a str)> {
    let mark = format!("\x1e{mark}");
    let at = bytes
        .windows(mark.len())
        .rposition(|window| window == mark.as_bytes())?;
    let rest = &bytes[at + mark.len()..];
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..at], std::str::from_utf8(&rest[..end]).ok()?))
}

/// A shell's `$?`: beyond 128 it is a signal's number.
fn exit_status(word: &str) -> Option<i32> {
    word.parse().ok().filter(|status| *status <= 128)
}

/// The two streams of a channel. Their packets share one socket, so reading one stream also takes in packets of the
/// other.
trait Streams {
    fn read(&mut self, stream: i32, buffer: &mut [u8]) -> io::Result<usize>;
    /// Bytes that were taken in from the socket and not read yet. poll(2) on the socket does not report them.
    fn taken_in(&self) -> u32;
}

impl Streams for Channel {
    fn read(&mut self, stream: i32, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream(stream).read(buffer)
    }

    fn taken_in(&self) -> u32 {
        self.read_window().available
    }
}

/// Reads both streams until nothing that was taken in is left: a packet for stdout that was taken in while stderr was
/// read would not end the next wait for the socket.
fn drain(from: &mut impl Streams, stdout: &mut Words, stderr: &mut Words) -> io::Result<()> {
    loop {
        drain_one(from, 0, stdout)?;
        drain_one(from, 1, stderr)?;
        if from.taken_in() == 0 {
            return Ok(());
        }
    }
}

fn drain_one(from: &mut impl Streams, stream: i32, into: &mut Words) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        match from.read(stream, &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => into.add(&buffer[..read]),
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
    // An error is ignored: the loop reads again in any case.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// The lines, given to one shell as a guest's gets them; what is before each mark, and the status behind it.
    fn run(lines: &[&str]) -> Vec<(String, String, Option<i32>)> {
        let mut shell = Command::new("sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh");
        let marks: Vec<String> = (0..lines.len()).map(|n| format!("mark {n} ")).collect();
        let mut input = shell.stdin.take().expect("piped");
        for (line, mark) in lines.iter().zip(&marks) {
            input
                .write_all(script(line, mark).as_bytes())
                .expect("write");
        }
        drop(input);
        let output = shell.wait_with_output().expect("it ends");
        let (mut out, mut err) = (&output.stdout[..], &output.stderr[..]);
        let mut parts = Vec::new();
        for mark in &marks {
            let (stdout, status) = before(out, mark).expect("its mark");
            let (stderr, _) = before(err, mark).expect("its mark");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            parts.push((text(stdout), text(stderr), exit_status(status)));
            out = &out[stdout.len() + mark.len() + status.len() + 2..];
            err = &err[stderr.len() + mark.len() + 2..];
        }
        parts
    }

    #[test]
    fn each_command_has_its_own_output_and_status() {
        let ran = run(&[
            "echo 'it''s'; echo no >&2; exit 3",
            "printf %s unended",
            "cd /; x=1",
            "test -z \"$x\" && cat",
            "sh -c 'kill -9 $$'",
        ]);
        assert_eq!(ran[0], ("its\n".to_owned(), "no\n".to_owned(), Some(3)));
        assert_eq!(ran[1], ("unended".to_owned(), String::new(), Some(0)));
        assert_eq!(
            ran[3],
            (String::new(), String::new(), Some(0)),
            "nothing is left of the one before"
        );
        assert_eq!(ran[4].2, None, "a signal ended it");
    }

    #[test]
    fn what_is_no_script_does_not_end_the_shell() {
        let ran = run(&["if ( then '", "exec echo still here"]);
        assert_ne!(ran[0].2, Some(0));
        assert_eq!(ran[1].0, "still here\n");
    }

    /// A channel whose server answers a moment late: what is in `on_the_way` comes at the first look at stderr.
    struct Late {
        on_the_way: Vec<(i32, &'static [u8])>,
        taken_in: Vec<(i32, &'static [u8])>,
    }

    impl Streams for Late {
        fn read(&mut self, stream: i32, buffer: &mut [u8]) -> io::Result<usize> {
            if stream == 1 {
                self.taken_in.append(&mut self.on_the_way);
            }
            let Some(at) = self.taken_in.iter().position(|(of, _)| *of == stream) else {
                return Err(io::ErrorKind::WouldBlock.into());
            };
            let (_, bytes) = self.taken_in.remove(at);
            buffer[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }

        fn taken_in(&self) -> u32 {
            let bytes = self.taken_in.iter().map(|(_, bytes)| bytes.len());
            bytes.sum::<usize>() as u32
        }
    }

    /// Found when two of eighty runs waited their whole time for a command that had ended.
    #[test]
    fn what_came_while_the_other_stream_was_looked_at_is_read() {
        for on_the_way in [
            vec![(0, &b"out"[..]), (1, &b"err"[..])],
            vec![(0, &b"out"[..])],
        ] {
            let mut channel = Late {
                on_the_way,
                taken_in: Vec::new(),
            };
            let (mut stdout, mut stderr) = (Words::default(), Words::default());
            drain(&mut channel, &mut stdout, &mut stderr).expect("drained");
            assert_eq!(stdout.bytes, b"out");
        }
    }

    #[test]
    fn of_much_output_the_beginning_and_the_end_are_kept() {
        for all in [0, 100, 2 * KEPT, 2 * KEPT + 1, 100 * KEPT + 7] {
            let mut words = Words::default();
            let (mut left, mut most) = (all, 0);
            while left > 0 {
                let some = left.min(16 << 10);
                words.add(&vec![if left == all { b'a' } else { b'z' }; some]);
                left -= some;
                most = most.max(words.bytes.len());
                assert!(!words.has_ended("m 1 "));
            }
            assert!(most <= 4 * KEPT + (16 << 10), "{most} bytes were held");
            // A mark in three parts.
            words.add(b"\x1em");
            assert!(!words.has_ended("m 1 "));
            words.add(b" 1 7");
            assert!(!words.has_ended("m 1 "));
            words.add(b"\n");
            assert!(words.has_ended("m 1 ") && words.has_ended("m 1 "));
            words.add(b"what a background process says later");
            assert_eq!(words.status, "7");
            let said = words.text();
            if all <= 2 * KEPT {
                assert_eq!(said.len(), all);
            } else {
                let gap = format!("\n[... {} bytes are left out ...]\n", all - 2 * KEPT);
                assert_eq!(said.len(), 2 * KEPT + gap.len());
                assert!(said.contains(&gap) && said.starts_with('a') && said.ends_with('z'));
            }
        }
    }

    #[test]
    fn a_mark_is_only_whole_with_its_line() {
        assert_eq!(before(b"out\x1em 1 0\n", "m 1 "), Some((&b"out"[..], "0")));
        assert_eq!(before(b"out\x1em 1 0", "m 1 "), None);
        assert_eq!(before(b"out\x1em 2 0\n", "m 1 "), None);
        assert_eq!(exit_status("137"), None);
        assert_eq!(exit_status("1"), Some(1));
    }
}
