//! How the starts of VMMs and containers went, which checks ask about.

use std::sync::Weak;

use crate::guest::Guest;

/// A VMM that was started.
#[derive(Debug, Clone)]
pub enum VmmStart {
    /// Its guest came up. The reference is weak, so that the owner of the guest can stop it.
    Started(Weak<Guest>),
    /// It ended before its guest said anything.
    Refused {
        /// Exit status or signal.
        status: String,
        /// The end of what it wrote to stderr.
        said: String,
    },
}

/// How the start of a container went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerStart {
    /// Docker started it.
    Started,
    /// Docker refused to, in these words.
    Refused(String),
}
