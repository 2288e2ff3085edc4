//! The internet's web server: one fixed page on every address of a machine.

use std::io;
use std::net::Ipv6Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::scenario::HttpServer;

/// Binds the server on the calling machine's addresses, v4 and v6, and serves it on the current runtime.
///
/// It listens when this returns, until the task is aborted or its machine ends.
///
/// # Errors
/// When the port cannot be bound.
pub(crate) async fn serve(config: HttpServer) -> io::Result<JoinHandle<()>> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, config.port)).await?;
    let page = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        config.body.len(),
        config.body
    );
    Ok(tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            tracing::debug!(%from, "http request");
            let page = page.clone();
            tokio::spawn(async move { answer(stream, page.as_bytes()).await });
        }
    }))
}

async fn answer(mut stream: TcpStream, page: &[u8]) -> io::Result<()> {
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
    stream.write_all(page).await?;
    stream.shutdown().await
}
