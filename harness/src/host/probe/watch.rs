//! The parent's side: starts the child, maps its ids, reads its report.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;

use nix::unistd::geteuid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::child::{MAPPED, UNSHARED};
use super::idmap::{of_root, write_map};
use super::{Attempt, PROBE_ARGUMENT, ProbeReport};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::host::capability::Capability;
use crate::host::command::{Group, command_line, last_lines};
use crate::host::die_with_parent;

/// How to start a process that does nothing but [`probe_child`](super::probe_child).
#[derive(Debug, Clone)]
pub struct ProbeCommand {
    /// The program.
    pub program: PathBuf,
    /// What makes it call `probe_child`.
    pub arguments: Vec<OsString>,
}

impl ProbeCommand {
    /// This program itself with [`PROBE_ARGUMENT`]. The path is `/proc/self/exe`, so that a program that has been
    /// replaced or removed while it runs still finds itself.
    pub fn this_program() -> Self {
        Self {
            program: PathBuf::from("/proc/self/exe"),
            arguments: vec![PROBE_ARGUMENT.into()],
        }
    }
}

/// The child did not report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// It did not even start, or its pipe broke.
    #[error("start the probe process `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// It did not end in time and was killed.
    #[error("wait for the probe process `{command}`: it was still running and was killed")]
    TimedOut {
        /// The command line.
        command: String,
    },
    /// It ended without a report.
    #[error("read the report of the probe process `{command}`: {got}")]
    NoReport {
        /// The command line.
        command: String,
        /// What came instead.
        got: String,
    },
}

impl Diagnose for ProbeError {
    fn code(&self) -> &'static str {
        "host.probe-failed"
    }
}

/// Tries the kernel's features in a child process; nothing is left of it afterwards.
///
/// # Errors
/// The child could not be started or did not report by `by`. A feature that does not work is in the report.
pub async fn probe(command: &ProbeCommand, by: Deadline) -> Result<ProbeReport, ProbeError> {
    let line = command_line(&command.program, &command.arguments);
    let start = |source| ProbeError::Start {
        command: line.clone(),
        source,
    };
    let mut program = Command::new(&command.program);
    die_with_parent(program.as_std_mut());
    let mut child = program
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let group = Group::of(child.id());
    let talk = async {
        let last = converse(&mut child, by).await?;
        let mut errors = String::new();
        if let Some(stderr) = child.stderr.as_mut() {
            stderr.read_to_string(&mut errors).await?;
        }
        child.wait().await.map(|status| (last, errors, status))
    };
    let (last, errors, status) = tokio::time::timeout_at(by.tokio(), talk)
        .await
        .map_err(|_| ProbeError::TimedOut {
            command: line.clone(),
        })?
        .map_err(start)?;
    group.ended();
    let (subordinate, text) = last;
    let no_report = |got: String| ProbeError::NoReport {
        command: line.clone(),
        got,
    };
    let mut report: ProbeReport = serde_json::from_str(&text).map_err(|error| {
        let said = last_lines(&errors).join(" | ");
        let got = match status.signal() {
            Some(_) => "there is none".to_owned(),
            None => error.to_string(),
        };
        no_report(format!("{got}; it ended with {status}; it said: {said}"))
    })?;
    if report.schema != ProbeReport::SCHEMA {
        return Err(no_report(format!(
            "schema {} instead of {}",
            report.schema,
            ProbeReport::SCHEMA
        )));
    }
    report
        .attempts
        .insert(Capability::SubordinateIds, subordinate);
    Ok(report)
}

/// Answers the child's request for an id map; returns how that went and the last line, which is the report.
async fn converse(child: &mut Child, by: Deadline) -> std::io::Result<(Attempt, String)> {
    let mut subordinate = if geteuid().is_root() {
        of_root()
    } else {
        Attempt::not_tried("no user namespace could be made")
    };
    let (pid, mut input) = (child.id(), child.stdin.take());
    let Some(stdout) = child.stdout.take() else {
        return Ok((subordinate, String::new()));
    };
    let mut lines = BufReader::<ChildStdout>::new(stdout).lines();
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        if let (UNSHARED, Some(pid), Some(input)) = (line.as_str(), pid, input.as_mut()) {
            subordinate = write_map(pid, by).await;
            let mapped = matches!(subordinate, Attempt::Works { .. });
            let answer = if mapped { MAPPED } else { "map yourself" };
            input.write_all(format!("{answer}\n").as_bytes()).await?;
            input.flush().await?;
        }
        last = line;
    }
    Ok((subordinate, last))
}
