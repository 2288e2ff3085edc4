//! The internet's web server: one fixed page on every address of a machine, and `/bytes/N` of N known bytes, which a
//! client gets (`GET`) or sends (`PUT`).

use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::daemon::{Kept, MachineKeeper, Worker};
use super::received::{Received, SILENCE};
use crate::bytes_page::{MOST_BYTES, page};
use crate::scenario::HttpServer;

/// Binds the server on the calling machine's addresses, v4 and v6, and serves it on the current runtime. The bytes that
/// each look of a check sends are counted in `received`.
///
/// The server listens when this returns, until it is stopped or its machine ends.
///
/// # Errors
/// When the port cannot be bound.
pub(crate) async fn serve(
    keeper: MachineKeeper,
    config: HttpServer,
    received: Arc<Received>,
) -> io::Result<Worker> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, config.port)).await?;
    let page = head(config.body.len()) + &config.body;
    Ok(keeper.work(Kept::Http, async move {
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if of_one_connection(&error) => continue,
                Err(error) => return error,
            };
            tracing::debug!(%from, "http request");
            let (page, received) = (page.clone(), Arc::clone(&received));
            tokio::spawn(async move { answer(stream, page.as_bytes(), &received).await });
        }
    }))
}

/// Whether an error of accept(2) is about the connection that was to be accepted, so that the next one may be accepted.
pub(super) fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, HostUnreachable, NetworkDown, NetworkUnreachable};
    let kinds = [
        ConnectionAborted,
        HostUnreachable,
        NetworkDown,
        NetworkUnreachable,
    ];
    kinds.contains(&error.kind())
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// `GET /`, and any request without a page of its own.
    Page,
    /// `GET /bytes/N`.
    Get(u32),
    /// `PUT /bytes/N?look=L`: the number of the look, where it has one.
    Put(u32, Option<usize>),
}

impl Request {
    /// Reads a request by its first line.
    fn parse(request: &[u8]) -> Self {
        Self::of_bytes(request).unwrap_or(Self::Page)
    }

    fn of_bytes(request: &[u8]) -> Option<Self> {
        let line = request.split(|&byte| byte == b'\r').next()?;
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let bytes = path.strip_prefix("/bytes/")?.parse().ok()?;
        if bytes > MOST_BYTES {
            return None;
        }
        Some(match method {
            "PUT" => {
                let look = query.strip_prefix("look=");
                Self::Put(bytes, look.and_then(|look| look.parse().ok()))
            }
            _ => Self::Get(bytes),
        })
    }
}

async fn answer(mut stream: TcpStream, fixed: &[u8], received: &Received) -> io::Result<()> {
    let accepted = Instant::now();
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    // The whole head must be read before closing, or the close becomes a reset that eats the answer.
    let end = loop {
        if let Some(at) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        let read = stream.read(&mut buffer).await?;
        if read == 0 || request.len() >= 16 << 10 {
            break request.len();
        }
        request.extend_from_slice(&buffer[..read]);
    };
    match Request::parse(&request) {
        Request::Page => stream.write_all(fixed).await?,
        Request::Get(bytes) => {
            stream.write_all(head(bytes as usize).as_bytes()).await?;
            for part in page(bytes) {
                stream.write_all(part).await?;
            }
        }
        Request::Put(bytes, look) => {
            let note = |part: &[u8]| {
                if let Some(look) = look {
                    received.note(look, part, accepted.elapsed());
                }
            };
            let came = take(&mut stream, &request[end..], bytes, note).await?;
            let words = format!("{came} bytes\n");
            let answer = head(words.len()) + &words;
            stream.write_all(answer.as_bytes()).await?;
        }
    }
    stream.shutdown().await
}

/// Reads `bytes` bytes, of which `first` came with the request's head. Calls `tell` with each part as it comes; returns
/// how many came.
async fn take(
    stream: &mut TcpStream,
    first: &[u8],
    bytes: u32,
    tell: impl Fn(&[u8]),
) -> io::Result<u64> {
    tell(first);
    let mut came = first.len() as u64;
    let mut buffer = vec![0; 64 << 10];
    while came < u64::from(bytes) {
        let Ok(read) = tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await else {
            // A client that waits for room to send hears of no end but a reset, which is small enough to get through.
            stream.set_zero_linger()?;
            return Err(io::ErrorKind::TimedOut.into());
        };
        let read = read?;
        if read == 0 {
            break;
        }
        tell(&buffer[..read]);
        came += read as u64;
    }
    Ok(came)
}

fn head(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_are_not_too_large_are_bytes_asked_for() {
        let asked =
            |line: &str| Request::parse(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(asked("GET /bytes/1000"), Request::Get(1000));
        assert_eq!(asked("PUT /bytes/1000"), Request::Put(1000, None));
        assert_eq!(asked("PUT /bytes/1000?look=7"), Request::Put(1000, Some(7)));
        assert_eq!(asked("PUT /bytes/9?look=x"), Request::Put(9, None));
        for line in [
            "GET /",
            "GET /bytes/",
            "GET /bytes/-1",
            "PUT /bytes/100000001",
            "GET /bytes/1/2",
            "GET",
        ] {
            assert_eq!(asked(line), Request::Page, "{line}");
        }
        assert_eq!(Request::parse(b""), Request::Page);
    }
}
