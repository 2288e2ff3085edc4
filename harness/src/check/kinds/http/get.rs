//! Getting a page.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::page::{Arrived, body_of, bytes_url, judge, judge_bytes, url};
use crate::check::kinds::tcp::connect::connect;
use crate::check::kinds::tcp::transfer::Transfer;
use crate::check::looking::{ANSWER, Looking, as_words};
use crate::check::source::{self, Ends};
use crate::check::{ProbeError, Vantage, Verdict, from_source};
use crate::deadline::Deadline;
use crate::host::received::SILENCE;
use crate::plan::shell;

pub(super) async fn look(
    ends: Ends,
    expect: &str,
    at: &Looking<'_>,
) -> Result<Verdict, ProbeError> {
    let (from, by) = (at.from, at.by);
    let Ends { to, port, source } = ends;
    let url = url(to, port);
    let words = match from {
        Vantage::Machine(machine) => {
            let mut stream = match connect(machine, ends).await? {
                Ok(stream) => stream,
                Err(why) => return Ok(Verdict::violated(why.to_string())),
            };
            let exchange = machine.run(async move {
                let exchange = async {
                    let request =
                        format!("GET / HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
                    stream.write_all(request.as_bytes()).await?;
                    let mut response = String::new();
                    stream.take(64 << 10).read_to_string(&mut response).await?;
                    Ok::<_, std::io::Error>(response)
                };
                tokio::time::timeout(ANSWER, exchange).await
            });
            return Ok(match exchange.await? {
                Ok(Ok(response)) => match body_of(&response) {
                    Ok(body) => judge(expect, Ok(body)),
                    Err(why) => judge(expect, Err(&why.to_string())),
                },
                Ok(Err(e)) => judge(expect, Err(&e.to_string())),
                Err(_) => judge(expect, Err(&format!("no page within {ANSWER:?}"))),
            });
        }
        Vantage::Guest(_) | Vantage::Container { .. } => client(from, source, &["5"], &url),
    };
    let output = from_source::run(&as_words(&words), source, from, by).await?;
    let why = match output.stderr.trim() {
        "" => "no answer within 5 s",
        said => said,
    };
    let why = source::explained(source, why);
    let why = format!("no page from {url}: {why}");
    let body = if output.success() {
        Ok(output.stdout.as_str())
    } else {
        Err(why.as_str())
    };
    Ok(judge(expect, body))
}

/// Command that prints the page. The guest's curl gets it where the guest has one. For a container curl is needed only with a source
/// address, which the wget of the container's busybox does not take.
fn client(from: &Vantage, source: Option<IpAddr>, limits: &[&str], url: &str) -> Vec<String> {
    let has_curl = match from {
        Vantage::Guest(guest) => guest.spec().image.clients,
        Vantage::Container { .. } => source.is_some(),
        Vantage::Machine(_) => false,
    };
    let seconds = limits.first().copied().unwrap_or_default();
    let words = match has_curl {
        true => [&["curl", "-gsS", "--fail", "-m"], limits].concat(),
        // `timeout` instead of wget's own -T: Debian 12's busybox is built without -T and crashes instead of saying so.
        false => vec!["timeout", seconds, "wget", "-q", "-O", "-"],
    };
    let interface = source.map(|source| ["--interface".to_owned(), format!("host!{source}")]);
    let words = words.into_iter().map(str::to_owned);
    let words = words.chain(interface.into_iter().flatten());
    words.chain([url.to_owned()]).collect()
}

/// Gets a page of known bytes; the vantage counts and hashes what arrives.
pub(super) async fn look_at_bytes(
    ends: Ends,
    bytes: u32,
    at: &Looking<'_>,
) -> Result<Verdict, ProbeError> {
    let (from, by) = (at.from, at.by);
    let Ends { to, port, source } = ends;
    let url = bytes_url(to, port, bytes);
    let Vantage::Machine(machine) = from else {
        let seconds = by.left().as_secs().max(1);
        let (seconds, silence) = (seconds.to_string(), SILENCE.as_secs().to_string());
        let limits = [seconds.as_str(), "-Y", "1", "-y", &silence];
        let get = shell::join(&client(from, source, &limits, &url));
        // Count and hash the page while it arrives, so that it needs no space. busybox has all of these programs.
        let line =
            format!("exec 4>&1; {{ {get} | tee /proc/self/fd/3 | sha256sum >&4; }} 3>&1 | wc -c");
        let output = from_source::run(&["sh", "-c", &line], source, from, by).await?;
        let Some(arrived) = Arrived::parse(&output.stdout) else {
            return Err(ProbeError::Output {
                command: line,
                printed: format!("{}{}", output.stdout, output.stderr),
            });
        };
        return Ok(match output.stderr.trim() {
            said if arrived.length == 0 => {
                let why = source::explained(source, said);
                judge_bytes(bytes, Err(&format!("no page from {url}: {why}")))
            }
            _ => judge_bytes(bytes, Ok(&arrived)),
        });
    };
    let stream = match connect(machine, ends).await? {
        Ok(stream) => stream,
        Err(why) => return Ok(Verdict::violated(why.to_string())),
    };
    let request = format!("GET /bytes/{bytes} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    let most = u64::from(bytes) + (64 << 10);
    let got = machine.run(async move { get(stream, &request, most, by).await });
    let got = match got.await? {
        Ok(got) => got,
        Err(e) => return Ok(Verdict::violated(e.to_string())),
    };
    let response = &got.response;
    let end = response.windows(4).position(|end| end == b"\r\n\r\n");
    let (head, body) = response.split_at(end.map_or(response.len(), |end| end + 4));
    let transfer = Transfer {
        arrived: body.len() as u64,
        last: got.last,
        over: got.over,
        other: None,
    };
    Ok(match body_of(&String::from_utf8_lossy(head)) {
        Ok(_) if transfer.arrived < u64::from(bytes) => Verdict::violated(transfer.short_of(bytes)),
        Ok(_) => judge_bytes(bytes, Ok(&Arrived::of([body]))),
        Err(_) if head.is_empty() => Verdict::violated(transfer.short_of(bytes)),
        Err(why) => judge_bytes(bytes, Err(&why.to_string())),
    })
}

/// Bytes that came back, and the times since the request of the last of them and of the end.
struct Got {
    response: Vec<u8>,
    last: Duration,
    over: Duration,
}

/// Sends the request and reads until the connection ends, until nothing has come for [`SILENCE`], or until the deadline.
async fn get(mut stream: TcpStream, request: &str, most: u64, by: Deadline) -> io::Result<Got> {
    let begun = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let mut stream = stream.take(most);
    let (mut response, mut last) = (Vec::new(), Duration::ZERO);
    loop {
        let patience = SILENCE.min(by.left());
        match tokio::time::timeout(patience, stream.read_buf(&mut response)).await {
            Ok(Ok(0)) | Err(_) => break,
            Ok(Ok(_)) => last = begun.elapsed(),
            Ok(Err(e)) => return Err(e),
        }
    }
    let over = begun.elapsed();
    Ok(Got {
        response,
        last,
        over,
    })
}
