//! The line protocol in front of each SSH session on a virtio-serial port.
//!
//! A port is one endless byte stream with no notion of a connection. The guest's side announces itself whenever
//! no session runs, the host asks for one with a nonce, the guest answers with it, and what follows the host's `begin`
//! with the same nonce belongs to `sshd -i`. So neither side takes bytes of an earlier, broken session, nor requests
//! that were repeated because the guest is slow, for the new session's.
//! See `docs/steering.md`.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::host::vsock::connect_vsock;
use crate::hypervisor::Steering;

/// What the guest writes while it waits for a session.
const READY: &str = "bridgelab-steer 1 ready";
/// An unanswered request is repeated after this long; an old session may have swallowed it.
const PATIENCE: Duration = Duration::from_secs(3);
/// A line for a guest that does not announce itself. When the host leaves and comes back before the guest has run, the
/// sshd of the old session does not notice and waits for packets. This line is no packet, so that sshd ends.
const WAKE: &[u8] = b"nobody of your session is here any more\n";
/// No such device: what vsock(7) says of a guest that is not there.
const ENODEV: i32 = 19;
/// How long one read may block before deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// What is asked of a guest that announced itself.
#[derive(Debug, Clone, Copy)]
enum Request {
    /// A session of sshd.
    Session,
    /// To take on an identity, whose archive has this many bytes.
    Become(usize),
}

impl Request {
    fn line(self, nonce: &str) -> String {
        match self {
            Self::Session => format!("start {nonce}\n"),
            Self::Become(length) => format!("become {nonce} {length}\n"),
        }
    }
}

/// Gives a guest that was started from a template its identity: `seed`, a cpio archive. Returns what the guest then
/// says of itself, `KEY=VALUE` words.
///
/// Blocking, as [`open_steering`].
///
/// # Errors
/// As [`open_steering`].
pub fn send_identity(socket: &Path, seed: &[u8], by: Deadline) -> io::Result<String> {
    let (mut stream, nonce) = ask(socket, Request::Become(seed.len()), by, false)?;
    stream.write_all(seed)?;
    let mut line = Vec::new();
    let (became, failed) = (format!("became {nonce} "), format!("failed {nonce} "));
    loop {
        match read_byte(&mut stream, by)? {
            Some(b'\n') => {
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                if let Some(at) = text.find(&became) {
                    return Ok(text[at + became.len()..].to_owned());
                }
                if let Some(at) = text.find(&failed) {
                    return Err(io::Error::other(text[at + failed.len()..].to_owned()));
                }
                line.clear();
            }
            Some(byte) => line.push(byte),
            None => {}
        }
    }
}

/// Waits until the guest announces that no session is served on this port, and disconnects.
///
/// Blocking, as [`open_steering`].
///
/// # Errors
/// As [`open_steering`].
pub fn wait_for_announcement(socket: &Path, by: Deadline) -> io::Result<()> {
    let mut stream = arrive(socket)?;
    let mut line = Vec::new();
    let mut since = Instant::now();
    loop {
        match read_byte(&mut stream, by)? {
            Some(b'\n') if ends_with(&line, READY) => return Ok(()),
            Some(b'\n') => line.clear(),
            Some(byte) => line.push(byte),
            None if since.elapsed() > PATIENCE => {
                stream.write_all(WAKE)?;
                since = Instant::now();
            }
            None => {}
        }
    }
}

/// Connects to a port, and writes an empty line, which wakes a guest that is blocked in a read.
///
/// The guest's program waits by poll(2) for a line or for the host's disconnection. When it is told of a disconnection,
/// but reads only after the next host has connected, its read finds neither a byte nor an end and blocks until the host
/// writes (`port_fops_read` of drivers/char/virtio_console.c), while the host waits for an announcement. A template may
/// be saved between poll and read; then every guest from it can block.
fn arrive(socket: &Path) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TICK))?;
    stream.write_all(b"\n")?;
    Ok(stream)
}

fn ends_with(line: &[u8], words: &str) -> bool {
    String::from_utf8_lossy(line).trim_end().ends_with(words)
}

/// Connects to a steering channel and waits until `sshd -i` is behind it.
///
/// Blocking; the guest may still be booting, so the deadline is the boot's.
///
/// # Errors
/// `TimedOut` at the deadline; otherwise what the socket says.
pub fn open_steering(end: &Steering, by: Deadline) -> io::Result<UnixStream> {
    open(end, by, false)
}

/// As [`open_steering`], for a guest that may have served a session before.
///
/// A guest that is slower than the VMM may not have noticed that the host left and came back: then the old session goes
/// on, and the guest announces nothing. A request that lands in the old session is no SSH packet and ends it.
///
/// # Errors
/// As [`open_steering`].
pub fn reopen_steering(end: &Steering, by: Deadline) -> io::Result<UnixStream> {
    open(end, by, true)
}

fn open(end: &Steering, by: Deadline, again: bool) -> io::Result<UnixStream> {
    let stream = match end {
        Steering::Port(socket) => ask(socket, Request::Session, by, again)?.0,
        Steering::Mapped { socket, port } => connect(by, || connect_mapped(socket, *port, by))?,
        Steering::Vsock { cid, port } => connect(by, || connect_vsock(*cid, *port))?,
    };
    stream.set_read_timeout(None)?;
    Ok(stream)
}

/// Connects to a vsock port as soon as the guest listens on it. Connecting is tried again and again, because neither
/// the VMM nor the host's kernel says when the guest begins to listen. (Before the first session the guest's console
/// says it.)
#[expect(
    clippy::disallowed_methods,
    reason = "on a thread that blocks, and nothing could be awaited anyway"
)]
fn connect(by: Deadline, once: impl Fn() -> io::Result<UnixStream>) -> io::Result<UnixStream> {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof};
    loop {
        let error = match once() {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        let absent = error.raw_os_error() == Some(ENODEV);
        let nobody = [ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof];
        if !absent && !nobody.contains(&error.kind()) {
            return Err(error);
        }
        if by.passed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(TICK);
    }
}

/// Asks a VMM for a port of its guest: `CONNECT PORT`. The VMM answers `OK` and a number, or ends the connection while
/// no program in the guest listens.
fn connect_mapped(socket: &Path, port: u32, by: Deadline) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TICK))?;
    stream.write_all(format!("CONNECT {port}\n").as_bytes())?;
    let mut line = Vec::new();
    loop {
        match read_byte(&mut stream, by)? {
            Some(b'\n') if line.starts_with(b"OK ") => return Ok(stream),
            Some(b'\n') => {
                let said = String::from_utf8_lossy(&line).into_owned();
                return Err(io::Error::other(format!("the VMM answered `{said}`")));
            }
            Some(byte) => line.push(byte),
            None => {}
        }
    }
}

/// Repeats a request until the guest accepts it; what follows in the stream belongs to the request. `again`: the guest
/// may be in a session that went before.
fn ask(
    socket: &Path,
    request: Request,
    by: Deadline,
    again: bool,
) -> io::Result<(UnixStream, String)> {
    let mut stream = arrive(socket)?;
    let mut asked: Vec<String> = Vec::new();
    let mut line = Vec::new();
    let mut since = Instant::now();
    loop {
        match read_byte(&mut stream, by)? {
            Some(b'\n') => {}
            Some(byte) => {
                line.push(byte);
                // Garbage of a dying session has no line ends.
                if line.len() > 4096 {
                    line.clear();
                }
                continue;
            }
            None => {
                if since.elapsed() > PATIENCE {
                    match asked.last() {
                        Some(nonce) => stream.write_all(request.line(nonce).as_bytes())?,
                        None if again => {
                            // The line is longer than a cipher's block: of a shorter one sshd would wait for the rest.
                            let nonce = format!("{}-0-{}", std::process::id(), "-".repeat(64));
                            stream.write_all(request.line(&nonce).as_bytes())?;
                            asked.push(nonce);
                        }
                        None => {}
                    }
                    since = Instant::now();
                }
                continue;
            }
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        // A slow guest may accept any of the repeated requests. `begin` tells it that the others, which are still in
        // the stream, are over.
        let answered = |nonce: &&String| text.ends_with(&format!("go {nonce}"));
        if let Some(nonce) = asked.iter().find(answered) {
            stream.write_all(format!("begin {nonce}\n").as_bytes())?;
            return Ok((stream, nonce.clone()));
        }
        // A second announcement after the request means that the request was lost, or that the guest is slow.
        if text.ends_with(READY) {
            let nonce = format!("{}-{}", std::process::id(), asked.len() + 1);
            stream.write_all(request.line(&nonce).as_bytes())?;
            asked.push(nonce);
            since = Instant::now();
        }
    }
}

/// One byte; `None`: nothing came for a moment, and there is still time.
fn read_byte(stream: &mut UnixStream, by: Deadline) -> io::Result<Option<u8>> {
    if by.passed() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => Ok(Some(byte[0])),
        Err(e) if is_silence(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether a read ended with nothing read and nothing lost: at its time limit, or by a signal. The kernel does not
/// restart a read with a time limit after SIGCHLD's handler, not even under `SA_RESTART` (signal(7)).
fn is_silence(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;

    /// A guest side that first writes the rest of a broken session.
    fn shim(listener: UnixListener) {
        let (mut stream, _) = listener.accept().expect("the host connects");
        stream
            .write_all(b"\x00\xffgarbage\nbridgelab-steer 1 ready\n")
            .expect("write");
        let lines = BufReader::new(stream.try_clone().expect("clone")).lines();
        let mut lines = lines.filter(|line| line.as_ref().is_ok_and(|line| !line.is_empty()));
        let asked = lines.next().expect("a request").expect("readable");
        let nonce = asked.strip_prefix("start ").expect("a nonce");
        stream
            .write_all(format!("go stale\ngo {nonce}\n").as_bytes())
            .expect("write");
        let begin = lines.next().expect("a line").expect("readable");
        assert_eq!(begin, format!("begin {nonce}"));
        stream.write_all(b"SSH-2.0-").expect("write");
        let _ = lines.next();
    }

    /// A guest that announced itself three times before it looked at the first request.
    fn slow_shim(listener: UnixListener) -> Vec<u8> {
        let (mut stream, _) = listener.accept().expect("the host connects");
        stream
            .write_all(b"bridgelab-steer 1 ready\n".repeat(3).as_slice())
            .expect("write");
        let mut reader = BufReader::new(stream.try_clone().expect("clone"));
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).expect("readable");
            line.trim().to_owned()
        };
        assert_eq!(line(), "", "the host is here");
        let asked = line();
        let words: Vec<&str> = asked.split(' ').collect();
        let (nonce, length) = (words[1].to_owned(), words[2].parse().expect("a length"));
        // The repeated requests are on their way before the guest answers.
        let mut later = vec![line(), line()];
        stream
            .write_all(format!("go {nonce}\n").as_bytes())
            .expect("write");
        while later.last() != Some(&format!("begin {nonce}")) {
            later.push(line());
        }
        let mut archive = vec![0; length];
        reader.read_exact(&mut archive).expect("the archive");
        stream
            .write_all(format!("became {nonce} all=well\n").as_bytes())
            .expect("write");
        archive
    }

    /// Found with thirty-two guests at once: a request that was repeated was taken for the beginning of the archive.
    #[test]
    fn requests_that_a_slow_guest_finds_later_are_no_part_of_what_follows() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        let guest = std::thread::spawn(move || slow_shim(listener));
        let said = send_identity(&path, b"archive", Deadline::secs(20)).expect("it is sent");
        assert_eq!(said, "all=well");
        assert_eq!(guest.join().expect("shim ends"), b"archive");
    }

    /// Found in one of forty-five templates of tiny guests: each of their guests might wait for a line for ever.
    #[test]
    fn a_guest_that_reads_before_it_announces_itself_hears_that_the_host_is_here() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        let guest = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the host connects");
            let mut byte = [0];
            while byte != *b"\n" {
                stream.read_exact(&mut byte).expect("a line");
            }
            stream
                .write_all(b"bridgelab-steer 1 ready\n")
                .expect("write");
            let mut lines = BufReader::new(stream.try_clone().expect("clone")).lines();
            let asked = lines.next().expect("a request").expect("readable");
            let go = asked.replace("start", "go") + "\n";
            stream.write_all(go.as_bytes()).expect("write");
            lines.next().expect("a line").expect("readable")
        });
        let opened = open_steering(&Steering::Port(path), Deadline::secs(20));
        opened.expect("steering opens");
        assert!(guest.join().expect("it ends").starts_with("begin "));
    }

    #[test]
    fn the_stream_begins_right_after_the_matching_answer() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        let guest = std::thread::spawn(move || shim(listener));
        let end = Steering::Port(path);
        let mut stream = open_steering(&end, Deadline::secs(10)).expect("steering opens");
        let mut banner = [0; 8];
        stream.read_exact(&mut banner).expect("banner");
        assert_eq!(&banner, b"SSH-2.0-");
        drop(stream);
        guest.join().expect("shim ends");
    }

    /// Found when a template was saved: the host came back before the guest had seen it leave.
    #[test]
    fn a_session_that_did_not_see_its_host_leave_is_woken() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        // An sshd that reads on, and ends at the first bytes that are no packet.
        let guest = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the host connects");
            let mut packet = [0; 8];
            stream.read_exact(&mut packet).expect("something comes");
            stream
                .write_all(b"bridgelab-steer 1 ready\n")
                .expect("write");
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        });
        wait_for_announcement(&path, Deadline::secs(20)).expect("it is free in the end");
        guest.join().expect("the guest ends");
    }

    /// A guest whose SSH server did not notice that the host was away: it reads a packet's worth, finds that it is no
    /// SSH, and ends.
    fn shim_in_a_session(listener: UnixListener) {
        let (mut stream, _) = listener.accept().expect("the host connects");
        let mut block = [0; 64];
        stream.read_exact(&mut block).expect("something comes");
        stream
            .write_all(b"bridgelab-steer 1 ready\n")
            .expect("write");
        for asked in BufReader::new(stream.try_clone().expect("clone")).lines() {
            // The end of the line that ended the session, and requests that nobody waits for any more.
            let asked = asked.expect("readable");
            if let Some(nonce) = asked.strip_prefix("start ") {
                let _ = stream.write_all(format!("go {nonce}\n").as_bytes());
            } else if asked.starts_with("begin ") {
                let _ = stream.write_all(b"SSH-2.0-");
            }
        }
    }

    #[test]
    fn a_session_that_did_not_notice_its_end_is_ended() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        let guest = std::thread::spawn(move || shim_in_a_session(listener));
        let end = Steering::Port(path);
        let mut stream = reopen_steering(&end, Deadline::secs(20)).expect("steering opens");
        let mut banner = [0; 8];
        stream.read_exact(&mut banner).expect("banner");
        assert_eq!(&banner, b"SSH-2.0-");
        drop(stream);
        guest.join().expect("shim ends");
    }

    #[test]
    fn a_child_that_ends_meanwhile_does_not_end_the_channel() {
        let error = |errno| io::Error::from_raw_os_error(errno);
        assert!(is_silence(&error(nix::libc::EINTR)));
        assert!(is_silence(&error(nix::libc::EAGAIN)));
        assert!(!is_silence(&error(nix::libc::EPIPE)));
    }

    #[test]
    fn a_silent_guest_is_a_timeout() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let _listener = UnixListener::bind(&path).expect("bind");
        let by = Deadline::after(Duration::from_millis(300));
        let error = open_steering(&Steering::Port(path), by).expect_err("nobody there");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    /// A VMM whose guest listens from the third connection on.
    fn vmm(listener: &UnixListener) {
        for turn in 1..=3 {
            let (mut stream, _) = listener.accept().expect("the host connects");
            let mut line = String::new();
            BufReader::new(stream.try_clone().expect("clone"))
                .read_line(&mut line)
                .expect("a request");
            assert_eq!(line, "CONNECT 1024\n");
            if turn == 3 {
                stream.write_all(b"OK 1073741824\nSSH-2.0-").expect("write");
            }
        }
    }

    #[test]
    fn a_mapped_vsock_is_asked_until_its_guest_listens() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let socket = dir.path().join("vsock.sock");
        let listener = UnixListener::bind(&socket).expect("bind");
        let vmm = std::thread::spawn(move || vmm(&listener));
        let end = Steering::Mapped { socket, port: 1024 };
        let mut stream = open_steering(&end, Deadline::secs(10)).expect("steering opens");
        let mut banner = [0; 8];
        stream.read_exact(&mut banner).expect("banner");
        assert_eq!(&banner, b"SSH-2.0-");
        vmm.join().expect("it was asked three times");
    }

    #[test]
    fn a_vmm_that_never_makes_its_socket_is_a_timeout() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let socket = dir.path().join("vsock.sock");
        let end = Steering::Mapped { socket, port: 1024 };
        let by = Deadline::after(Duration::from_millis(300));
        let error = open_steering(&end, by).expect_err("nobody there");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
