//! The part of a machine's DNS that fails on purpose: a server on its loopback, behind dnsmasq.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::net::UdpSocket;

use super::daemon::{Kept, MachineKeeper};
use crate::plan::dnsmasq::RESPONDER_PORT;
use crate::scenario::DnsFault;

/// For each name, what is wrong with its answer, and the right one.
type Responses = BTreeMap<String, (DnsFault, Vec<IpAddr>)>;

/// Binds the server on the calling machine's loopback and serves it on the current runtime. It answers when this returns.
///
/// # Errors
/// When the port cannot be bound.
pub(crate) async fn serve(keeper: MachineKeeper, responses: Responses) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, RESPONDER_PORT)).await?;
    let (socket, responses) = (Arc::new(socket), Arc::new(responses));
    keeper.work(Kept::DnsFaults, async move {
        let mut query = [0; 1500];
        loop {
            let (len, from) = match socket.recv_from(&mut query).await {
                Ok(received) => received,
                Err(error) => return error,
            };
            let Some((fault, reply)) = respond(&query[..len], &responses) else {
                tracing::debug!(%from, "a query that gets no answer");
                continue;
            };
            let socket = Arc::clone(&socket);
            tokio::spawn(async move {
                if let DnsFault::Late(time) = fault {
                    hold_back(time).await;
                }
                socket.send_to(&reply, from).await
            });
        }
    });
    Ok(())
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
    reply.set_flags(simple_dns::PacketFlag::RECURSION_DESIRED);
    reply.set_flags(simple_dns::PacketFlag::RECURSION_AVAILABLE);
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
                // Nobody may remember it: the next answer is to be as late.
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
