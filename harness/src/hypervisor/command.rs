//! A VMM's command line as a value.

use std::fmt;
use std::process::Command;

use crate::plan::shell;

/// Program and arguments; prints as one would paste it into a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    words: Vec<String>,
}

impl CommandLine {
    /// A command line that starts with `program`.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            words: vec![program.into()],
        }
    }

    /// Adds an option without a value, `-nodefaults` for example.
    pub fn flag(&mut self, flag: &str) -> &mut Self {
        self.words.push(flag.to_owned());
        self
    }

    /// Adds an option with its value.
    pub fn option(&mut self, option: &str, value: impl Into<String>) -> &mut Self {
        self.words.push(option.to_owned());
        self.words.push(value.into());
        self
    }

    /// Program and arguments.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// As a command that can be started.
    pub fn to_command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell::join(&self.words))
    }
}
