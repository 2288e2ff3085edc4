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
/// Each has a file, or a folder, in `kinds`, and a row in the table there. Methods that every kind must answer have no default
/// here, so that the compiler finds a kind that does not.
pub(crate) trait Kind: CheckKind {
    /// What should hold, to follow "expected".
    fn expected(&self) -> String;

    /// Whether the check holds while something is missing: an address, a process, an answer, a carrier. Such a check proves
    /// nothing before there was traffic.
    fn holds_by_lack(&self) -> bool;

    /// Why ghost guests cannot show what the check asks; `None` when they can.
    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String>;

    /// Looks once. `at` does the I/O; a pure function in the kind's file judges what was seen.
    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a>;

    /// Links whose state the check is about, by the names that it uses. A link of which only the capture is read is not
    /// among them.
    fn links(&self) -> Vec<IfName> {
        Vec::new()
    }

    /// Links that must exist for a check that holds while something is missing on them.
    fn lacking(&self) -> Vec<&IfName> {
        Vec::new()
    }

    /// Count that the check judges, of packets that the traffic of other checks left behind; `None`: it judges no count.
    fn tally(&self) -> Option<Tally> {
        None
    }

    /// Destination of a look's first packet.
    fn target(&self) -> Option<Target> {
        None
    }

    /// What a look sends, and to whom, where its packets can be followed.
    fn flow(&self) -> Option<Flow> {
        None
    }

    /// As [`look`](Self::look), with as few packets as show whether it holds.
    fn probe<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        self.look(at)
    }

    /// How much longer one look of this kind may take than a look of any other kind.
    fn takes(&self) -> Duration {
        Duration::ZERO
    }
}

/// Count that a check judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Bounds in which the count must be.
    pub(crate) bounds: Bounds,
    /// Whether everything since the beginning is counted, so that the count never falls.
    pub(crate) only_grows: bool,
}

/// What a probe asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// An ICMP echo.
    Echo,
    /// A name, at port 53.
    Dns,
    /// A TCP connection to that port.
    Tcp(u16),
}

/// What a look sends. Looks of the same flow from the same place send the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// What it asks for.
    pub asks: Asks,
    /// Destination; `None`: the resolver of the place chooses it.
    pub to: Option<IpAddr>,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// Bytes of data, and whether they must not be fragmented, where the check names either.
    pub size: Option<(u16, bool)>,
}

impl Flow {
    /// A TCP connection.
    pub(crate) const fn tcp(to: IpAddr, port: u16, source: Option<IpAddr>) -> Self {
        Self {
            asks: Asks::Tcp(port),
            to: Some(to),
            source,
            size: None,
        }
    }
}

/// Destination of a look's first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Address of the destination.
    pub(crate) address: IpAddr,
    /// Whether the look is pointless without a server at that address; ghost guests have none.
    pub(crate) listens: bool,
}

impl Target {
    /// Target whose address is enough: what answers there is not asked before the look.
    pub(crate) const fn machine(address: IpAddr) -> Self {
        let listens = false;
        Self { address, listens }
    }

    /// Target at which a server must listen.
    pub(crate) const fn server(address: IpAddr) -> Self {
        let listens = true;
        Self { address, listens }
    }
}
