//! A name resolves, or does not in the named way: `resolvectl query NAME`, or `dig @SERVER NAME`.

use std::net::IpAddr;

use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, first_of_each, may, must, table_keys};
use crate::scenario::parse::one_of;
use crate::scenario::read::{Bad, Reader};
use crate::scenario::validate::{Context, From};
use crate::scenario::{VantagePoint, parse};

/// A name resolves, or does not in the named way: `resolvectl query NAME`, or `dig @SERVER NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// Name to look up.
    pub name: String,
    /// `A` or `AAAA`.
    pub record: RecordType,
    /// Ask this server directly; `None`: the vantage's own resolver.
    pub server: Option<IpAddr>,
    /// Address to ask that server from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// The answer.
    pub expect: DnsExpect,
}

/// DNS record types a check can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
}

/// What a resolver must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsExpect {
    /// Exactly these addresses, in any order; none: the name has no record of the kind.
    Addresses(Vec<IpAddr>),
    /// An error, by its name in RFC 1035 and the registry of `RCODE`s: `NXDOMAIN`, `SERVFAIL`, `REFUSED`, ...
    Rcode(String),
    /// Nobody answers.
    Silence,
}

const RECORDS: [(&str, RecordType); 2] = [("A", RecordType::A), ("AAAA", RecordType::Aaaa)];
const RCODES: [&str; 6] = [
    "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "none",
];

impl Declared for Dns {
    const KEYS: TableKeys = table_keys(
        "dns",
        "the answer is exactly these addresses",
        &[
            must("name", KeyType::Like("host name", ""), "what is asked for"),
            must(
                "record",
                KeyType::Words(&first_of_each(&RECORDS)),
                "record type",
            ),
            may(
                "server",
                KeyType::IP,
                "the vantage's own resolver",
                "who is asked",
            ),
            may(
                "source",
                KeyType::IP,
                "the kernel's choice",
                "address of the vantage to ask from, with `server`",
            ),
            may(
                "expect",
                KeyType::List(&KeyType::IP),
                "none, with `rcode`",
                "the addresses, in any order",
            ),
            may(
                "rcode",
                KeyType::Words(&RCODES),
                "none, with `expect`",
                "response code; `\"none\"`: nobody answers",
            ),
        ],
    );
    const HOLDS: &'static str = "`expect`: the answer is exactly these addresses, `[]`: none of this kind; `rcode`: `\"NXDOMAIN\"`, `\"SERVFAIL\"`, `\"REFUSED\"`, `\"FORMERR\"`, `\"NOTIMP\"`, or `\"none\"`: nobody answers";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
            ..
        } = *asked;
        let name = reader.need("name", reader.word("name", parse::dns_name));
        let record = reader.need("record", reader.meaning("record", &RECORDS));
        let server = reader.word("server", parse::ip);
        if reader.entry("server").is_none() {
            needs_server(context, reader, from);
        }
        let source = asked.source(server.as_ref());
        let addresses = reader.words("expect", parse::ip);
        let rcode = reader.word("rcode", rcode);
        if let Some(record) = &record {
            for address in &addresses {
                let (letters, family) = match record.value {
                    RecordType::A => ("A", "IPv4"),
                    RecordType::Aaaa => ("AAAA", "IPv6"),
                };
                if address.value.is_ipv4() != (record.value == RecordType::A) {
                    let message = format!("an {letters} record never holds `{}`", address.value);
                    let label = format!("must be an {family} address");
                    context
                        .faults
                        .add(Fault::new(address.place, code::CONFLICT, message, label));
                }
            }
        }
        let expect = match (reader.entry("rcode"), reader.entry("expect")) {
            (None, _) => {
                reader.need("expect", Some(()));
                let addresses = addresses.into_iter().map(|address| address.value);
                DnsExpect::Addresses(addresses.collect())
            }
            (Some(_), Some(entry)) => {
                let message = "a response with an error has no addresses".to_owned();
                let label = "and `rcode`".to_owned();
                let fault = Fault::new(&entry.key, code::CONFLICT, message, label);
                context.faults.add(fault);
                return None;
            }
            (Some(_), None) => match rcode?.value {
                none if none == "none" => DnsExpect::Silence,
                code => DnsExpect::Rcode(code),
            },
        };
        Some(Self {
            name: name?.value,
            record: record?.value,
            server: server.map(|server| server.value),
            source,
            expect,
        })
    }
}

/// Reports a check that cannot do without `server`.
fn needs_server(context: &Context<'_>, reader: &Reader<'_>, from: From<'_, '_>) {
    let (place, message) = match (from.map(|from| &from.value), reader.entry("source")) {
        (Some(VantagePoint::Machine(machine)), _) => {
            let message = format!("machine `{machine}` has no resolver of its own");
            (reader.place, message)
        }
        (_, Some(source)) => {
            let message = "a resolver of its own chooses the address that it asks from".to_owned();
            (&source.key, message)
        }
        (_, None) => return,
    };
    let label = "`server` is missing".to_owned();
    let help = "name the server to ask, for example `server = \"192.168.1.1\"`".to_owned();
    let fault = Fault::new(place, code::MISSING_KEY, message, label);
    context.faults.add(fault.help(help));
}

fn rcode(text: &str) -> Result<String, Bad> {
    let known = RCODES.map(|code| (code, code));
    let code = one_of(text, "rcode", &known).map(str::to_owned);
    code.map_err(|fault| match text {
        "NOERROR" => {
            fault.help("`expect` has the answer; `expect = []`: the name has no such record")
        }
        _ => fault,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_error_is_said_by_its_addresses() {
        assert!(rcode("NXDOMAIN").is_ok() && rcode("none").is_ok());
        let fault = rcode("NOERROR").expect_err("no error to name");
        assert!(fault.help.is_some_and(|help| help.contains("expect")));
    }
}
