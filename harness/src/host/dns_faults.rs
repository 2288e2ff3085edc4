//! The part of a machine's DNS that fails on purpose: a server on its loopback, behind dnsmasq.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::daemon::{Kept, MachineKeeper};
use super::http::of_one_connection;
use crate::plan::dnsmasq::RESPONDER_PORT;
use crate::scenario::DnsFault;

/// Longest answer over UDP, in bytes, for a client that does not say that it takes more (RFC 1035, 4.2.1).
const UDP_LIMIT: u16 = 512;

/// For each name, what is wrong with its answer, and the right one.
type Responses = BTreeMap<String, (DnsFault, Vec<IpAddr>)>;

/// Binds the server on the calling machine's loopback and serves it on the current runtime. It answers when this returns.
///
/// # Errors
/// When the port cannot be bound.
pub(crate) async fn serve(keeper: MachineKeeper, responses: Responses) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, RESPONDER_PORT)).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, RESPONDER_PORT)).await?;
    let (socket, responses) = (Arc::new(socket), Arc::new(responses));
    let known = Arc::clone(&responses);
    keeper.work(Kept::DnsFaults, async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let known = Arc::clone(&known);
                    tokio::spawn(async move { over_tcp(stream, &known).await });
                }
                Err(error) if of_one_connection(&error) => {}
                Err(error) => return error,
            }
        }
    });
    keeper.work(Kept::DnsFaults, async move {
        let mut buffer = [0; 1500];
        loop {
            let (len, from) = match socket.recv_from(&mut buffer).await {
                Ok(received) => received,
                Err(error) => return error,
            };
            let query = buffer[..len].to_vec();
            let Some((fault, reply)) = respond(&query, &responses) else {
                tracing::debug!(%from, "a query that gets no answer");
                continue;
            };
            let socket = Arc::clone(&socket);
            tokio::spawn(async move {
                if let DnsFault::Late(time) = fault {
                    hold_back(time).await;
                }
                let reply = cut_for_udp(&query, reply).unwrap_or_default();
                socket.send_to(&reply, from).await
            });
        }
    });
    Ok(())
}

/// Serves one connection, with a length before each message (RFC 1035, 4.2.2). A query that gets no answer leaves the
/// connection open.
async fn over_tcp(mut stream: TcpStream, responses: &Responses) -> io::Result<()> {
    loop {
        let mut query = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut query).await?;
        let Some((fault, reply)) = respond(&query, responses) else {
            continue;
        };
        if let DnsFault::Late(time) = fault {
            hold_back(time).await;
        }
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        let message = [&length.to_be_bytes()[..], &reply].concat();
        stream.write_all(&message).await?;
    }
}

/// Replaces an answer that is longer than the client takes over UDP by one without records, with the flag that says so
/// (TC).
fn cut_for_udp(query: &[u8], reply: Vec<u8>) -> Option<Vec<u8>> {
    let query = Packet::parse(query).ok()?;
    let takes = query.opt().map_or(UDP_LIMIT, |opt| opt.udp_packet_size);
    if reply.len() <= usize::from(takes.max(UDP_LIMIT)) {
        return Some(reply);
    }
    let mut cut = Packet::parse(&reply).ok()?;
    cut.answers.clear();
    cut.set_flags(PacketFlag::TRUNCATION);
    cut.build_bytes_vec().ok()
}

/// Nothing is waited for here: the time is what the scenario asks for.
#[expect(
    clippy::disallowed_methods,
    reason = "lateness is the fault that is made, not a wait for a fact"
)]
async fn hold_back(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The reply to a query, and what is wrong with it; `None` where there is none.
fn respond(query: &[u8], responses: &Responses) -> Option<(DnsFault, Vec<u8>)> {
    let query = Packet::parse(query).ok()?;
    let question = query.questions.first()?.clone();
    let asked = question.qname.to_string().to_ascii_lowercase();
    let known = responses.get(asked.trim_end_matches('.'));
    let (fault, right) = known.map_or((DnsFault::Refused, &[][..]), |(fault, right)| {
        (*fault, right.as_slice())
    });
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_DESIRED);
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    *reply.rcode_mut() = match fault {
        DnsFault::NoAnswer => return None,
        DnsFault::ServFail => RCODE::ServerFailure,
        DnsFault::NxDomain => RCODE::NameError,
        DnsFault::Refused => RCODE::Refused,
        DnsFault::Late(_) => RCODE::NoError,
    };
    if matches!(fault, DnsFault::Late(_)) {
        for address in right {
            let (kind, data) = match address {
                IpAddr::V4(address) => (TYPE::A, RData::A((*address).into())),
                IpAddr::V6(address) => (TYPE::AAAA, RData::AAAA((*address).into())),
            };
            if question.qtype == QTYPE::TYPE(kind) {
                // The time to live is 0, so that no resolver remembers the answer: the next one is to be as late.
                let name = question.qname.clone();
                let record = ResourceRecord::new(name, CLASS::IN, 0, data);
                reply.answers.push(record);
            }
        }
    }
    reply.questions.push(question);
    Some((fault, reply.build_bytes_vec().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::{Name, Question};
    use std::time::Duration;

    fn query(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(7);
        let name = Name::new(name).expect("a name");
        let question = Question::new(name, kind.into(), CLASS::IN.into(), false);
        packet.questions.push(question);
        packet.build_bytes_vec().expect("a query")
    }

    fn responses() -> Responses {
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|one| one.parse().expect("an address"));
        BTreeMap::from([
            ("bad.test".to_owned(), (DnsFault::ServFail, Vec::new())),
            ("mute.test".to_owned(), (DnsFault::NoAnswer, Vec::new())),
            (
                "slow.test".to_owned(),
                (DnsFault::Late(Duration::from_secs(2)), addresses.to_vec()),
            ),
        ])
    }

    fn rcode(name: &str) -> RCODE {
        let (_, reply) = respond(&query(name, TYPE::A), &responses()).expect("a reply");
        Packet::parse(&reply).expect("a packet").rcode()
    }

    #[test]
    fn each_name_fails_as_it_is_told() {
        assert_eq!(rcode("bad.test"), RCODE::ServerFailure);
        assert_eq!(rcode("BAD.test"), RCODE::ServerFailure);
        assert_eq!(rcode("other.test"), RCODE::Refused);
        assert!(respond(&query("mute.test", TYPE::A), &responses()).is_none());
        assert!(respond(b"no packet", &responses()).is_none());
    }

    #[test]
    fn an_answer_is_cut_where_it_does_not_fit() {
        let addresses = (0..40).map(|n| [10, 0, 0, n].into()).collect();
        let late = DnsFault::Late(Duration::from_secs(1));
        let responses = BTreeMap::from([("many.test".to_owned(), (late, addresses))]);
        let plain = query("many.test", TYPE::A);
        let (_, whole) = respond(&plain, &responses).expect("an answer");
        let mut packet = Packet::parse(&plain).expect("a query");
        let answers = |bytes: &[u8]| {
            let packet = Packet::parse(bytes).expect("a packet");
            (
                packet.answers.len(),
                packet.has_flags(PacketFlag::TRUNCATION),
            )
        };
        assert_eq!(answers(&whole), (40, false));
        let cut = cut_for_udp(&plain, whole.clone()).expect("an answer");
        assert_eq!(answers(&cut), (0, true));
        assert!(cut.len() <= usize::from(UDP_LIMIT));
        // EDNS (RFC 6891): it takes more.
        *packet.opt_mut() = Some(simple_dns::rdata::OPT {
            opt_codes: Vec::new(),
            udp_packet_size: 1232,
            version: 0,
        });
        let asked = packet.build_bytes_vec().expect("a query");
        let all = cut_for_udp(&asked, whole).expect("an answer");
        assert_eq!(answers(&all), (40, false));
    }

    #[test]
    fn a_late_answer_is_the_right_one_and_not_to_be_remembered() {
        for (kind, count) in [(TYPE::A, 1), (TYPE::AAAA, 1), (TYPE::MX, 0)] {
            let (fault, reply) = respond(&query("slow.test", kind), &responses()).expect("one");
            assert_eq!(fault, DnsFault::Late(Duration::from_secs(2)));
            let reply = Packet::parse(&reply).expect("a packet");
            assert_eq!((reply.id(), reply.rcode()), (7, RCODE::NoError));
            assert_eq!(reply.answers.len(), count, "{kind:?}");
            assert!(reply.answers.iter().all(|record| record.ttl == 0));
        }
    }
}
