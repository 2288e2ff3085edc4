//! Routes as `ip -j route` prints them, versions 6.1 to 6.15.

use std::net::IpAddr;

use futures_util::FutureExt;
use ipnet::IpNet;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, text};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks};
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
    const HOLDS: &'static str = "the route is there; `absent`: no such route";
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

impl Kind for Route {
    fn expected(&self) -> String {
        let mut text = format!(
            "{} route to {}",
            if self.absent { "no" } else { "a" },
            self.to
        );
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!(" {key} {value}"));
            }
        };
        add("via", self.via.map(|via| via.to_string()));
        add("dev", self.dev.as_ref().map(ToString::to_string));
        add("proto", self.proto.clone());
        add("metric", self.metric.map(|metric| metric.to_string()));
        text
    }

    fn holds_by_lack(&self) -> bool {
        self.absent
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let dev = at.any_link(self.dev.as_ref()).await?;
            let family = if self.to.addr().is_ipv4() { "-4" } else { "-6" };
            let routes = at.json(&["ip", "-j", family, "route"]).await?;
            Ok(judge(&routes, dev.as_deref(), self))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        self.dev.iter().cloned().collect()
    }

    fn lacking(&self) -> Vec<&IfName> {
        self.dev.iter().collect()
    }
}

/// Judges `ip -j -4 route` or `ip -j -6 route`.
fn judge(routes: &Value, dev: Option<&str>, wanted: &Route) -> Verdict {
    let to = wanted.to;
    let default = to.prefix_len() == 0;
    let same = |route: &&Value| {
        let dst = text(route, "dst");
        (default && dst == "default")
            || dst.parse::<IpNet>().is_ok_and(|dst| dst == to)
            || dst
                .parse::<IpAddr>()
                .is_ok_and(|dst| IpNet::from(dst) == to)
    };
    let found: Vec<&Value> = array(routes).filter(same).collect();
    let right: Vec<&&Value> = found
        .iter()
        .filter(|route| is_wanted(route, dev, wanted))
        .collect();
    let list = |routes: Vec<String>| routes.join("; ");
    let all = || list(found.iter().map(|route| route_in_words(route)).collect());
    let none = || format!("no route to {to}");
    match (right.first(), wanted.absent) {
        (Some(route), false) => Verdict::holds(route_in_words(route)),
        (Some(_), true) => Verdict::violated(list(
            right.iter().map(|route| route_in_words(route)).collect(),
        )),
        (None, absent) => {
            let got = if found.is_empty() { none() } else { all() };
            match absent {
                true => Verdict::holds(got),
                false => Verdict::violated(got),
            }
        }
    }
}

fn is_wanted(route: &Value, dev: Option<&str>, wanted: &Route) -> bool {
    // The next hops of a multipath route stand in a list.
    let hops: Vec<&Value> = std::iter::once(route)
        .chain(array(&route["nexthops"]))
        .collect();
    let hop = |hop: &&Value| {
        let via = wanted.via.is_none_or(|via| {
            text(hop, "gateway")
                .parse::<IpAddr>()
                .is_ok_and(|gateway| gateway == via)
        });
        via && dev.is_none_or(|dev| hop["dev"] == dev)
    };
    // The kernel prints no metric 0 for IPv4, and iproute2 no protocol `boot`, which routes have that were added without one.
    let metric = route["metric"].as_u64().unwrap_or_default();
    let proto = route["protocol"].as_str().unwrap_or("boot");
    hops.iter().any(hop)
        && wanted.proto.as_ref().is_none_or(|wanted| wanted == proto)
        && wanted
            .metric
            .is_none_or(|wanted| u64::from(wanted) == metric)
}

fn route_in_words(route: &Value) -> String {
    let hop = |hop: &Value| {
        let gateway = hop.get("gateway").and_then(Value::as_str);
        let via = gateway.map(|gateway| format!(" via {gateway}"));
        let dev = hop.get("dev").and_then(Value::as_str);
        let dev = dev.map(|dev| format!(" dev {dev}"));
        format!("{}{}", via.unwrap_or_default(), dev.unwrap_or_default())
    };
    let kind = route.get("type").and_then(Value::as_str);
    let kind = kind.map_or_else(String::new, |kind| format!("{kind} "));
    let more: String = array(&route["nexthops"]).map(hop).collect();
    let proto = route["protocol"].as_str().unwrap_or("boot");
    let metric = route["metric"].as_u64();
    let metric = metric.map_or_else(String::new, |metric| format!(" metric {metric}"));
    let (dst, first) = (text(route, "dst"), hop(route));
    format!("{kind}{dst}{first}{more} proto {proto}{metric}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn routes_are_compared_by_what_matters() {
        let routes = json!([{"dst": "default", "gateway": "192.168.1.1", "dev": "eth0", "protocol": "static"}]);
        let default = any("0.0.0.0/0");
        let right = Route {
            via: "192.168.1.1".parse().ok(),
            proto: Some("static".to_owned()),
            dev: name("eth0"),
            ..default.clone()
        };
        assert!(judged(&routes, &right).holds);
        let wrong = Route {
            proto: Some("ra".to_owned()),
            ..default.clone()
        };
        assert_eq!(
            judged(&routes, &wrong),
            Verdict::violated("default via 192.168.1.1 dev eth0 proto static")
        );
        let elsewhere = Route {
            dev: name("eth1"),
            ..default.clone()
        };
        assert!(!judged(&routes, &elsewhere).holds);
        let none = judged(&routes, &any("10.0.0.0/8"));
        assert_eq!(none, Verdict::violated("no route to 10.0.0.0/8"));
    }

    fn name(text: &str) -> Option<IfName> {
        IfName::try_from(text).ok()
    }

    /// Judges as from a machine, where a link has the name that the check writes.
    fn judged(routes: &Value, wanted: &Route) -> Verdict {
        judge(routes, wanted.dev.as_ref().map(AsRef::as_ref), wanted)
    }

    fn any(to: &str) -> Route {
        Route {
            to: to.parse().expect("a prefix"),
            via: None,
            proto: None,
            dev: None,
            metric: None,
            absent: false,
        }
    }

    /// `ip -j route` with a connected route, a blackhole and a route with a metric; and with a route that has two next hops.
    const ROUTES: [(&str, &str); 2] = [
        (
            include_str!("../fixtures/iproute2-6.1/route4.json"),
            include_str!("../fixtures/iproute2-6.1/route-multi.json"),
        ),
        (
            include_str!("../fixtures/iproute2-6.15/route4.json"),
            include_str!("../fixtures/iproute2-6.15/route-multi.json"),
        ),
    ];

    #[test]
    fn metrics_next_hops_and_absence_count() {
        for (routes, multipath) in ROUTES {
            let routes = serde_json::from_str(routes).expect("what `ip` printed");
            let multipath = serde_json::from_str(multipath).expect("what `ip` printed");
            let fifty = Route {
                metric: Some(50),
                via: "10.0.0.2".parse().ok(),
                ..any("10.9.0.0/16")
            };
            assert_eq!(
                judged(&routes, &fifty),
                Verdict::holds("10.9.0.0/16 via 10.0.0.2 dev br0 proto boot metric 50")
            );
            let none = Route {
                metric: Some(0),
                ..fifty.clone()
            };
            assert!(!judged(&routes, &none).holds);
            let absent = |wanted| Route {
                absent: true,
                ..wanted
            };
            assert!(judged(&routes, &absent(none.clone())).holds);
            assert!(judged(&routes, &absent(any("10.7.0.0/16"))).holds);
            assert_eq!(
                judged(&routes, &absent(any("10.8.0.0/16"))),
                Verdict::violated("blackhole 10.8.0.0/16 proto boot")
            );
            let second = Route {
                via: "10.0.0.3".parse().ok(),
                dev: name("br0"),
                ..any("10.7.0.0/16")
            };
            assert!(judged(&multipath, &second).holds);
            let third = Route {
                via: "10.0.0.4".parse().ok(),
                ..second.clone()
            };
            assert!(!judged(&multipath, &third).holds);
        }
    }
}
