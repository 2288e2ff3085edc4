//! Connecting to a port, and sending bytes there.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ANSWER;
use crate::check::transfer::{self, Transfer};
use crate::check::{ProbeError, Vantage, Verdict};
use crate::deadline::Deadline;
use crate::host::intake::Intake;
use crate::host::netns::Netns;
use crate::scenario::bytes_page::{LINE, lines};

/// Connects from a machine; `Err` is what a person would read as the answer.
pub(super) async fn connect(
    machine: &Arc<Netns>,
    to: IpAddr,
    port: u16,
) -> Result<Result<TcpStream, String>, ProbeError> {
    let connected = machine
        .run(async move { tokio::time::timeout(ANSWER, TcpStream::connect((to, port))).await });
    Ok(match connected.await? {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(format!("no connection to {to} port {port}: {e}")),
        Err(_) => Err(format!(
            "no connection to {to} port {port} within {ANSWER:?}"
        )),
    })
}

/// busybox's `nc`, which all images have.
fn netcat(from: &Vantage) -> &'static str {
    match from {
        Vantage::Container { .. } => "nc",
        Vantage::Guest(_) | Vantage::Machine(_) => "busybox nc",
    }
}

pub(super) async fn look(
    to: IpAddr,
    port: u16,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let (address, number) = (to.to_string(), port.to_string());
    let answered = match from {
        Vantage::Machine(machine) => connect(machine, to, port).await?.map(drop),
        Vantage::Guest(_) | Vantage::Container { .. } => {
            let netcat = netcat(from);
            let line = format!("timeout 5 {netcat} -w 3 {address} {number} </dev/null >/dev/null");
            let output = from.exec(&["sh", "-c", &line], by).await?;
            if output.success() {
                Ok(())
            } else {
                Err(format!(
                    "no connection to {to} port {port}: {}",
                    output.stderr.trim()
                ))
            }
        }
    };
    Ok(match answered {
        Ok(()) => Verdict::holds(format!("{to} accepts on port {port}")),
        Err(why) => Verdict::violated(why),
    })
}

/// Sends so many bytes to one of the lab's web servers, which counts them.
pub(super) async fn look_at_bytes(
    to: IpAddr,
    port: u16,
    bytes: u32,
    from: &Vantage,
    intake: &Intake,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let number = intake.begin();
    let head = |end: &str| {
        format!(
            "PUT /bytes/{bytes}?look={number} HTTP/1.1{end}Host: {to}{end}Content-Length: {bytes}{end}\
             Connection: close{end}{end}"
        )
    };
    let (answer, over) = match from {
        Vantage::Machine(machine) => {
            let stream = match connect(machine, to, port).await? {
                Ok(stream) => stream,
                Err(why) => return Ok(Verdict::violated(why)),
            };
            let begun = Instant::now();
            let sending = send(stream, head("\r\n"), bytes);
            let answer =
                machine.run(async move { tokio::time::timeout_at(by.tokio(), sending).await });
            (answer.await?.unwrap_or_default(), begun.elapsed())
        }
        Vantage::Guest(_) | Vantage::Container { .. } => {
            let accepted = look(to, port, from, by).await?;
            if !accepted.holds {
                return Ok(accepted);
            }
            // It ends before the look does, so that there is a verdict: the server says how far it came.
            let seconds = by.left().as_secs().saturating_sub(2).max(1);
            let line = format!(
                "{{ printf '{}'; yes '{LINE}' | head -c {bytes}; }} | timeout {seconds} {} {to} {port}",
                head("\\r\\n"),
                netcat(from),
            );
            let begun = Instant::now();
            let output = from.exec(&["sh", "-c", &line], by).await?;
            (output.stdout, begun.elapsed())
        }
    };
    let taken = intake.of(number);
    let transfer = Transfer {
        arrived: taken.bytes,
        last: taken.last,
        over,
        other: taken.other,
    };
    let answer = answer.lines().next().unwrap_or_default();
    Ok(transfer::judge(bytes, &transfer, answer))
}

/// Sends the head and the bytes, and reads what is answered meanwhile or afterwards.
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
    // Neither failure is the verdict: what arrived is.
    let _ = tokio::join!(sending, reading.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}
