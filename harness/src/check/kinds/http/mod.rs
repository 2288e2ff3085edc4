//! HTTP: `GET /` and what came back.

mod get;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use sha2::{Digest, Sha256};

use super::tcp::transfer;
use crate::bytes_page::{MOST_BYTES, page};
use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked, Target};
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

    fn target(&self) -> Option<Target> {
        Some(Target::server(self.to))
    }

    fn takes(&self) -> Duration {
        transfer::time(self.bytes)
    }
}

/// A URL; v6 addresses in brackets (RFC 3986).
fn url(to: IpAddr, port: u16) -> String {
    match to {
        IpAddr::V4(v4) => format!("http://{v4}:{port}/"),
        IpAddr::V6(v6) => format!("http://[{v6}]:{port}/"),
    }
}

/// The page of `bytes` known bytes on one of the lab's servers.
fn bytes_url(to: IpAddr, port: u16, bytes: u32) -> String {
    format!("{}bytes/{bytes}", url(to, port))
}

/// A page of known bytes, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrived {
    /// How many bytes.
    length: u64,
    /// Their SHA-256 in hexadecimal digits.
    sha256: String,
}

impl Arrived {
    /// The page of which these parts were received.
    fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        let mut length = 0;
        for part in parts {
            hash.update(part);
            length += part.len() as u64;
        }
        let sha256 = hash
            .finalize()
            .into_iter()
            .map(|byte| format!("{byte:02x}"));
        Self {
            length,
            sha256: sha256.collect(),
        }
    }

    /// What `wc -c` and `sha256sum` printed, in either order.
    fn parse(printed: &str) -> Option<Self> {
        let words = || printed.split_whitespace();
        let sha256 = words().find(|word| word.len() == 64)?.to_owned();
        let length = words().find_map(|word| word.parse().ok())?;
        Some(Self { length, sha256 })
    }
}

/// Judges a page of known bytes, or why there was none.
fn judge_bytes(bytes: u32, arrived: Result<&Arrived, &str>) -> Verdict {
    match arrived {
        Err(why) => Verdict::violated(why),
        Ok(got) if got.length != u64::from(bytes) => {
            Verdict::violated(format!("{} bytes of {bytes}", got.length))
        }
        Ok(got) if got.sha256 != Arrived::of(page(bytes)).sha256 => {
            Verdict::violated(format!("{bytes} bytes, but not those that were sent"))
        }
        Ok(_) => Verdict::holds(format!("all {bytes} bytes")),
    }
}

/// The body of a raw `HTTP/1.x` response with status 200.
///
/// # Errors
/// The status line, or that there is none.
fn body(response: &str) -> Result<&str, String> {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.") && status.split_whitespace().nth(1) == Some("200") {
        Ok(body)
    } else {
        Err(format!("the answer `{status}`"))
    }
}

/// Judges a body, or why there was none.
fn judge(expect: &str, body: Result<&str, &str>) -> Verdict {
    match body {
        Ok(body) if body.contains(expect) => {
            Verdict::holds(format!("200 and \"{}\"", first_line(body)))
        }
        Ok(body) => Verdict::violated(format!("200 and \"{}\"", first_line(body))),
        Err(why) => Verdict::violated(why),
    }
}

fn first_line(body: &str) -> String {
    body.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(60)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_200_with_the_words_holds() {
        let page = body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        assert!(judge("hello", page.as_deref().map_err(String::as_str)).holds);
        assert!(!judge("goodbye", page.as_deref().map_err(String::as_str)).holds);
        assert_eq!(
            body("HTTP/1.1 404 Not Found\r\n\r\n"),
            Err("the answer `HTTP/1.1 404 Not Found`".to_owned())
        );
        assert_eq!(body(""), Err("the answer ``".to_owned()));
    }

    #[test]
    fn a_page_of_bytes_must_be_whole_and_unharmed() {
        let mut body: Vec<u8> = page(100_000).flatten().copied().collect();
        assert_eq!(body.len(), 100_000);
        let judge = |body: &[u8]| judge_bytes(100_000, Ok(&Arrived::of([body])));
        assert_eq!(judge(&body), Verdict::holds("all 100000 bytes"));
        assert_eq!(
            judge(&body[..99_000]),
            Verdict::violated("99000 bytes of 100000")
        );
        body[500] ^= 1;
        assert_eq!(
            judge(&body),
            Verdict::violated("100000 bytes, but not those that were sent")
        );
        assert_eq!(judge_bytes(1, Err("no page")), Verdict::violated("no page"));
    }

    /// coreutils 9.1: `printf hello | sha256sum; printf hello | wc -c`, and the other way round.
    #[test]
    fn both_tools_are_read_in_either_order() {
        let sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  -\n";
        let hello = Arrived::of([&b"hel"[..], b"lo"]);
        for printed in [format!("{sum}5\n"), format!("5\n{sum}")] {
            assert_eq!(Arrived::parse(&printed).as_ref(), Some(&hello));
        }
        assert_eq!(Arrived::parse("5\n"), None);
    }

    #[test]
    fn v6_addresses_are_bracketed() {
        assert_eq!(
            url("2001:db8::1".parse().expect("address"), 80),
            "http://[2001:db8::1]:80/"
        );
    }
}
