//! Kinds of checks that send something, or look at what is on a wire.

use std::time::Duration;

use super::Context;
use super::kinds::{From, captured};
use super::local_kinds::bounds;
use super::source::source;
use crate::scenario::bytes_page::MOST_BYTES;
use crate::scenario::check_kind;
use crate::scenario::error::{Fault, code};
use crate::scenario::facts::Filter;
use crate::scenario::provides::Provides;
use crate::scenario::read::Reader;
use crate::scenario::{
    CheckKind, DnsExpect, Packet, Ping, RecordType, VantagePoint, states, words,
};

/// Longest time that one look at `ping` may take.
const LONGEST_PING: Duration = Duration::from_secs(60);

pub(super) fn ping(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::ip));
    let count = reader.number("count", 1..=1000_u16).unwrap_or(1);
    let size = reader.number("size", 0..=65_507_u16);
    let df = reader.flag("df").unwrap_or(false);
    let source = source(context, reader, "ping", from, to.as_ref());
    let interval = reader.word("interval", words::duration);
    let loss = reader.bounds("loss", 0..=100);
    let time = interval
        .as_ref()
        .map_or(Duration::from_secs(1), |time| time.value);
    if let Some(at) = &interval
        && time < Duration::from_millis(10)
    {
        let message = "`interval` is out of range".to_owned();
        let label = "must be at least `10ms`".to_owned();
        context
            .faults
            .add(Fault::new(at.place, code::BAD_VALUE, message, label));
    }
    if count == 1
        && let Some(entry) = reader.entry("interval")
    {
        let message = "`interval` of a single request".to_owned();
        let label = "between which two?".to_owned();
        let fault = Fault::new(&entry.key, code::CONFLICT, message, label);
        let help = "give it a `count` as well".to_owned();
        context.faults.add(fault.help(help));
    }
    if time * u32::from(count) > LONGEST_PING {
        let place = reader
            .entry("count")
            .map_or(reader.place, |entry| &entry.key);
        let message = "one look at this `ping` takes longer than a minute".to_owned();
        let label = format!("{count} times {}", humantime::format_duration(time));
        let help = "fewer requests, or a shorter `interval`".to_owned();
        let fault = Fault::new(place, code::BAD_VALUE, message, label);
        context.faults.add(fault.help(help));
    }
    if let Some(why) = no_iputils(context, from)
        && let Some(entry) = reader.entry("df")
    {
        let message = "`df` cannot be asked for from here".to_owned();
        let help = "look from a machine or a guest with the image `debian`".to_owned();
        let fault = Fault::new(&entry.key, code::CONFLICT, message, why);
        context.faults.add(fault.help(help));
    }
    let percent = |value: u32| u8::try_from(value).unwrap_or(100);
    let loss = match loss {
        None => (0, 0),
        // One number is the most that may be lost.
        Some((most, None)) => (0, percent(most)),
        Some((least, Some(most))) => (percent(least), percent(most)),
    };
    Some(CheckKind::Ping(Ping {
        to: to?.value,
        count,
        size,
        df,
        source,
        interval: time,
        loss,
    }))
}

/// Why the ping of this vantage is busybox's, which cannot set "don't fragment".
fn no_iputils(context: &Context<'_>, from: From<'_, '_>) -> Option<String> {
    match &from?.value {
        VantagePoint::Machine(_) => None,
        VantagePoint::Guest(name) => {
            let image = context.known.guests.get(name.as_str())?.image;
            let provides = Provides::of(image.unwrap_or("debian"));
            let image = provides.image;
            (!provides.tools).then(|| format!("the image `{image}` has busybox's ping"))
        }
        VantagePoint::Container(..) => Some("a container has busybox's ping".to_owned()),
    }
}

pub(super) fn dns(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let name = reader.need("name", reader.word("name", words::dns_name));
    let record = reader.need("record", reader.word("record", words::record_type));
    let server = reader.word("server", words::ip);
    if reader.entry("server").is_none() {
        needs_server(context, reader, from);
    }
    let source = source(context, reader, "dns", from, server.as_ref());
    let addresses = reader.words("expect", words::ip);
    let rcode = reader.word("rcode", states::rcode);
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
    Some(CheckKind::Dns(check_kind::Dns {
        name: name?.value,
        record: record?.value,
        server: server.map(|server| server.value),
        source,
        expect,
    }))
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

pub(super) fn tcp(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::ip));
    let port = reader.need("port", reader.number("port", 1..=u16::MAX));
    let source = source(context, reader, "tcp", from, to.as_ref());
    let bytes = reader.number("bytes", 1..=MOST_BYTES);
    Some(CheckKind::Tcp(check_kind::Tcp {
        to: to?.value,
        port: port?,
        source,
        bytes,
    }))
}

pub(super) fn http(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::ip));
    let port = reader.number("port", 1..=u16::MAX).unwrap_or(80);
    let source = source(context, reader, "http", from, to.as_ref());
    let expect = reader.text("expect");
    let bytes = reader.number("bytes", 1..=MOST_BYTES);
    if let (Some(_), Some(entry)) = (reader.entry("bytes"), reader.entry("expect")) {
        let message = "the page of so many bytes has no words".to_owned();
        let label = "and `bytes`".to_owned();
        context
            .faults
            .add(Fault::new(&entry.key, code::CONFLICT, message, label));
    }
    Some(CheckKind::Http(check_kind::Http {
        to: to?.value,
        port,
        source,
        expect: expect.map_or(String::new(), |text| text.value.to_owned()),
        bytes,
    }))
}

pub(super) fn packet(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let interface = captured(context, reader, from);
    let filter = reader.need("filter", reader.text("filter"));
    let count = reader.bounds("count", 0..=u32::MAX).unwrap_or((1, None));
    let last = reader.word("last", words::duration);
    let since = reader.word("since", states::since);
    Some(CheckKind::Packet(Packet {
        interface: interface?,
        filter: filter.map(|text| Filter::new(text.value, text.place))?,
        count: bounds(count),
        last: last.map(|time| time.value),
        since_check: since.is_some_and(|since| since.value),
        says: reader
            .text("says")
            .map_or(String::new(), |words| words.value.to_owned()),
    }))
}
