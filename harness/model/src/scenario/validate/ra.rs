//! Router advertisements, as far as dnsmasq can send them.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};

use super::Context;
use crate::scenario::error::code;
use crate::scenario::keys::{RA, RA_PREFIX};
use crate::scenario::read::{At, Reader};
use crate::scenario::{AdvertisedPrefix, RouterAdvertisement, dnsmasq_words, parse};

/// A router lifetime that is not said: half an hour, radvd's default.
const LIFETIME: u16 = 1800;
/// dnsmasq takes no shorter one, and says nothing (`option.c`: two minutes).
const SHORTEST: Duration = Duration::from_secs(120);

/// The addresses of the interface that is served; `None` where they are not known: what networkd sets is not.
pub(crate) type Served<'m> = Option<&'m [IpNet]>;

pub(crate) fn ra(
    context: &Context<'_>,
    dnsmasq: &Reader<'_>,
    served: Served<'_>,
) -> Option<RouterAdvertisement> {
    let reader = dnsmasq.table("ra", &RA)?;
    let enabled = reader.flag("enabled").unwrap_or(true);
    // What is not sent is at no fault: a lower layer's prefix may be there, and its address not.
    let served = if enabled { served } else { None };
    let managed = reader.flag("managed").unwrap_or(false);
    let alone = reader.word("prefix", parse::prefix_v6);
    let said = reader.tables("prefixes", &RA_PREFIX);
    let mut prefixes: Vec<AdvertisedPrefix> = said
        .iter()
        .filter_map(|reader| prefix(context, reader, served, managed))
        .collect();
    if said.is_empty() {
        let alone = match enabled {
            true => reader.need("prefix", alone),
            false => alone,
        };
        if let Some(alone) = &alone {
            can_be_advertised(context, alone, served);
        }
        prefixes.extend(alone.map(|prefix| AdvertisedPrefix::usual(prefix.value)));
    }
    let other = reader.flag("other");
    if managed && other == Some(false) {
        let label = "a server that gives addresses gives the rest as well";
        reader.conflict("other", "`other = false` beside `managed`", label);
    }
    let ra = RouterAdvertisement {
        prefixes,
        rdnss: reader.values("rdnss", parse::ipv6),
        lifetime: reader.number::<u16>("lifetime").unwrap_or(LIFETIME),
        managed,
        other: other.unwrap_or(false) || managed,
    };
    (enabled && !ra.prefixes.is_empty()).then_some(ra)
}

fn prefix(
    context: &Context<'_>,
    reader: &Reader<'_>,
    served: Served<'_>,
    managed: bool,
) -> Option<AdvertisedPrefix> {
    let prefix = reader.need("prefix", reader.word("prefix", parse::prefix_v6))?;
    can_be_advertised(context, &prefix, served);
    let usual = AdvertisedPrefix::usual(prefix.value);
    let lifetime = reader.word("valid_lifetime", dnsmasq_words::lifetime);
    let deprecated = reader.flag("deprecated").unwrap_or(false);
    let autonomous = reader.flag("autonomous").unwrap_or(true);
    let fault = |place, message: &str, label: &str| context.faults.conflict(place, message, label);
    if let Some(lifetime) = &lifetime {
        if lifetime.value < SHORTEST {
            let message = "`valid_lifetime` is shorter than dnsmasq makes any";
            fault(lifetime.place, message, "must be at least `2m`");
        }
        if deprecated {
            let message = "a deprecated prefix has no `valid_lifetime` of its own";
            fault(lifetime.place, message, "dnsmasq takes either");
        }
    }
    if !autonomous && !managed {
        let message = "a prefix without SLAAC needs `managed`";
        let help =
            "dnsmasq clears the A flag only of a prefix that it gives addresses of by DHCPv6";
        let label = "nobody would have an address in it";
        fault(prefix.place, message, label).help(help);
    }
    Some(AdvertisedPrefix {
        lifetime: lifetime.map_or(usual.lifetime, |lifetime| lifetime.value),
        deprecated,
        autonomous,
        on_link: reader.flag("on_link").unwrap_or(true),
        ..usual
    })
}

/// dnsmasq would advertise nothing, and say nothing, where the interface has no address in the prefix.
fn can_be_advertised(context: &Context<'_>, prefix: &At<'_, Ipv6Net>, served: Served<'_>) {
    let within = |address: IpAddr| match address {
        IpAddr::V6(address) => prefix.value.contains(&address),
        IpAddr::V4(_) => false,
    };
    if served.is_none_or(|addresses| addresses.iter().any(|one| within(one.addr()))) {
        return;
    }
    let message = format!("`{}` is a prefix that cannot be advertised", prefix.value);
    let (code, label) = (code::BAD_VALUE, "the interface has no address in it");
    let help = "dnsmasq advertises a prefix where it has an address of it";
    (context.faults.report(prefix.place, code, message, label)).help(help);
}
