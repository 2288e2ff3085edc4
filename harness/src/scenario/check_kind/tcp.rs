//! A TCP connection is accepted.

use std::net::IpAddr;

use super::asked::{Asked, Declared, Looks};
use super::keys::SOURCE;
use crate::scenario::bytes_page::MOST_BYTES;
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
