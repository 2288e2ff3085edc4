//! Asking for a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use tokio::net::UdpSocket;

use super::{ANSWER, as_words, from_source};
use crate::check::{ProbeError, Vantage, dns, source};
use crate::deadline::Deadline;
use crate::host::netns::Netns;
use crate::scenario::RecordType;

/// What `timeout` ends with status 124, busybox's with 143.
const NO_ANSWER: &str = "no answer within 8 s";

pub(super) async fn resolve(
    name: &str,
    record: RecordType,
    server: Option<IpAddr>,
    source: Option<IpAddr>,
    from: &Vantage,
    by: Deadline,
) -> Result<dns::Answer, ProbeError> {
    let kind = match record {
        RecordType::A => "-type=a",
        RecordType::Aaaa => "-type=aaaa",
    };
    if let (Vantage::Guest(_) | Vantage::Container { .. }, Some(server), Some(source)) =
        (from, server, source)
    {
        return ask_from(source, server, name, record, from, by).await;
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
            // A cached answer would hide that the server is gone.
            // resolved itself gives up on a dead server only after minutes.
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
                return Ok(dns::Answer::Silence(NO_ANSWER.to_owned()));
            }
            Ok(dns::parse_resolvectl(
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
            Ok(match output.status {
                Some(124 | 143) => dns::Answer::Silence(NO_ANSWER.to_owned()),
                _ => dns::parse_nslookup(&output.stdout, &output.stderr),
            })
        }
        (Vantage::Container { .. }, server) => {
            let server = server.map(|server| server.to_string());
            let mut words = vec!["timeout", "8", "nslookup", kind, name];
            words.extend(server.as_deref());
            let output = from.exec(&words, by).await?;
            Ok(match output.status {
                Some(124 | 143) => dns::Answer::Silence(NO_ANSWER.to_owned()),
                _ => dns::parse_nslookup(&output.stdout, &output.stderr),
            })
        }
    }
}

/// Asks from a guest or a container, from that address.
async fn ask_from(
    source: IpAddr,
    server: IpAddr,
    name: &str,
    record: RecordType,
    from: &Vantage,
    by: Deadline,
) -> Result<dns::Answer, ProbeError> {
    let query = dns::query(name, record).map_err(ProbeError::Impossible)?;
    let words = from_source::ask(source, server, 53, &query);
    let output = from.exec_in_net(&as_words(&words), by).await?;
    Ok(match output.success() {
        true => dns::parse_hex_reply(&output.stdout),
        false => unasked(Some(source), output.stderr.trim()),
    })
}

/// Why there is no answer. Without an address to ask from nothing was asked, and whoever waits for silence has not seen it.
fn unasked(source: Option<IpAddr>, why: &str) -> dns::Answer {
    let explained = source::explained(source, why);
    match explained == why {
        true => dns::Answer::Silence(explained),
        false => dns::Answer::Refused(explained),
    }
}

async fn ask_server(
    machine: &Arc<Netns>,
    name: &str,
    record: RecordType,
    server: IpAddr,
    source: Option<IpAddr>,
) -> Result<dns::Answer, ProbeError> {
    let query = dns::query(name, record).map_err(ProbeError::Impossible)?;
    let asked = machine.run(async move {
        let any = match server {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let exchange = async {
            let socket = UdpSocket::bind((source.unwrap_or(any), 0)).await?;
            socket.connect((server, 53)).await?;
            socket.send(&query).await?;
            let mut reply = vec![0; 1500];
            let len = socket.recv(&mut reply).await?;
            reply.truncate(len);
            Ok::<_, std::io::Error>(reply)
        };
        tokio::time::timeout(ANSWER, exchange).await
    });
    Ok(match asked.await? {
        Ok(Ok(reply)) => dns::parse_reply(&reply),
        Ok(Err(e)) => unasked(source, &e.to_string()),
        Err(_) => dns::Answer::Silence(format!("{server} did not answer within {ANSWER:?}")),
    })
}
