//! HTTP: `GET /` and what came back.

mod get;
mod page;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use super::tcp::transfer;
use crate::bytes_page::MOST_BYTES;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Flow, Kind, Looked, Target};
use crate::check::looking::Looking;
use crate::check::source::{self, Ends};
use crate::scenario::check_kind::{Asked, Declared, Looks, SOURCE};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::parse;

/// `GET http://TO:PORT/` answers 200 and the body contains `expect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Destination.
    pub to: IpAddr,
    /// Port.
    pub port: u16,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// Words in the body.
    pub expect: String,
    /// Get `/bytes/N` of one of the lab's own servers instead, whose body is exactly N known bytes.
    pub bytes: Option<u32>,
}

impl Declared for Http {
    const KEYS: TableKeys = table_keys(
        "http",
        "`GET /` answers 200 and its body contains the words",
        &[
            must("to", KeyType::IP, "address"),
            may("port", KeyType::PORT, "80", "port"),
            SOURCE,
            may("expect", KeyType::Text, "\"\"", "words in the body"),
            may(
                "bytes",
                KeyType::Integer(1, MOST_BYTES as i64),
                "none",
                "`GET /bytes/N` of a machine's `http` gives all N bytes unharmed",
            ),
        ],
    );
    const HOLDS: &'static str = "`GET /` answers 200 and its body contains the words; `bytes`: `GET /bytes/N` of a machine's `http` gives all N bytes unharmed, at most 100 MB";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let to = reader.need("to", reader.word("to", parse::ip));
        let port = reader.number::<u16>("port").unwrap_or(80);
        let source = asked.source(to.as_ref());
        let expect = reader.text("expect");
        let bytes = reader.number("bytes");
        if let (Some(_), Some(entry)) = (reader.entry("bytes"), reader.entry("expect")) {
            let message = "the page of so many bytes has no words".to_owned();
            let label = "and `bytes`".to_owned();
            context
                .faults
                .add(Fault::new(&entry.key, code::CONFLICT, message, label));
        }
        Some(Self {
            to: to?.value,
            port,
            source,
            expect: expect.map_or(String::new(), |text| text.value.to_owned()),
            bytes,
        })
    }
}

impl Kind for Http {
    fn expected(&self) -> String {
        let (to, port, back) = (self.to, self.port, source::back(self.source));
        match self.bytes {
            None => format!("200 and \"{}\" from {to} port {port}{back}", self.expect),
            Some(bytes) => format!("{bytes} bytes from {to} port {port}{back}"),
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
                None => get::look(ends, &self.expect, at).await,
                Some(bytes) => get::look_at_bytes(ends, bytes, at).await,
            }
        }
        .boxed_local()
    }

    fn flow(&self) -> Option<Flow> {
        Some(Flow::tcp(self.to, self.port, self.source))
    }

    /// Only a page: the bytes would fill the trace.
    fn probe<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        let ends = Ends::new(self.to, self.port, self.source);
        async move { get::look(ends, &self.expect, at).await }.boxed_local()
    }

    fn target(&self) -> Option<Target> {
        Some(Target::server(self.to))
    }

    fn takes(&self) -> Duration {
        transfer::time(self.bytes)
    }
}
