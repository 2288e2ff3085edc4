//! The log of a process: a file that grows, and its end in memory for those who wait for a line.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

use super::log_file::LogFile;
use super::unwritten;
use crate::deadline::Deadline;

/// How much of a log's end is kept in memory for error messages and for finding lines.
const TAIL: usize = 64 << 10;

/// A log that grows. It is written to its file at once, and its end is kept in memory for those who wait for a line.
/// The file of a log of more than 32 MiB keeps 16 MiB of the beginning, and the end.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
    /// Shared, because stdout and stderr of a process go into one file, each by a pump of its own.
    file: Arc<Mutex<LogFile>>,
    tail: Arc<Mutex<Vec<u8>>>,
    grown: watch::Sender<u64>,
    /// Whether the output that is written into it has been closed.
    ended: watch::Sender<bool>,
}

impl Log {
    /// A log at `path`; the file is created when the first byte comes.
    pub fn new(path: PathBuf) -> Self {
        Self {
            file: Arc::new(Mutex::new(LogFile::new(path.clone()))),
            path,
            tail: Arc::default(),
            grown: watch::Sender::new(0),
            ended: watch::Sender::new(false),
        }
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last `lines` lines.
    pub fn last_lines(&self, lines: usize) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail);
        let all: Vec<&str> = text
            .lines()
            .map(str::trim_end)
            .filter(|l| !l.is_empty())
            .collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// The last line of its recent end that contains `word`.
    pub fn line_with(&self, word: &str) -> Option<String> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail);
        let line = text.lines().rev().find(|line| line.contains(word));
        line.map(|line| line.trim().to_owned())
    }

    /// Waits until the log's recent end contains one of `words`; returns which.
    pub async fn wait_for(&self, words: &[&str], by: Deadline) -> Option<usize> {
        let mut grown = self.grown.subscribe();
        let found = async {
            loop {
                {
                    let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
                    let text = String::from_utf8_lossy(&tail);
                    if let Some(index) = words.iter().position(|word| text.contains(word)) {
                        return Some(index);
                    }
                }
                if grown.changed().await.is_err() {
                    return None;
                }
            }
        };
        tokio::time::timeout_at(by.tokio(), found)
            .await
            .ok()
            .flatten()
    }

    /// Waits until the output that is written into it has been closed, which a process does by ending if it keeps its
    /// output open.
    pub async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        // The sender is in this log, so the channel is open.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Copies everything from `from` into the log until its end.
    pub async fn pump(self, from: impl AsyncRead + Unpin) {
        self.copy(from).await;
        self.ended.send_replace(true);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what tokio::fs does with each write: it ends when the disk has answered"
    )]
    async fn copy(&self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let read = match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => read,
            };
            let file = Arc::clone(&self.file);
            let written = tokio::task::spawn_blocking(move || {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let written = file.append(&buffer[..read]);
                (buffer, written)
            });
            // The task is dropped only when the runtime ends.
            let Ok((back, written)) = written.await else {
                return;
            };
            buffer = back;
            if let Err(error) = written {
                unwritten::note(&self.path, &error);
            }
            {
                let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend_from_slice(&buffer[..read]);
                let excess = tail.len().saturating_sub(TAIL);
                tail.drain(..excess);
            }
            self.grown.send_modify(|bytes| *bytes += read as u64);
        }
    }
}
