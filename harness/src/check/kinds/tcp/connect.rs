//! Connecting to a port, and sending bytes there.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::no_connection::NoConnection;
use super::transfer::{self, Transfer};
use crate::bytes_page::{LINE, lines};
use crate::check::looking::{ANSWER, Looking, as_words};
use crate::check::source::{self, Ends};
use crate::check::{ProbeError, Vantage, Verdict, from_source};
use crate::guest::ssh::Output;
use crate::host::netns::Netns;
use crate::plan::shell;

/// Connects from a machine; the inner `Err` says why the port did not accept.
pub(in crate::check::kinds) async fn connect(
    machine: &Arc<Netns>,
    ends: Ends,
) -> Result<Result<TcpStream, NoConnection>, ProbeError> {
    let connected =
        machine.run(async move { tokio::time::timeout(ANSWER, connect_here(ends)).await });
    Ok(match connected.await? {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(NoConnection::Refused {
            ends,
            said: e.to_string(),
        }),
        Err(_) => Err(NoConnection::Late {
            ends,
            waited: ANSWER,
        }),
    })
}

async fn connect_here(ends: Ends) -> io::Result<TcpStream> {
    let socket = match ends.to {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(source) = ends.source {
        socket.bind((source, 0).into())?;
    }
    socket.connect((ends.to, ends.port).into()).await
}

/// busybox's `nc`, which all images have.
fn netcat(from: &Vantage) -> &'static str {
    match from {
        Vantage::Container { .. } => "nc",
        Vantage::Guest(_) | Vantage::Machine(_) => "busybox nc",
    }
}

pub(super) async fn look(ends: Ends, at: &Looking<'_>) -> Result<Verdict, ProbeError> {
    let (from, by) = (at.from, at.by);
    let Ends { to, port, source } = ends;
    let answered = match (from, source) {
        (Vantage::Machine(machine), _) => connect(machine, ends).await?.map(drop),
        (Vantage::Guest(_) | Vantage::Container { .. }, None) => {
            let netcat = netcat(from);
            let line = format!("timeout 5 {netcat} -w 3 {to} {port} </dev/null >/dev/null");
            let output = from.exec(&["sh", "-c", &line], by).await?;
            if output.success() {
                Ok(())
            } else {
                Err(refused(ends, &output))
            }
        }
        (Vantage::Guest(_) | Vantage::Container { .. }, Some(source)) => {
            let words = from_source::connect(source, to, port);
            let output = from.exec_in_net(&as_words(&words), by).await?;
            if output.success() {
                Ok(())
            } else {
                Err(refused(ends, &output))
            }
        }
    };
    Ok(match answered {
        Ok(()) => Verdict::holds(format!(
            "{to} accepts on port {port}{}",
            source::from(source)
        )),
        Err(why) => Verdict::violated(why.to_string()),
    })
}

/// Why there is no connection, as the tool that tried says.
fn refused(ends: Ends, output: &Output) -> NoConnection {
    NoConnection::Refused {
        ends,
        said: output.stderr.trim().to_owned(),
    }
}

/// Sends so many bytes to one of the lab's web servers, which counts them.
pub(super) async fn look_at_bytes(
    ends: Ends,
    bytes: u32,
    at: &Looking<'_>,
) -> Result<Verdict, ProbeError> {
    let (from, by, received) = (at.from, at.by, &at.around.received);
    let Ends { to, port, source } = ends;
    let number = received.begin();
    let head = |end: &str| {
        format!(
            "PUT /bytes/{bytes}?look={number} HTTP/1.1{end}Host: {to}{end}Content-Length: {bytes}{end}\
             Connection: close{end}{end}"
        )
    };
    let (answer, over) = match from {
        Vantage::Machine(machine) => {
            let stream = match connect(machine, ends).await? {
                Ok(stream) => stream,
                Err(why) => return Ok(Verdict::violated(why.to_string())),
            };
            let begun = Instant::now();
            let sending = send(stream, head("\r\n"), bytes);
            let answer =
                machine.run(async move { tokio::time::timeout_at(by.tokio(), sending).await });
            (answer.await?.unwrap_or_default(), begun.elapsed())
        }
        Vantage::Guest(_) | Vantage::Container { .. } => {
            let accepted = look(ends, at).await?;
            if !accepted.holds {
                return Ok(accepted);
            }
            // The transfer ends 2 s before the look, so that there is a verdict: the server says how many bytes came.
            let seconds = by.left().as_secs().saturating_sub(2).max(1);
            let carrier = match source {
                None => format!("{} {to} {port}", netcat(from)),
                Some(source) => shell::join(&from_source::carry(source, to, port)),
            };
            let line = format!(
                "{{ printf '{}'; yes '{LINE}' | head -c {bytes}; }} | timeout {seconds} {carrier}",
                head("\\r\\n"),
            );
            let begun = Instant::now();
            let output = from_source::run(&["sh", "-c", &line], source, from, by).await?;
            (output.stdout, begun.elapsed())
        }
    };
    let taken = received.of(number);
    let transfer = Transfer {
        arrived: taken.bytes,
        last: taken.last,
        over,
        other: taken.other,
    };
    let answer = answer.lines().next().unwrap_or_default();
    Ok(transfer::judge(bytes, &transfer, answer))
}

/// Sends the head and the bytes, and returns what the server answers meanwhile or afterwards.
async fn send(mut stream: TcpStream, head: String, bytes: u32) -> String {
    let (reading, mut writing) = stream.split();
    let sending = async {
        writing.write_all(head.as_bytes()).await?;
        for part in lines(bytes) {
            writing.write_all(part).await?;
        }
        Ok::<_, io::Error>(())
    };
    let mut answer = Vec::new();
    let mut reading = reading.take(4 << 10);
    // An error in either direction is no verdict: the verdict is what the server received.
    let _ = tokio::join!(sending, reading.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}
