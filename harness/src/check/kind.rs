//! What a kind of check is.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::ghosts::Ghosts;
use super::looking::Looking;
use super::{ProbeError, Verdict};
use crate::scenario::names::IfName;
use crate::scenario::{Bounds, CheckKind};

/// What one look showed, or why it was not possible.
pub(crate) type Looked<'a> = LocalBoxFuture<'a, Result<Verdict, ProbeError>>;

/// A kind of check: what it asks for in words, what a look at it does, and what there is to know about it before.
///
/// Each has a file, or a folder, in `kinds`, and a row in the table there. What all kinds must say has no default here, so
/// that none forgets it.
pub(crate) trait Kind: CheckKind {
    /// What should hold, to follow "expected".
    fn expected(&self) -> String;

    /// Whether it holds where something is missing: an address, a process, an answer, a carrier. Such a check says nothing
    /// before there was traffic.
    fn holds_by_lack(&self) -> bool;

    /// Why ghost guests cannot show it; `None` when they can.
    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String>;

    /// One look. The I/O is `at`'s; what came of it is judged by a pure function beside this one.
    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a>;

    /// The links whose state it is about, as it names them; not the wires that it watches.
    fn links(&self) -> Vec<IfName> {
        Vec::new()
    }

    /// The links that must be there where it holds for the lack of something on them.
    fn lacking(&self) -> Vec<&IfName> {
        Vec::new()
    }

    /// What it counts, of what the traffic of others left behind.
    fn tally(&self) -> Option<Tally> {
        None
    }

    /// Where a look sends its first packet to.
    fn target(&self) -> Option<Target> {
        None
    }

    /// How much longer than any look one of these may take.
    fn takes(&self) -> Duration {
        Duration::ZERO
    }
}

/// A count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many there must be.
    pub(crate) bounds: Bounds,
    /// Whether it counts all since the beginning, so that the count only grows.
    pub(crate) only_grows: bool,
}

/// Where the first packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Whose address.
    pub(crate) address: IpAddr,
    /// Whether a server must listen there; ghost guests have none.
    pub(crate) listens: bool,
}

impl Target {
    /// A machine that answers by itself.
    pub(crate) const fn machine(address: IpAddr) -> Self {
        let listens = false;
        Self { address, listens }
    }

    /// A server.
    pub(crate) const fn server(address: IpAddr) -> Self {
        let listens = true;
        Self { address, listens }
    }
}
