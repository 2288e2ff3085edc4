//! The line protocol in front of each SSH session on a virtio-serial port.
//!
//! A port is one endless byte stream with no notion of a connection. The guest's side announces itself whenever
//! no session runs, the host asks for one with a nonce, and only what follows the answer with the same nonce
//! belongs to `sshd -i`. So bytes of an earlier, broken session can never be taken for a new one's.
//! See `docs/steering.md`.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;

/// What the guest writes while it waits for a session.
const READY: &str = "bridgelab-steer 1 ready";
/// An unanswered request is repeated after this long; an old session may have swallowed it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one read may block before deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Connects to a steering socket and waits until `sshd -i` is behind it.
///
/// Blocking; the guest may still be booting, so the deadline is the boot's.
///
/// # Errors
/// `TimedOut` at the deadline; otherwise what the socket says.
pub fn open_steering(socket: &Path, by: Deadline) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TICK))?;
    let mut asked: Option<(String, Instant)> = None;
    let mut line = Vec::new();
    let mut count = 0;
    loop {
        if by.passed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) if byte[0] != b'\n' => {
                line.push(byte[0]);
                // Garbage of a dying session has no line ends.
                if line.len() > 4096 {
                    line.clear();
                }
                continue;
            }
            Ok(_) => {}
            Err(e) if is_silence(&e) => {
                if let Some((nonce, since)) = &mut asked
                    && since.elapsed() > PATIENCE
                {
                    writeln!(stream, "start {nonce}")?;
                    *since = Instant::now();
                }
                continue;
            }
            Err(e) => return Err(e),
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        if let Some((nonce, _)) = &asked
            && text.ends_with(&format!("go {nonce}"))
        {
            stream.set_read_timeout(None)?;
            return Ok(stream);
        }
        // A second announcement after the request means that the request was lost.
        if text.ends_with(READY) {
            count += 1;
            let nonce = format!("{}-{count}", std::process::id());
            writeln!(stream, "start {nonce}")?;
            asked = Some((nonce, Instant::now()));
        }
    }
}

/// Whether a read ended with nothing read and nothing lost: at its time limit, or by a signal. With a time limit the kernel
/// does not start a read again after SIGCHLD's handler, whatever its flags say (signal(7)).
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
        let mut lines = BufReader::new(stream.try_clone().expect("clone")).lines();
        let asked = lines.next().expect("a request").expect("readable");
        let nonce = asked.strip_prefix("start ").expect("a nonce");
        stream
            .write_all(format!("go stale\ngo {nonce}\nSSH-2.0-").as_bytes())
            .expect("write");
        let _ = lines.next();
    }

    #[test]
    fn the_stream_begins_right_after_the_matching_answer() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("steer.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        let guest = std::thread::spawn(move || shim(listener));
        let mut stream = open_steering(&path, Deadline::secs(10)).expect("steering opens");
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
        let error = open_steering(&path, Deadline::after(Duration::from_millis(300)))
            .expect_err("nobody there");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
