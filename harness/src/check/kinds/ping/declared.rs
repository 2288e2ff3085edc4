//! ICMP echoes: `ping -c COUNT -s SIZE -i INTERVAL -I SOURCE -M do TO`.

use std::net::IpAddr;
use std::time::Duration;

use crate::check::kind::{Asks, Flow};
use crate::scenario::check_kind::{Asked, Declared, Looks, SOURCE};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::provides::Provides;
use crate::scenario::validate::{Context, From};
use crate::scenario::{VantagePoint, parse};

/// Longest time that one look may take.
const LONGEST_PING: Duration = Duration::from_secs(60);

/// ICMP echoes: `ping -c COUNT -s SIZE -i INTERVAL -I SOURCE -M do TO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Address to ping, v4 or v6.
    pub to: IpAddr,
    /// How many requests one look sends.
    pub count: u16,
    /// Bytes of data; ping's 56 when absent. The packet is 28 bytes longer, with IPv6 48.
    pub size: Option<u16>,
    /// Set IPv4's "don't fragment" and do not fragment at the source either.
    pub df: bool,
    /// Address to send from.
    pub source: Option<IpAddr>,
    /// Time between two requests.
    pub interval: Duration,
    /// Smallest and largest share of requests that may stay without a reply, in percent.
    pub loss: (u8, u8),
}

impl Ping {
    /// What one look sends.
    pub(super) fn sends(&self) -> Flow {
        let size = self.size.unwrap_or(56);
        Flow {
            asks: Asks::Echo,
            to: Some(self.to),
            source: self.source,
            size: (self.size.is_some() || self.df).then_some((size, self.df)),
        }
    }

    /// The same, with one request.
    pub(super) fn once(&self) -> Self {
        Self {
            count: 1,
            loss: (0, 0),
            ..self.clone()
        }
    }
}

impl Declared for Ping {
    const KEYS: TableKeys = table_keys(
        "ping",
        "so many percent of the requests as `loss` says stay without a reply",
        &[
            must("to", KeyType::IP, "address"),
            may("count", KeyType::Integer(1, 1000), "1", "requests"),
            may("size", KeyType::Integer(0, 65_507), "56", "bytes of data"),
            may("df", KeyType::Flag, "false", "do not fragment"),
            SOURCE,
            may("interval", KeyType::TIME, "\"1s\"", "between two requests"),
            may(
                "loss",
                KeyType::Range(0, 100),
                "[0, 0]",
                "so many percent stay without a reply, at least and at most; one number is the most",
            ),
        ],
    );
    const HOLDS: &'static str = "so many percent of the requests, at least and at most, stay without a reply; one number is the most";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
            ..
        } = *asked;
        let to = reader.need("to", reader.word("to", parse::ip));
        let count = reader.number::<u16>("count").unwrap_or(1);
        let size = reader.number::<u16>("size");
        let df = reader.flag("df").unwrap_or(false);
        let source = asked.source(to.as_ref());
        let interval = reader.word("interval", parse::duration);
        let loss = reader.bounds("loss");
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
        Some(Self {
            to: to?.value,
            count,
            size,
            df,
            source,
            interval: time,
            loss,
        })
    }
}

/// Why this vantage has only busybox's ping, which cannot set "don't fragment"; `None`: it has that of iputils.
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
