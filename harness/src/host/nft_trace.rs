//! Packets of one machine as nft(8) traces them, while tables of the same process watch for them.
//!
//! The tables have `flags owner`: they belong to the netlink socket of the process that made them, and the kernel deletes them
//! with it, however the process ends. So nothing is left on a machine, whatever becomes of the lab.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::net::UdpSocket;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use crate::deadline::Deadline;

/// Number of the netlink family NETLINK_NETFILTER (`include/uapi/linux/netlink.h`).
const NETFILTER: &str = "12";
/// Bit of the group NFNLGRP_NFTRACE (`include/uapi/linux/netfilter/nfnetlink.h`) in the list of netlink sockets.
const TRACES: u32 = 1 << 8;
/// Most lines that are kept: a probe leaves some hundreds.
const MOST_LINES: usize = 50_000;

/// A line, and when it was read.
type Read = (Instant, String);

/// A running trace. Dropping it ends the trace and deletes the tables.
#[derive(Debug)]
pub(crate) struct NftTrace {
    child: Child,
    /// nft(8) would end at the end of its input.
    _input: ChildStdin,
    lines: Lines,
    said: Lines,
}

/// What a process prints, while it prints it.
#[derive(Debug, Clone)]
struct Lines {
    kept: Arc<Mutex<Vec<Read>>>,
    count: watch::Receiver<usize>,
}

impl NftTrace {
    /// Starts a trace with these lines of commands. Must run on the machine's thread.
    ///
    /// # Errors
    /// When nft(8) does not start or does not read the commands in time.
    pub(crate) async fn start(commands: &[String], by: Deadline) -> io::Result<Self> {
        let mut child = Command::new("nft")
            .arg("--interactive")
            // Where it would read and write a history.
            .env("HOME", "/dev/null")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (lines, said) = (
            Lines::of(child.stdout.take()),
            Lines::of(child.stderr.take()),
        );
        let Some(mut input) = child.stdin.take() else {
            return Err(io::Error::other("it has no input"));
        };
        let text = commands.join("\n") + "\nmonitor trace\n";
        let written = tokio::time::timeout_at(by.tokio(), input.write_all(text.as_bytes()));
        written.await.map_err(io::Error::other)??;
        Ok(Self {
            child,
            _input: input,
            lines,
            said,
        })
    }

    /// The list of the machine's netlink sockets. Must be read on the machine's thread.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn sockets() -> io::Result<String> {
        std::fs::read_to_string("/proc/thread-self/net/netlink")
    }

    /// Whether it listens, by the list of netlink sockets.
    ///
    /// # Errors
    /// When nft(8) has ended.
    pub(crate) fn listens(&mut self, sockets: &str) -> io::Result<bool> {
        match self.child.try_wait()? {
            Some(status) => Err(io::Error::other(format!(
                "nft ended with {status}: {}",
                self.complaint()
            ))),
            None => Ok(listens(sockets, self.child.id())),
        }
    }

    /// What nft(8) complained of; empty: nothing.
    pub(crate) fn complaint(&self) -> String {
        let said = self.said.all().into_iter();
        let errors = said.map(|(_, line)| line);
        let mut errors = errors.filter(|line| line.contains("Error"));
        errors.next().unwrap_or_default()
    }

    /// Waits until all is read that the machine has traced so far: sends a packet to a port of its own loopback, for which a rule
    /// has the comment `canary`. Must run on the machine's thread.
    ///
    /// # Errors
    /// When the packet cannot be sent or is not read in time.
    pub(crate) async fn settle(&self, port: u16, by: Deadline) -> io::Result<()> {
        const CANARY: &str = "comment \"canary\"";
        let before = self.lines.all().len();
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        socket.send_to(b"canary", ("127.0.0.1", port)).await?;
        let mut count = self.lines.count.clone();
        let read = count.wait_for(|_| {
            let all = self.lines.all();
            all.iter()
                .skip(before)
                .any(|(_, line)| line.contains(CANARY))
        });
        let read = tokio::time::timeout_at(by.tokio(), read).await;
        read.map_err(io::Error::other)?.map_err(io::Error::other)?;
        Ok(())
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<Read> {
        self.lines.all()
    }

    /// Ends the trace. The tables are gone when this returns. Must run on the machine's thread.
    ///
    /// # Errors
    /// When the process cannot be ended.
    pub(crate) async fn end(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

impl Lines {
    fn of(from: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (tell, count) = watch::channel(0);
        let into = Arc::clone(&kept);
        if let Some(from) = from {
            tokio::spawn(async move {
                let mut lines = BufReader::new(from).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
                    if kept.len() < MOST_LINES {
                        kept.push((Instant::now(), line));
                    }
                    drop(kept);
                    tell.send_modify(|count| *count += 1);
                }
            });
        }
        Self { kept, count }
    }

    fn all(&self) -> Vec<Read> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

/// Whether a process listens to traces, by the list of netlink sockets: `sk Eth Pid Groups ...`.
fn listens(sockets: &str, process: Option<u32>) -> bool {
    let Some(process) = process.map(|process| process.to_string()) else {
        return false;
    };
    sockets.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, family, owner, groups, ..] = words[..] else {
            return false;
        };
        let groups = u32::from_str_radix(groups, 16).unwrap_or_default();
        family == NETFILTER && owner == process && groups & TRACES != 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_of_that_process_and_of_that_group_is_found() {
        let sockets = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
            00000000c9806541 12  0          00000000 0        0        0     2        0        76366\n\
            00000000faeed2b4 12  11856      00000100 0        0        0     2        0        76964\n\
            00000000faeed2b5 0   11857      00000100 0        0        0     2        0        76965\n\
            00000000faeed2b6 12  11858      00000040 0        0        0     2        0        76966\n";
        assert!(listens(sockets, Some(11_856)));
        for other in [None, Some(0), Some(11_857), Some(11_858)] {
            assert!(!listens(sockets, other), "{other:?}");
        }
    }
}
