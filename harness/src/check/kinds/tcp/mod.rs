//! TCP connections, and bytes that are sent over one.

pub(super) mod connect;
mod no_connection;
pub(super) mod transfer;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bytes_page::MOST_BYTES;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Flow, Kind, Looked, Target};
use crate::check::looking::Looking;
use crate::check::source::{self, Ends};
use crate::scenario::check_kind::{Asked, Declared, Looks, SOURCE};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::parse;

/// A TCP connection is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    /// Destination.
    pub to: IpAddr,
    /// Port.
    pub port: u16,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// Send so many known bytes there as well, `PUT /bytes/N` to one of the lab's own web servers, which counts them: all
    /// must arrive unharmed.
    pub bytes: Option<u32>,
}

impl Declared for Tcp {
    const KEYS: TableKeys = table_keys(
        "tcp",
        "the connection is accepted",
        &[
            must("to", KeyType::IP, "address"),
            must("port", KeyType::PORT, "port"),
            SOURCE,
            may(
                "bytes",
                KeyType::Integer(1, MOST_BYTES as i64),
                "none",
                "`PUT /bytes/N` brings all N bytes to a machine's `http` unharmed",
            ),
        ],
    );
    const HOLDS: &'static str = "the connection is accepted; `bytes`: `PUT /bytes/N` brings all N bytes to a machine's `http` unharmed, at most 100 MB";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let to = reader.need("to", reader.word("to", parse::ip));
        let port = reader.need("port", reader.number::<u16>("port"));
        let source = asked.source(to.as_ref());
        let bytes = reader.number("bytes");
        Some(Self {
            to: to?.value,
            port: port?,
            source,
            bytes,
        })
    }
}

impl Kind for Tcp {
    fn expected(&self) -> String {
        let (to, port, from) = (self.to, self.port, source::from(self.source));
        match self.bytes {
            None => format!("{to} to accept a connection{from} on port {port}"),
            Some(bytes) => format!("{bytes} bytes{from} to arrive at {to} port {port}"),
        }
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.no_server_at(self.to)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let ends = Ends::new(self.to, self.port, self.source);
            match self.bytes {
                None => connect::look(ends, at).await,
                Some(bytes) => connect::look_at_bytes(ends, bytes, at).await,
            }
        }
        .boxed_local()
    }

    fn flow(&self) -> Option<Flow> {
        Some(Flow::tcp(self.to, self.port, self.source))
    }

    /// Only a connection: the bytes would fill the trace.
    fn probe<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        let ends = Ends::new(self.to, self.port, self.source);
        async move { connect::look(ends, at).await }.boxed_local()
    }

    fn target(&self) -> Option<Target> {
        Some(Target::server(self.to))
    }

    fn takes(&self) -> Duration {
        transfer::time(self.bytes)
    }
}
