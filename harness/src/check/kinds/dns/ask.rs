//! Asking for a name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};

use super::answer::{
    Answer, cut_short, hex_reply, may_be_cut_short, nslookup_server, parse_nslookup, parse_reply,
    parse_resolvectl, query,
};
use super::declared::RecordType;
use crate::check::looking::{ANSWER, as_words};
use crate::check::{ProbeError, Vantage, from_source, source};
use crate::deadline::Deadline;
use crate::guest::ssh::Output;
use crate::host::netns::Netns;

/// Answer where `timeout` ended the command, with status 124 (busybox's with 143).
const NO_ANSWER: &str = "no answer within 8 s";

pub(super) async fn resolve(
    name: &str,
    record: RecordType,
    server: Option<IpAddr>,
    source: Option<IpAddr>,
    from: &Vantage,
    by: Deadline,
) -> Result<Answer, ProbeError> {
    let kind = match record {
        RecordType::A => "-type=a",
        RecordType::Aaaa => "-type=aaaa",
    };
    if let (Vantage::Guest(_) | Vantage::Container { .. }, Some(server), Some(source)) =
        (from, server, source)
    {
        return ask_from(source, server, name, record, from, Transport::Udp, by).await;
    }
    match (from, server) {
        (Vantage::Machine(machine), Some(server)) => {
            ask_server(machine, name, record, server, source).await
        }
        (Vantage::Machine(machine), None) => Err(ProbeError::Impossible(format!(
            "machine `{}` has no resolver of its own: give the check a `server`",
            machine.name()
        ))),
        (Vantage::Guest(guest), None) if guest.spec().image.networkd => {
            let family = if record == RecordType::A { "-4" } else { "-6" };
            // `--cache=no`, since a cached answer would hide that the server is gone; `timeout`, since resolved itself gives up on a
            // dead server only after minutes.
            let words = [
                "timeout",
                "8",
                "resolvectl",
                "query",
                "--legend=no",
                "--cache=no",
                family,
                name,
            ];
            let output = from.exec(&words, by).await?;
            if output.status == Some(124) {
                return Ok(Answer::Silence(NO_ANSWER.to_owned()));
            }
            Ok(parse_resolvectl(
                &output.stdout,
                &output.stderr,
                output.success(),
            ))
        }
        (Vantage::Guest(_), server) => {
            let server = server.map(|server| server.to_string());
            let mut words = vec!["timeout", "8", "busybox", "nslookup", kind, name];
            words.extend(server.as_deref());
            let output = from.exec(&words, by).await?;
            looked_up(&output, name, record, from, by).await
        }
        (Vantage::Container { .. }, server) => {
            let server = server.map(|server| server.to_string());
            let mut words = vec!["timeout", "8", "nslookup", kind, name];
            words.extend(server.as_deref());
            let output = from.exec(&words, by).await?;
            looked_up(&output, name, record, from, by).await
        }
    }
}

/// Answer that busybox's nslookup printed. Where that may be only a part, the whole answer is asked for over TCP.
async fn looked_up(
    output: &Output,
    name: &str,
    record: RecordType,
    from: &Vantage,
    by: Deadline,
) -> Result<Answer, ProbeError> {
    if matches!(output.status, Some(124 | 143)) {
        return Ok(Answer::Silence(NO_ANSWER.to_owned()));
    }
    let answer = parse_nslookup(&output.stdout, &output.stderr);
    if !may_be_cut_short(name, record, &answer) {
        return Ok(answer);
    }
    let (Vantage::Guest(guest) | Vantage::Container { guest, .. }) = from else {
        return Ok(answer);
    };
    match nslookup_server(&output.stdout) {
        Some(server) if guest.spec().image.clients => {
            let any = any_of(server);
            ask_from(any, server, name, record, from, Transport::Tcp, by).await
        }
        _ => Err(ProbeError::Impossible(format!(
            "busybox's nslookup takes 512 bytes of an answer, and those of {name} are full: look from a guest with perl, \
             or from a machine"
        ))),
    }
}

/// Transport of a query (RFC 1035, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

/// Asks from a guest or a container, from the address `source`. An answer that is cut short in a datagram is asked for again over
/// TCP.
async fn ask_from(
    source: IpAddr,
    server: IpAddr,
    name: &str,
    record: RecordType,
    from: &Vantage,
    first: Transport,
    by: Deadline,
) -> Result<Answer, ProbeError> {
    let query = query(name, record).map_err(|e| ProbeError::Impossible(e.to_string()))?;
    if first == Transport::Udp {
        let words = from_source::ask(source, server, 53, &query);
        let output = from.exec_in_net(&as_words(&words), by).await?;
        if !output.success() {
            return Ok(unasked(Some(source), output.stderr.trim()));
        }
        match hex_reply(&output.stdout) {
            Ok(reply) if cut_short(&reply) => {}
            Ok(reply) => return Ok(parse_reply(&reply)),
            Err(answer) => return Ok(answer),
        }
    }
    let words = from_source::ask_over_tcp(source, server, 53, &query);
    let output = from.exec_in_net(&as_words(&words), by).await?;
    Ok(match output.success() {
        true => hex_reply(&output.stdout).map_or_else(|odd| odd, |all| parse_reply(&all)),
        false => only_a_part(output.stderr.trim()),
    })
}

/// Answer of which UDP brought a part and TCP nothing: this is neither silence nor an answer.
fn only_a_part(why: &str) -> Answer {
    Answer::Refused(format!(
        "the answer is too long for UDP, and over TCP it failed: {why}"
    ))
}

/// The unspecified address of the server's family, with which the kernel chooses where to send from.
fn any_of(server: IpAddr) -> IpAddr {
    match server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Answer where the query failed. With a source address that is not usable no query was sent, so a check that expects silence does
/// not hold.
fn unasked(source: Option<IpAddr>, why: &str) -> Answer {
    let explained = source::explained(source, why);
    match explained == why {
        true => Answer::Silence(explained),
        false => Answer::Refused(explained),
    }
}

async fn ask_server(
    machine: &Arc<Netns>,
    name: &str,
    record: RecordType,
    server: IpAddr,
    source: Option<IpAddr>,
) -> Result<Answer, ProbeError> {
    let query = query(name, record).map_err(|e| ProbeError::Impossible(e.to_string()))?;
    let from = source.unwrap_or_else(|| any_of(server));
    let ask = query.clone();
    let asked = machine
        .run(async move { tokio::time::timeout(ANSWER, over_udp(from, server, &ask)).await });
    let reply = match asked.await? {
        Ok(Ok(reply)) => reply,
        Ok(Err(e)) => return Ok(unasked(source, &e.to_string())),
        Err(_) => {
            let why = format!("{server} did not answer within {ANSWER:?}");
            return Ok(Answer::Silence(why));
        }
    };
    if !cut_short(&reply) {
        return Ok(parse_reply(&reply));
    }
    let asked = machine
        .run(async move { tokio::time::timeout(ANSWER, over_tcp(from, server, &query)).await });
    Ok(match asked.await? {
        Ok(Ok(reply)) => parse_reply(&reply),
        Ok(Err(error)) => only_a_part(&error.to_string()),
        Err(_) => only_a_part(&format!("no answer within {ANSWER:?}")),
    })
}

/// Sends the query in a datagram and returns the reply. Must run on the machine's thread, as [`over_tcp`].
async fn over_udp(from: IpAddr, server: IpAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect((server, 53)).await?;
    socket.send(query).await?;
    let mut reply = vec![0; usize::from(u16::MAX)];
    let len = socket.recv(&mut reply).await?;
    reply.truncate(len);
    Ok(reply)
}

/// Sends the query over TCP and returns the reply; each message has its length before it (RFC 1035, 4.2.2).
async fn over_tcp(from: IpAddr, server: IpAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let socket = match from {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind((from, 0).into())?;
    let mut stream = socket.connect((server, 53).into()).await?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&length.to_be_bytes()[..], query].concat())
        .await?;
    let mut reply = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}
