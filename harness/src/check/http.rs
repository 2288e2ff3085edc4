//! HTTP: `GET /` and what came back.

use std::net::IpAddr;

use super::Verdict;

/// A URL; v6 addresses in brackets (RFC 3986).
pub fn url(to: IpAddr, port: u16) -> String {
    match to {
        IpAddr::V4(v4) => format!("http://{v4}:{port}/"),
        IpAddr::V6(v6) => format!("http://[{v6}]:{port}/"),
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

    #[test]
    fn v6_addresses_are_bracketed() {
        assert_eq!(
            url("2001:db8::1".parse().expect("address"), 80),
            "http://[2001:db8::1]:80/"
        );
    }
}
