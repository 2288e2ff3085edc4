//! Asks tcpdump about filters: whether an expression is one, and how many frames of a capture it matches.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use super::tool::{Tool, locate};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;

/// A capture could not be filtered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TcpdumpError {
    /// tcpdump is not here, or did not start.
    #[error("start tcpdump")]
    Start(#[source] std::io::Error),
    /// tcpdump took too long.
    #[error("wait {:.1?} for tcpdump", .0.elapsed())]
    Late(Deadline),
    /// tcpdump refused the filter or the capture.
    #[error("`tcpdump -r - {how} {filter:?}`: {said}")]
    Refused {
        /// `--count` or `-vv`.
        how: &'static str,
        /// The filter.
        filter: String,
        /// tcpdump's words.
        said: String,
    },
}

impl Diagnose for TcpdumpError {
    fn code(&self) -> &'static str {
        "host.tcpdump"
    }

    fn help(&self) -> Option<String> {
        matches!(self, Self::Start(_)).then(|| "install tcpdump: `bridgelab doctor`".to_owned())
    }
}

/// tcpdump's complaint about `filter` on an Ethernet link; `None`: it has none, or there is no tcpdump.
///
/// Equivalent: `tcpdump -d -y EN10MB FILTER`. Nothing is captured and no right is needed.
pub fn filter_fault(filter: &str) -> Option<String> {
    let ran = std::process::Command::new(locate(Tool::Tcpdump)?)
        .args(["-d", "-y", "EN10MB", "--", filter])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    (!ran.status.success()).then(|| words(&ran.stderr))
}

/// What `tcpdump -r - --count FILTER` prints for a capture.
///
/// # Errors
/// [`TcpdumpError`].
pub async fn count(capture: Vec<u8>, filter: &str, by: Deadline) -> Result<String, TcpdumpError> {
    read(capture, "--count", filter, by).await
}

/// What `tcpdump -vv -r - FILTER` prints for a capture: one line for each frame, and indented ones for what is in it.
///
/// # Errors
/// [`TcpdumpError`].
pub async fn describe(
    capture: Vec<u8>,
    filter: &str,
    by: Deadline,
) -> Result<String, TcpdumpError> {
    read(capture, "-vv", filter, by).await
}

async fn read(
    capture: Vec<u8>,
    how: &'static str,
    filter: &str,
    by: Deadline,
) -> Result<String, TcpdumpError> {
    let absent = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let program = locate(Tool::Tcpdump).ok_or_else(|| TcpdumpError::Start(absent()))?;
    let mut child = tokio::process::Command::new(program)
        // `-Z root`: tcpdump does not change its user, which reading from a pipe does not need. `-n`: no names are
        // looked up.
        .args(["-n", "-Z", "root", "-r", "-", how, "--", filter])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(TcpdumpError::Start)?;
    let mut input = child.stdin.take();
    let feed = async move {
        if let Some(input) = &mut input {
            // tcpdump stops reading when it refuses the filter; its output then says why.
            let _ = input.write_all(&capture).await;
        }
    };
    let both = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout_at(by.tokio(), both)
        .await
        .map_err(|_| TcpdumpError::Late(by))?
        .map_err(TcpdumpError::Start)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(TcpdumpError::Refused {
        how,
        filter: filter.to_owned(),
        said: words(&output.stderr),
    })
}

/// tcpdump's last complaint, without its name and the line about the file.
fn words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text
        .lines()
        .rev()
        .find(|line| line.starts_with("tcpdump: "));
    line.map_or_else(
        || text.trim().to_owned(),
        |line| line.trim_start_matches("tcpdump: ").to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::capability::skip_test;

    #[test]
    fn only_filters_pass() {
        if locate(Tool::Tcpdump).is_none() {
            return skip_test("there is no tcpdump");
        }
        assert_eq!(filter_fault("icmp6 and ip6[40] == 135"), None);
        assert_eq!(filter_fault(""), None);
        let said = filter_fault("icmp and and").expect("no filter");
        assert!(said.contains("syntax error"), "{said}");
        // An option is no filter.
        assert!(filter_fault("-h").is_some());
    }

    #[tokio::test]
    async fn a_broken_capture_is_no_count() {
        if locate(Tool::Tcpdump).is_none() {
            return skip_test("there is no tcpdump");
        }
        let error = count(vec![0; 100], "icmp", Deadline::secs(20)).await;
        assert!(
            matches!(error, Err(TcpdumpError::Refused { .. })),
            "{error:?}"
        );
    }
}
