//! Routes as `ip -j route` prints them, versions 6.1 to 6.15.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::Verdict;
use super::ip::{array, text};

/// A route that must be there, or not; what is `None` does not matter.
#[derive(Debug, Clone, Copy)]
pub struct WantedRoute<'a> {
    /// Destination.
    pub to: IpNet,
    /// Next hop.
    pub via: Option<IpAddr>,
    /// Routing protocol.
    pub proto: Option<&'a str>,
    /// Interface, as it is called at the vantage.
    pub dev: Option<&'a str>,
    /// Metric.
    pub metric: Option<u32>,
    /// There must be none.
    pub absent: bool,
}

/// Judges `ip -j -4 route` or `ip -j -6 route`.
pub fn judge_route(routes: &Value, wanted: WantedRoute<'_>) -> Verdict {
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
        .filter(|route| is_wanted(route, wanted))
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

/// What is wanted, in words.
pub fn expected(wanted: WantedRoute<'_>) -> String {
    let mut text = format!(
        "{} route to {}",
        if wanted.absent { "no" } else { "a" },
        wanted.to
    );
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(" {key} {value}"));
        }
    };
    add("via", wanted.via.map(|via| via.to_string()));
    add("dev", wanted.dev.map(str::to_owned));
    add("proto", wanted.proto.map(str::to_owned));
    add("metric", wanted.metric.map(|metric| metric.to_string()));
    text
}

fn is_wanted(route: &Value, wanted: WantedRoute<'_>) -> bool {
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
        via && wanted.dev.is_none_or(|dev| hop["dev"] == dev)
    };
    // IPv4 leaves out 0, and iproute2 the protocol `boot`, that of routes added without one.
    let metric = route["metric"].as_u64().unwrap_or_default();
    let proto = route["protocol"].as_str().unwrap_or("boot");
    hops.iter().any(hop)
        && wanted.proto.is_none_or(|wanted| wanted == proto)
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
        let right = WantedRoute {
            via: "192.168.1.1".parse().ok(),
            proto: Some("static"),
            dev: Some("eth0"),
            ..default
        };
        assert!(judge_route(&routes, right).holds);
        let wrong = WantedRoute {
            proto: Some("ra"),
            ..default
        };
        assert_eq!(
            judge_route(&routes, wrong),
            Verdict::violated("default via 192.168.1.1 dev eth0 proto static")
        );
        let elsewhere = WantedRoute {
            dev: Some("eth1"),
            ..default
        };
        assert!(!judge_route(&routes, elsewhere).holds);
        let none = judge_route(&routes, any("10.0.0.0/8"));
        assert_eq!(none, Verdict::violated("no route to 10.0.0.0/8"));
    }

    fn any(to: &str) -> WantedRoute<'_> {
        WantedRoute {
            to: to.parse().expect("a prefix"),
            via: None,
            proto: None,
            dev: None,
            metric: None,
            absent: false,
        }
    }

    /// A connected one, a blackhole, one with a metric; and one with two next hops.
    const ROUTES: [(&str, &str); 2] = [
        (
            include_str!("fixtures/iproute2-6.1/route4.json"),
            include_str!("fixtures/iproute2-6.1/route-multi.json"),
        ),
        (
            include_str!("fixtures/iproute2-6.15/route4.json"),
            include_str!("fixtures/iproute2-6.15/route-multi.json"),
        ),
    ];

    #[test]
    fn metrics_next_hops_and_absence_count() {
        for (routes, multipath) in ROUTES {
            let routes = serde_json::from_str(routes).expect("what `ip` printed");
            let multipath = serde_json::from_str(multipath).expect("what `ip` printed");
            let fifty = WantedRoute {
                metric: Some(50),
                via: "10.0.0.2".parse().ok(),
                ..any("10.9.0.0/16")
            };
            assert_eq!(
                judge_route(&routes, fifty),
                Verdict::holds("10.9.0.0/16 via 10.0.0.2 dev br0 proto boot metric 50")
            );
            let none = WantedRoute {
                metric: Some(0),
                ..fifty
            };
            assert!(!judge_route(&routes, none).holds);
            let absent = |wanted| WantedRoute {
                absent: true,
                ..wanted
            };
            assert!(judge_route(&routes, absent(none)).holds);
            assert!(judge_route(&routes, absent(any("10.7.0.0/16"))).holds);
            assert_eq!(
                judge_route(&routes, absent(any("10.8.0.0/16"))),
                Verdict::violated("blackhole 10.8.0.0/16 proto boot")
            );
            let second = WantedRoute {
                via: "10.0.0.3".parse().ok(),
                dev: Some("br0"),
                ..any("10.7.0.0/16")
            };
            assert!(judge_route(&multipath, second).holds);
            let third = WantedRoute {
                via: "10.0.0.4".parse().ok(),
                ..second
            };
            assert!(!judge_route(&multipath, third).holds);
        }
    }
}
