//! Routes and rules: `ip -j -d route show table all`, `ip -j rule show`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// A route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct Route {
    /// `unicast`, `local`, `blackhole`, ...; empty: `unicast`.
    #[serde(rename = "type")]
    pub(in crate::diagnosis) kind: String,
    /// Destination: `default`, an address or a prefix.
    pub(in crate::diagnosis) dst: String,
    /// Next hop.
    pub(in crate::diagnosis) gateway: Option<IpAddr>,
    /// Next hop of the other family.
    pub(in crate::diagnosis) via: Option<Via>,
    /// Link.
    pub(in crate::diagnosis) dev: Option<String>,
    /// Table; `None`: `main`.
    pub(in crate::diagnosis) table: Option<String>,
    /// `kernel`, `static`, `ra`, ...
    pub(in crate::diagnosis) protocol: String,
    /// Of several routes the one with the lowest is taken.
    pub(in crate::diagnosis) metric: u32,
    /// Source address that it prefers.
    pub(in crate::diagnosis) prefsrc: Option<IpAddr>,
    /// `dead`, `linkdown`, `onlink`.
    pub(in crate::diagnosis) flags: Vec<String>,
    /// Where it has several.
    pub(in crate::diagnosis) nexthops: Vec<NextHop>,
    /// Whether it is one of IPv6.
    #[serde(skip)]
    pub(super) v6: Option<bool>,
}

/// A next hop of another family than the route's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::diagnosis) struct Via {
    host: IpAddr,
}

/// One of several next hops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct NextHop {
    gateway: Option<IpAddr>,
    dev: Option<String>,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct Rule {
    pub(super) priority: u32,
    pub(super) src: String,
    pub(super) srclen: Option<u8>,
    pub(super) dst: Option<String>,
    pub(super) dstlen: Option<u8>,
    pub(super) iif: Option<String>,
    pub(super) oif: Option<String>,
    pub(super) fwmark: Option<String>,
    pub(super) table: Option<String>,
    pub(super) action: Option<String>,
    /// Whether it is one of IPv6.
    #[serde(skip)]
    pub(super) v6: bool,
}

impl Route {
    /// Destination with its prefix; `None`: it is of the other family.
    pub(in crate::diagnosis) fn net(&self, v6: bool) -> Option<IpNet> {
        let any = if v6 { "::/0" } else { "0.0.0.0/0" };
        let net = match self.dst.as_str() {
            "default" => any.parse().ok(),
            text => match text.parse() {
                Ok(net) => Some(net),
                Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
            },
        };
        net.filter(|net: &IpNet| matches!(net, IpNet::V6(_)) == v6)
    }

    /// Its next hop, the first of several.
    pub(in crate::diagnosis) fn hop(&self) -> Option<IpAddr> {
        let via = self.via.as_ref().map(|via| via.host);
        let several = || self.nexthops.first().and_then(|hop| hop.gateway);
        self.gateway.or(via).or_else(several)
    }

    /// Its link, the first of several.
    pub(in crate::diagnosis) fn link(&self) -> Option<&str> {
        let several = || self.nexthops.first().and_then(|hop| hop.dev.as_deref());
        self.dev.as_deref().or_else(several)
    }

    /// As `ip route` prints the most important of it.
    pub(in crate::diagnosis) fn words(&self) -> String {
        let kind = match self.kind.as_str() {
            "" | "unicast" => String::new(),
            kind => format!("{kind} "),
        };
        let via = self.hop().map(|hop| format!(" via {hop}"));
        let dev = self.link().map(|dev| format!(" dev {dev}"));
        let rest: String = via.into_iter().chain(dev).collect();
        format!("{kind}{}{rest}", self.dst)
    }

    /// Whether it may be one of that family.
    pub(in crate::diagnosis) fn is_of(&self, v6: bool) -> bool {
        self.family().is_none_or(|family| family == v6)
    }

    /// Whether it is one of IPv6; `None`: not known.
    pub(super) fn family(&self) -> Option<bool> {
        self.v6
            .or_else(|| (self.dst != "default").then(|| self.dst.contains(':')))
    }
}

impl Rule {
    /// Whether it is about such a packet. Marks are not known.
    pub(super) fn takes(&self, to: IpAddr, from: Option<IpAddr>, iif: Option<&str>) -> bool {
        let within = |net: &str, length: Option<u8>, address: Option<IpAddr>| match net {
            "" | "all" => true,
            text => {
                let Ok(base) = text.parse::<IpAddr>() else {
                    return false;
                };
                let whole = if base.is_ipv6() { 128 } else { 32 };
                let net = IpNet::new(base, length.unwrap_or(whole));
                net.is_ok_and(|net| address.is_some_and(|address| net.contains(&address)))
            }
        };
        let dst = self.dst.as_deref().unwrap_or_default();
        self.v6 == to.is_ipv6()
            && self.fwmark.is_none()
            && self.oif.is_none()
            && within(&self.src, self.srclen, from)
            && within(dst, self.dstlen, Some(to))
            && self.iif.as_deref().is_none_or(|wanted| iif == Some(wanted))
    }
}
