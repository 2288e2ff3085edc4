//! `GET http://TO:PORT/` answers 200 and the body contains `expect`.

use std::net::IpAddr;

use super::asked::{Asked, Declared, Looks};
use super::keys::SOURCE;
use crate::scenario::bytes_page::MOST_BYTES;
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
