//! The address that a check's packets are sent from.

use std::net::IpAddr;

use super::{Context, From};
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader};
use crate::scenario::{VantagePoint, parse};

/// Reads `source` of a check whose packets go `to` there, and reports one that cannot be sent from.
pub(crate) fn source(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
    to: Option<&At<'_, IpAddr>>,
) -> Option<IpAddr> {
    reader.entry("source")?;
    let kind = reader.table_keys.what;
    if let Some(why) = no_choice(context, kind, from) {
        let message = format!("`source` of `{kind}` cannot be asked for from here");
        let help = match kind {
            "ssh" => "look from a machine, or with `tcp` at port 22",
            _ => "look from a machine or a guest with the image `debian`",
        };
        reader.conflict("source", message, why).help(help);
    }
    let source = reader.word("source", parse::ip)?;
    let address = source.value;
    let wrong = match to {
        Some(to) if to.value.is_ipv4() != address.is_ipv4() => Some((
            format!("`{address}` cannot send to `{}`", to.value),
            "of the other family",
        )),
        _ => unfit(address).map(|why| (format!("`{address}` is no address to send from"), why)),
    };
    if let Some((message, label)) = wrong {
        context.faults.conflict(source.place, message, label);
    }
    Some(address)
}

/// Why no machine can be told to send from it.
fn unfit(address: IpAddr) -> Option<&'static str> {
    let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    match address {
        _ if address.is_unspecified() => {
            Some("it leaves the choice to the kernel, as no `source` does")
        }
        IpAddr::V4(v4) if v4.is_broadcast() => Some("it stands for all machines"),
        _ if address.is_multicast() => Some("it stands for a group of machines"),
        // bind(2): `EINVAL` without `sin6_scope_id`.
        _ if link_local => Some("a link-local one needs its interface beside it"),
        _ => None,
    }
}

/// Why what looks from there takes no address to send from.
fn no_choice(context: &Context<'_>, kind: &str, from: From<'_, '_>) -> Option<String> {
    let VantagePoint::Guest(name) = &from?.value else {
        // A container's network is looked at with its guest's programs.
        return None;
    };
    let image = context.known.guests.get(name.as_str())?.image;
    let provides = Provides::of(image.unwrap_or("debian"));
    match kind {
        // Of iputils and of busybox, both do.
        "ping" => None,
        "ssh" => Some("a guest looks with `ssh-keyscan`, which takes none".to_owned()),
        _ => (!provides.clients).then(|| {
            let image = provides.image;
            format!("the image `{image}` has busybox's programs, which take none")
        }),
    }
}
