//! HTTP: `GET /` and what came back.

use std::net::IpAddr;

use super::Verdict;
use crate::host::http::page;

/// A URL; v6 addresses in brackets (RFC 3986).
pub fn url(to: IpAddr, port: u16) -> String {
    match to {
        IpAddr::V4(v4) => format!("http://{v4}:{port}/"),
        IpAddr::V6(v6) => format!("http://[{v6}]:{port}/"),
    }
}

/// The page of `bytes` known bytes on one of the lab's servers.
pub fn bytes_url(to: IpAddr, port: u16, bytes: u32) -> String {
    format!("{}bytes/{bytes}", url(to, port))
}

/// Judges the body of that page by what `cksum` says about it: `CRC LENGTH`; or why there was none.
pub fn judge_bytes(bytes: u32, sum: Result<&str, &str>) -> Verdict {
    let sum = match sum {
        Ok(sum) => sum,
        Err(why) => return Verdict::violated(why),
    };
    let mut words = sum.split_whitespace();
    let (crc, length) = (words.next().unwrap_or("?"), words.next().unwrap_or("?"));
    if length != bytes.to_string() {
        return Verdict::violated(format!("{length} bytes of {bytes}"));
    }
    let mut wanted = Cksum::default();
    page(bytes).for_each(|part| wanted.add(part));
    match crc == wanted.end().to_string() {
        true => Verdict::holds(format!("all {bytes} bytes")),
        false => Verdict::violated(format!("{bytes} bytes, but not those that were sent")),
    }
}

/// The check sum of POSIX's `cksum`: a CRC over the bytes and their number.
#[derive(Debug, Default)]
pub struct Cksum {
    crc: u32,
    length: u64,
}

impl Cksum {
    /// The polynomial of Ethernet's CRC, most significant bit first.
    const POLYNOMIAL: u32 = 0x04C1_1DB7;
    const TABLE: [u32; 256] = Self::table();

    const fn table() -> [u32; 256] {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = (byte as u32) << 24;
            let mut bit = 0;
            while bit < 8 {
                let carry = crc >> 31;
                crc = (crc << 1) ^ (carry * Self::POLYNOMIAL);
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    }

    /// Takes in more bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        bytes.iter().for_each(|&byte| self.step(byte));
    }

    fn step(&mut self, byte: u8) {
        let index = (self.crc >> 24) as u8 ^ byte;
        self.crc = (self.crc << 8) ^ Self::TABLE[usize::from(index)];
    }

    /// The sum.
    pub fn end(mut self) -> u32 {
        let mut length = self.length;
        while length > 0 {
            self.step(length as u8);
            length >>= 8;
        }
        !self.crc
    }

    /// As `cksum` prints it, without a file name.
    pub fn line(self) -> String {
        let length = self.length;
        format!("{} {length}", self.end())
    }
}

/// The body of a raw `HTTP/1.x` response with status 200.
///
/// # Errors
/// The status line, or that there is none.
pub fn body(response: &str) -> Result<&str, String> {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.") && status.split_whitespace().nth(1) == Some("200") {
        Ok(body)
    } else {
        Err(format!("the answer `{status}`"))
    }
}

/// Judges a body, or why there was none.
pub fn judge(expect: &str, body: Result<&str, &str>) -> Verdict {
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

    /// `printf hello | cksum` and `cksum </dev/null` of GNU coreutils 9.1.
    #[test]
    fn the_sum_is_that_of_cksum() {
        let mut sum = Cksum::default();
        sum.add(b"hel");
        sum.add(b"lo");
        assert_eq!(sum.line(), "3287646509 5");
        assert_eq!(Cksum::default().line(), "4294967295 0");
    }

    #[test]
    fn a_page_of_bytes_must_be_whole_and_unharmed() {
        let sum = |bytes: &[u8]| {
            let mut sum = Cksum::default();
            sum.add(bytes);
            sum.line()
        };
        let mut body: Vec<u8> = page(100_000).flatten().copied().collect();
        assert_eq!(body.len(), 100_000);
        let whole = sum(&body);
        assert_eq!(
            judge_bytes(100_000, Ok(&whole)),
            Verdict::holds("all 100000 bytes")
        );
        let short = sum(&body[..99_000]);
        assert_eq!(
            judge_bytes(100_000, Ok(&short)),
            Verdict::violated("99000 bytes of 100000")
        );
        body[500] ^= 1;
        let harmed = sum(&body);
        assert!(!judge_bytes(100_000, Ok(&harmed)).holds);
        assert_eq!(judge_bytes(1, Err("no page")), Verdict::violated("no page"));
    }

    #[test]
    fn v6_addresses_are_bracketed() {
        assert_eq!(
            url("2001:db8::1".parse().expect("address"), 80),
            "http://[2001:db8::1]:80/"
        );
    }
}
