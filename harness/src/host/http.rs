//! The internet's web server: one fixed page on every address of a machine, and `/bytes/N` of N known bytes.

use std::io;
use std::net::Ipv6Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::scenario::HttpServer;
use crate::scenario::bytes_page::{MOST_BYTES, page};

/// Binds the server on the calling machine's addresses, v4 and v6, and serves it on the current runtime.
///
/// It listens when this returns, until the task is aborted or its machine ends.
///
/// # Errors
/// When the port cannot be bound.
pub(crate) async fn serve(config: HttpServer) -> io::Result<JoinHandle<()>> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, config.port)).await?;
    let page = head(config.body.len()) + &config.body;
    Ok(tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            tracing::debug!(%from, "http request");
            let page = page.clone();
            tokio::spawn(async move { answer(stream, page.as_bytes()).await });
        }
    }))
}

/// The N of `GET /bytes/N HTTP/1.1`.
fn bytes_asked_for(request: &[u8]) -> Option<u32> {
    let line = request.split(|&byte| byte == b'\r').next()?;
    let path = std::str::from_utf8(line).ok()?.split(' ').nth(1)?;
    let bytes = path.strip_prefix("/bytes/")?.parse().ok()?;
    (bytes <= MOST_BYTES).then_some(bytes)
}

async fn answer(mut stream: TcpStream, fixed: &[u8]) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    // The whole head must be read before closing, or the close becomes a reset that eats the answer.
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 16 << 10 {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        request.extend_from_slice(&buffer[..read]);
    }
    match bytes_asked_for(&request) {
        None => stream.write_all(fixed).await?,
        Some(bytes) => {
            stream.write_all(head(bytes as usize).as_bytes()).await?;
            for part in page(bytes) {
                stream.write_all(part).await?;
            }
        }
    }
    stream.shutdown().await
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
        let asked = |path: &str| {
            bytes_asked_for(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
        };
        assert_eq!(asked("/bytes/1000"), Some(1000));
        for path in [
            "/",
            "/bytes/",
            "/bytes/-1",
            "/bytes/100000001",
            "/bytes/1/2",
        ] {
            assert_eq!(asked(path), None, "{path}");
        }
        assert_eq!(bytes_asked_for(b""), None);
    }
}
