//! Why a command did not get into a cell.

use std::io;

/// A command was not executed in the cell, or its end could not be waited for. The words go through a pipe to whoever asked for
/// the command, so they hold the whole of it, and no error behind this one.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotEntered {
    /// The kernel refused a step of the way in.
    #[error("{doing}: {said}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The kernel's answer.
        said: io::Error,
    },
    /// The filter of system calls could not be written, or the kernel did not take it.
    #[error("{doing} the seccomp filter: {said}")]
    Filter {
        /// `write` or `set`.
        doing: &'static str,
        /// What the library that writes filters says, or the kernel.
        said: String,
    },
    /// Nothing was asked for.
    #[error("there is no command")]
    NoCommand,
    /// The program was not executed.
    #[error("{program}: {said}")]
    Program {
        /// As it was asked for.
        program: String,
        /// The kernel's answer.
        said: io::Error,
    },
}

impl NotEntered {
    /// Turns the kernel's answer to `doing` into an error.
    pub(super) fn refused<E: Into<io::Error>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Refused {
            doing,
            said: error.into(),
        }
    }
}
