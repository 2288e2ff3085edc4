//! What is run in a guest, and what it left.

use crate::plan::shell;

/// A command for a guest: argv, quoted once for the remote shell.
#[derive(Debug, Clone)]
pub struct GuestCommand {
    line: String,
}

impl GuestCommand {
    /// A program and its arguments.
    pub fn new<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let words: Vec<W> = words.into_iter().collect();
        Self {
            line: shell::join(&words),
        }
    }

    /// A line for the guest's shell, as it stands.
    pub fn shell(line: impl Into<String>) -> Self {
        Self { line: line.into() }
    }

    /// The line that the shell gets.
    pub fn line(&self) -> &str {
        &self.line
    }
}

/// What a command left.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status; `None`: ended by a signal.
    pub status: Option<i32>,
}

impl Output {
    /// Whether the command ended with status 0.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}
