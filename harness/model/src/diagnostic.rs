//! Errors as people need them: what was being done, what was said, and the command that mends it.
//!
//! Every error type of the crate implements [`Diagnose`]; the binary turns it into a [`Diagnostic`], which is
//! plain data, so that reports can hold one without importing the module that raised it.

use std::error::Error;
use std::fmt;

use serde::Serialize;

use crate::visible::visible;

/// An error that knows its stable code and its remedy.
pub trait Diagnose: Error {
    /// Stable, dotted, greppable code, for example `host.netns-denied`.
    fn code(&self) -> &'static str;

    /// What the reader can do about it, with a command where one exists.
    fn help(&self) -> Option<String> {
        None
    }
}

/// An error as plain data: code, the chain of causes from the outermost inwards, and the remedy.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Diagnostic {
    /// See [`Diagnose::code`].
    pub code: String,
    /// The error and its sources; no element repeats the next.
    pub chain: Vec<String>,
    /// See [`Diagnose::help`].
    pub help: Option<String>,
}

impl Diagnostic {
    /// Flattens an error and its sources.
    pub fn new(error: &(impl Diagnose + ?Sized)) -> Self {
        let mut chain = vec![error.to_string()];
        let mut source = error.source();
        while let Some(inner) = source {
            chain.push(inner.to_string());
            source = inner.source();
        }
        Self {
            code: error.code().to_owned(),
            chain,
            help: error.help(),
        }
    }

    /// A diagnostic that has no error type behind it, for example a panic that was caught.
    pub fn plain(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            chain: vec![message.into()],
            help: None,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", visible(&self.chain.join(": ")))?;
        write!(f, " [{}]", visible(&self.code))?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", visible(help))?;
        }
        Ok(())
    }
}
