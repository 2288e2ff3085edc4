//! Packet captures: one for each link, running before the link goes up, written as pcapng while it runs.
//!
//! Equivalent: `tcpdump -i LINK -w LINK.pcapng`. The frames are also kept in memory, so that a check can ask
//! what was really on the wire.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::unix::AsyncFd;

use super::daemon::{Keeper, Kept, MachineKeeper};
use super::netlink::{LinkError, Netlink};
use super::netns::Netns;
use super::{sys, unwritten};
use crate::diagnostic::Diagnose;

/// Bytes kept of each frame.
const SNAPLEN: usize = 2048;
/// A capture file stops growing here; the report says so.
const FILE_LIMIT: u64 = 32 << 20;
/// Threads that close sockets, at most.
const CLOSERS: usize = 64;
/// Frames kept in memory for checks.
const KEPT: usize = 4096;

/// A capture could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The link is not there.
    #[error("capture on `{link}`")]
    Link {
        /// Link.
        link: String,
        /// The kernel's answer.
        source: LinkError,
    },
    /// The socket could not be opened, or the file could not be made.
    #[error("capture on `{link}` into `{}`", path.display())]
    Io {
        /// Link.
        link: String,
        /// Capture file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The machine has gone.
    #[error("capture on `{link}`")]
    Machine {
        /// Link.
        link: String,
        /// Why.
        source: super::netns::NetnsError,
    },
}

impl Diagnose for CaptureError {
    fn code(&self) -> &'static str {
        "host.capture"
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Io { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!(
                    "see what fills the disk: `df -h {}`; or have evidence written elsewhere: `--evidence DIR`",
                    path.parent().unwrap_or(path).display()
                ))
            }
            _ => None,
        }
    }
}

/// A frame as it was seen.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When.
    pub at: SystemTime,
    /// Whether the machine that owns the link sent it out of that link.
    pub outgoing: bool,
    /// The first bytes, from the Ethernet header on.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Seen {
    frames: Vec<Frame>,
    total: u64,
    truncated: bool,
}

/// A running capture on one link. It ends when its machine does.
#[derive(Debug, Clone)]
pub struct Capture {
    link: String,
    file: PathBuf,
    seen: Arc<Mutex<Seen>>,
    writer: Arc<Mutex<PcapNg>>,
    socket: Arc<AsyncFd<OwnedFd>>,
    #[expect(dead_code, reason = "it is there to be dropped last")]
    /// Keeps the socket open when the machine's runtime drops its task: [`Capture::end_all`] says why.
    until_the_end: Arc<OwnedFd>,
}

impl Capture {
    /// Starts capturing on `link` of `machine` into `path`. Frames are seen from the moment this returns.
    ///
    /// # Errors
    /// [`CaptureError`].
    pub async fn start(
        machine: &Netns,
        keeper: &Keeper,
        link: &str,
        path: &Path,
    ) -> Result<Self, CaptureError> {
        let keeper = keeper.on(machine.name());
        let (netlink, name, file) = (machine.netlink().clone(), link.to_owned(), path.to_owned());
        let started = machine.run(async move { Self::open(&netlink, &keeper, &name, &file).await });
        started.await.map_err(|source| CaptureError::Machine {
            link: link.to_owned(),
            source,
        })?
    }

    /// As [`Capture::start`], for a caller on the machine's thread; `netlink` is that machine's.
    pub(crate) async fn open(
        netlink: &Netlink,
        keeper: &MachineKeeper,
        link: &str,
        path: &Path,
    ) -> Result<Self, CaptureError> {
        let index = netlink.index(link).await;
        let index = index.map_err(|source| CaptureError::Link {
            link: link.to_owned(),
            source,
        })?;
        let failed = |source| CaptureError::Io {
            link: link.to_owned(),
            path: path.to_owned(),
            source,
        };
        let label = format!("{}:{link}", netlink.machine());
        let writer = PcapNg::create(path, &label).map_err(failed)?;
        let socket = sys::packet_socket(index).map_err(failed)?;
        let until_the_end = socket.try_clone().map_err(failed)?;
        let capture = Self {
            link: link.to_owned(),
            file: path.to_owned(),
            seen: Arc::default(),
            writer: Arc::new(Mutex::new(writer)),
            socket: Arc::new(sys::watch(socket).map_err(failed)?),
            until_the_end: Arc::new(until_the_end),
        };
        keeper.work(Kept::Capture, capture.clone().follow());
        Ok(capture)
    }

    /// Ends captures whose machines have ended, all at once.
    ///
    /// The kernel waits out an RCU grace period, some milliseconds, in each close(2) of a packet socket
    /// (`packet_release`); closes at the same time share one.
    pub(crate) fn end_all(captures: impl Iterator<Item = Self>) {
        let mut captures: Vec<Self> = captures.collect();
        let share = captures.len().div_ceil(CLOSERS).max(1);
        std::thread::scope(|scope| {
            while !captures.is_empty() {
                let share = captures.split_off(captures.len().saturating_sub(share));
                let closer = std::thread::Builder::new().name("closer".to_owned());
                // Where no thread can be started, the closure is dropped here, and its share of the captures with it.
                let _ = closer.spawn_scoped(scope, move || drop(share));
            }
        });
    }

    /// Link it watches.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// The pcapng file that it writes. The file's last block may be incomplete.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the file has every frame that the kernel handed over.
    pub fn complete(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        !seen.truncated
    }

    /// What `find` makes of the frames seen so far, oldest first.
    pub fn filter_map<T>(&self, find: impl FnMut(&Frame) -> Option<T>) -> Vec<T> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.frames.iter().filter_map(find).collect()
    }

    /// One line about the capture: frames, drops, and whether the file is complete.
    pub fn summary(&self) -> String {
        let dropped =
            sys::packet_statistics(self.socket.get_ref().as_fd()).map_or(0, |(_, drops)| drops);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = if seen.truncated {
            ", not all of them in the file"
        } else {
            ""
        };
        format!(
            "{}: {} frames, {dropped} dropped by the kernel{limit}",
            self.link, seen.total
        )
    }

    /// Reads frames until the socket fails; returns that error.
    async fn follow(self) -> io::Error {
        loop {
            let mut ready = match self.socket.readable().await {
                Ok(ready) => ready,
                Err(error) => return error,
            };
            if let Ok(Err(error)) = ready.try_io(|_| self.drain()) {
                return io::Error::new(error.kind(), format!("{}: {error}", self.link));
            }
        }
    }

    /// Takes in every frame that the kernel has by now, so that the file has what was on the wire until this call.
    pub fn catch_up(&self) {
        // An error is ignored here: `follow` meets the same one and reports it.
        let _ = self.drain();
    }

    /// Reads every frame that the kernel has by now. It always ends with the kernel's answer: `WouldBlock` when there
    /// are no more frames, otherwise an error.
    fn drain(&self) -> io::Result<()> {
        let mut file = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = vec![0; SNAPLEN];
        let ended = loop {
            match sys::packet_recv(self.socket.get_ref().as_fd(), &mut buffer) {
                Ok(frame) => {
                    let wire = on_the_wire(&buffer[..frame.stored], frame.original, frame.tag);
                    self.keep(&mut file, &wire.0, wire.1, frame.outgoing);
                }
                // A link that goes down is reported once and may come up again.
                Err(e) if e.raw_os_error() == Some(nix::libc::ENETDOWN) => {}
                Err(error) => break error,
            }
        };
        if let Err(error) = file.flush() {
            unwritten::note(&self.file, &error);
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.truncated = !file.whole;
        Err(ended)
    }

    fn keep(&self, file: &mut PcapNg, bytes: &[u8], original: usize, outgoing: bool) {
        let at = SystemTime::now();
        file.frame(at, bytes, original, outgoing);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.total += 1;
        if seen.frames.len() < KEPT {
            seen.frames.push(Frame {
                at,
                outgoing,
                bytes: bytes.to_vec(),
            });
        }
    }
}

/// A frame and its length as they were on the wire: with the outer VLAN tag (IEEE 802.1Q, 802.1ad), which the kernel takes
/// out on receipt and hands over beside it. libpcap puts it back in the same way.
fn on_the_wire(bytes: &[u8], original: usize, tag: Option<(u16, u16)>) -> (Cow<'_, [u8]>, usize) {
    // The tag stands behind the two MAC addresses.
    let (Some((tpid, tci)), Some((addresses, rest))) = (tag, bytes.split_at_checked(12)) else {
        return (Cow::Borrowed(bytes), original);
    };
    let tag = [tpid.to_be_bytes(), tci.to_be_bytes()].concat();
    let mut whole = [addresses, &tag, rest].concat();
    whole.truncate(SNAPLEN);
    let original = original + tag.len();
    (Cow::Owned(whole), original)
}

/// Writer of a pcapng file with one interface (draft-ietf-opsawg-pcapng).
#[derive(Debug)]
struct PcapNg {
    file: BufWriter<File>,
    written: u64,
    /// Whether it has every frame that it was given.
    whole: bool,
}

impl PcapNg {
    fn new(file: File) -> Self {
        Self {
            file: BufWriter::new(file),
            written: 0,
            whole: true,
        }
    }

    fn create(path: &Path, interface: &str) -> io::Result<Self> {
        let mut new = Self::new(File::create(path)?);
        // Section header: byte-order magic, version 1.0, section length unknown.
        let mut body = Vec::new();
        body.extend(0x1A2B_3C4D_u32.to_ne_bytes());
        body.extend(1_u16.to_ne_bytes());
        body.extend(0_u16.to_ne_bytes());
        body.extend(u64::MAX.to_ne_bytes());
        new.block(0x0A0D_0D0A, &body)?;
        // Interface description: Ethernet, snap length, if_name (2), if_tsresol (9) = nanoseconds.
        let mut body = Vec::new();
        body.extend(1_u16.to_ne_bytes());
        body.extend(0_u16.to_ne_bytes());
        body.extend((SNAPLEN as u32).to_ne_bytes());
        option(&mut body, 2, interface.as_bytes());
        option(&mut body, 9, &[9]);
        option(&mut body, 0, &[]);
        new.block(1, &body)?;
        new.flush()?;
        Ok(new)
    }

    /// Writes an enhanced packet block, unless the file is full or cannot be written.
    fn frame(&mut self, at: SystemTime, bytes: &[u8], original: usize, outgoing: bool) {
        if self.written > FILE_LIMIT {
            self.whole = false;
            return;
        }
        let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let nanos = since.as_nanos() as u64;
        let mut body = Vec::with_capacity(bytes.len() + 48);
        body.extend(0_u32.to_ne_bytes());
        body.extend(((nanos >> 32) as u32).to_ne_bytes());
        body.extend((nanos as u32).to_ne_bytes());
        body.extend((bytes.len() as u32).to_ne_bytes());
        body.extend((original as u32).to_ne_bytes());
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        let direction: u32 = if outgoing { 2 } else { 1 };
        option(&mut body, 2, &direction.to_ne_bytes());
        option(&mut body, 0, &[]);
        self.whole &= self.block(6, &body).is_ok();
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let len = (body.len() as u32 + 12).to_ne_bytes();
        self.file.write_all(&kind.to_ne_bytes())?;
        self.file.write_all(&len)?;
        self.file.write_all(body)?;
        self.file.write_all(&len)?;
        self.written += body.len() as u64 + 12;
        Ok(())
    }

    /// Writes out what is buffered. A full disk shows itself here rather than in `frame`, whose writes mostly go to the
    /// buffer.
    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.whole &= flushed.is_ok();
        flushed
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_ne_bytes());
    body.extend((value.len() as u16).to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_where_it_was_on_the_wire() {
        let frame = [[1; 12].as_slice(), &[8, 0], &[7; 46]].concat();
        let (bytes, original) = on_the_wire(&frame, 60, Some((0x88A8, 0x6064)));
        let head = [[1; 12].as_slice(), &[0x88, 0xA8, 0x60, 0x64, 8, 0, 7]].concat();
        assert!(bytes.starts_with(&head), "{bytes:x?}");
        assert_eq!((bytes.len(), original), (64, 64));
        let (bytes, original) = on_the_wire(&frame, 60, None);
        assert_eq!((bytes.as_ref(), original), (frame.as_slice(), 60));
        // A frame that was cut off keeps its length on the wire.
        let (bytes, original) = on_the_wire(&[0; SNAPLEN], 9_014, Some((0x8100, 5)));
        assert_eq!((bytes.len(), original), (SNAPLEN, 9_018));
        let (bytes, original) = on_the_wire(&frame[..11], 60, Some((0x8100, 5)));
        assert_eq!(
            (bytes.len(), original),
            (11, 60),
            "no frame to put a tag into"
        );
    }

    /// A check must not count frames by a file that lacks them.
    #[test]
    fn a_file_on_a_full_disk_is_not_whole() {
        // null(4): whatever is written to it finds no room.
        let full = File::options().write(true).open("/dev/full");
        let mut file = PcapNg::new(full.expect("it is on every Linux"));
        file.frame(UNIX_EPOCH, &[0; 60], 60, false);
        assert!(file.whole, "one frame is in a buffer");
        let error = file.flush().expect_err("no room");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(!file.whole);
        let error = CaptureError::Io {
            link: "eth0".to_owned(),
            path: "/evidence/captures/host-eth0.pcapng".into(),
            source: error,
        };
        let help = error.help().expect("a way out");
        assert!(help.contains("df -h /evidence/captures"), "{help}");
    }
}
