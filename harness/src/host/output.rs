//! The output of a command, of which the beginning and the end are kept.

use std::collections::VecDeque;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::task::JoinHandle;

/// Bytes that are kept of the beginning, and as many of the end.
const KEPT: usize = 512 << 10;
/// How long the last output may take to be read after the command has ended. Processes that the command left running
/// may hold its output open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Exit status; `None`: ended by a signal.
    pub(crate) status: Option<i32>,
}

/// Waits for a child whose outputs are pipes, and reads them.
pub(crate) async fn of(mut child: Child) -> io::Result<Printed> {
    let outputs = Outputs::of(&mut child);
    let status = child.wait().await?;
    Ok(outputs.finish(status).await)
}

/// The output of a child while it runs.
pub(crate) struct Outputs {
    stdout: Reader,
    stderr: Reader,
}

impl Outputs {
    /// Reads the outputs of a child, which must be pipes.
    pub(crate) fn of(child: &mut Child) -> Self {
        Self {
            stdout: Reader::start(child.stdout.take()),
            stderr: Reader::start(child.stderr.take()),
        }
    }

    /// All of the output, once the child has ended.
    pub(crate) async fn finish(self, status: ExitStatus) -> Printed {
        let _ = tokio::time::timeout(LAST_WORDS, async {
            self.stdout.ended().await;
            self.stderr.ended().await;
        })
        .await;
        Printed {
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            status: status.code(),
        }
    }
}

/// Reads until the end, also when nobody wants the output any more: a server that a command left running must not be
/// ended by a line that it cannot write.
struct Reader {
    kept: Arc<Mutex<Kept>>,
    ended: tokio::sync::watch::Receiver<bool>,
    _task: Option<JoinHandle<()>>,
}

impl Reader {
    fn start(from: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (end, ended) = tokio::sync::watch::channel(from.is_none());
        let into = Arc::clone(&kept);
        let task = from.map(|mut from| {
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 << 10];
                while let Ok(read @ 1..) = from.read(&mut buffer).await {
                    let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.add(&buffer[..read]);
                }
                let _ = end.send(true);
            })
        });
        Self {
            kept,
            ended,
            _task: task,
        }
    }

    async fn ended(&self) {
        let mut ended = self.ended.clone();
        let _ = ended.wait_for(|ended| *ended).await;
    }

    fn text(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.text()
    }
}

/// The beginning and the end of an output.
#[derive(Debug, Default)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..excess);
        self.left_out += excess as u64;
    }

    fn text(&self) -> String {
        let (one, two) = self.tail.as_slices();
        let tail = [one, two].concat();
        if self.left_out == 0 {
            let all = [self.head.as_slice(), tail.as_slice()].concat();
            return String::from_utf8_lossy(&all).into_owned();
        }
        format!(
            "{}\n[... {} bytes are left out ...]\n{}",
            String::from_utf8_lossy(&self.head),
            self.left_out,
            String::from_utf8_lossy(&tail)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    async fn finish(line: &str) -> Printed {
        let child = tokio::process::Command::new("sh")
            .args(["-c", line])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        of(child.expect("sh starts")).await.expect("it ends")
    }

    #[tokio::test]
    async fn short_words_are_kept_as_they_are() {
        let said = finish("printf 'a\\nb'; printf c >&2; exit 3").await;
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("a\nb", "c"));
        assert_eq!(said.status, Some(3));
    }

    #[tokio::test]
    async fn of_many_the_first_and_the_last_are_kept_and_the_gap_is_counted() {
        let said =
            finish("echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last").await;
        assert!(said.stdout.starts_with("first\nxxx"));
        assert!(said.stdout.ends_with("xxx\nlast\n"));
        let all = 20_000_000 + 6 + 1 + 5;
        let gap = format!("[... {} bytes are left out ...]", all - 2 * KEPT);
        assert!(said.stdout.contains(&gap), "no {gap}");
        assert!(said.stdout.len() < 2 * KEPT + 100);
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_does_not_hold_it_up() {
        let begun = std::time::Instant::now();
        let said = finish("sleep 30 & echo started").await;
        assert_eq!(said.stdout, "started\n");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
}
