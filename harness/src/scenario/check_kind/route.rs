//! `ip route` has a route.

use std::net::IpAddr;

use ipnet::IpNet;

use super::asked::{Asked, Declared, Looks};
use super::keys::ABSENT;
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;
use crate::scenario::validate::same_family;

/// `ip route` has a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub to: IpNet,
    /// Next hop, when it matters.
    pub via: Option<IpAddr>,
    /// Routing protocol (`static`, `ra`, `kernel`), when it matters.
    pub proto: Option<String>,
    /// Interface, when it matters.
    pub dev: Option<IfName>,
    /// Metric, when it matters.
    pub metric: Option<u32>,
    /// There must be no such route.
    pub absent: bool,
}

impl Declared for Route {
    const KEYS: TableKeys = table_keys(
        "route",
        "the route is there",
        &[
            must("to", KeyType::PREFIX, "destination"),
            may("via", KeyType::IP, "any", "next hop"),
            may(
                "proto",
                KeyType::Words(&["kernel", "boot", "static", "ra", "dhcp", "redirect"]),
                "any",
                "who made it, as `ip route` says it",
            ),
            may("dev", KeyType::INTERFACE, "any", "interface"),
            may(
                "metric",
                KeyType::Integer(0, 4_294_967_295),
                "any",
                "metric",
            ),
            ABSENT,
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let to = reader.need("to", reader.word("to", parse::prefix));
        let via = reader.word("via", parse::ip);
        let proto = reader.word("proto", parse::route_proto);
        let dev = asked.interface_at("dev");
        let metric = reader.number::<u32>("metric");
        let absent = reader.flag("absent").unwrap_or(false);
        let to = to?.value;
        if let Some(via) = &via {
            same_family(context, &to, via);
        }
        Some(Self {
            to,
            via: via.map(|via| via.value),
            proto: proto.map(|proto| proto.value),
            dev,
            metric,
            absent,
        })
    }
}
