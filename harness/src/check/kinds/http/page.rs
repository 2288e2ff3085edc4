//! A page: where it is, and whether what came is what it must be.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::bytes_page::page;
use crate::check::Verdict;

/// A URL; v6 addresses in brackets (RFC 3986).
pub(super) fn url(to: IpAddr, port: u16) -> String {
    match to {
        IpAddr::V4(v4) => format!("http://{v4}:{port}/"),
        IpAddr::V6(v6) => format!("http://[{v6}]:{port}/"),
    }
}

/// The page of `bytes` known bytes on one of the lab's servers.
pub(super) fn bytes_url(to: IpAddr, port: u16, bytes: u32) -> String {
    format!("{}bytes/{bytes}", url(to, port))
}

/// A page of known bytes, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrived {
    /// How many bytes.
    pub(super) length: u64,
    /// Their SHA-256 in hexadecimal digits.
    sha256: String,
}

impl Arrived {
    /// The page of which these parts were received.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
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
    pub(super) fn parse(printed: &str) -> Option<Self> {
        let words = || printed.split_whitespace();
        let sha256 = words().find(|word| word.len() == 64)?.to_owned();
        let length = words().find_map(|word| word.parse().ok())?;
        Some(Self { length, sha256 })
    }
}

/// Judges a page of known bytes, or why there was none.
pub(super) fn judge_bytes(bytes: u32, arrived: Result<&Arrived, &str>) -> Verdict {
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

/// An answer that is not `HTTP/1.x` with status 200.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer `{status_line}`")]
pub(super) struct NotOk {
    /// Its first line, which may be empty.
    status_line: String,
}

/// The body of a raw `HTTP/1.x` response with status 200.
///
/// # Errors
/// [`NotOk`]
pub(super) fn body_of(response: &str) -> Result<&str, NotOk> {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let status_line = head.lines().next().unwrap_or_default();
    if status_line.starts_with("HTTP/1.") && status_line.split_whitespace().nth(1) == Some("200") {
        Ok(body)
    } else {
        let status_line = status_line.to_owned();
        Err(NotOk { status_line })
    }
}

/// Judges a body, or why there was none.
pub(super) fn judge(expect: &str, body: Result<&str, &str>) -> Verdict {
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
        let page = body_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").expect("a page");
        assert!(judge("hello", Ok(page)).holds);
        assert!(!judge("goodbye", Ok(page)).holds);
        let why = |response| body_of(response).expect_err("no page").to_string();
        assert_eq!(
            why("HTTP/1.1 404 Not Found\r\n\r\n"),
            "the answer `HTTP/1.1 404 Not Found`"
        );
        assert_eq!(why(""), "the answer ``");
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
