//! Ports, veths and what came of router advertisements, as iproute2 prints them in JSON (`ip -j`), versions 6.1 to
//! 6.15.

use ipnet::Ipv6Net;
use serde_json::Value;

use super::Verdict;

/// Judges `ip -j addr` and `ip -j -6 route`: an address of the prefix that networkd or the kernel made from an
/// advertisement, and a default route that came from one.
pub fn judge_ra_accepted(
    links: &Value,
    routes: &Value,
    interface: Option<&str>,
    prefix: Ipv6Net,
) -> Verdict {
    let address = entries(links, interface).find(|(_, entry)| {
        let local = text(entry, "local").parse::<std::net::Ipv6Addr>();
        local.is_ok_and(|local| prefix.contains(&local)) && from_advertisement(entry)
    });
    let Some((link, entry)) = address else {
        return Verdict::violated(format!("no address of {prefix} from an advertisement"));
    };
    let local = text(entry, "local");
    if let Some(trouble) = trouble(entry) {
        return Verdict::violated(format!("{local} on {link} is {trouble}"));
    }
    let is_ra = |route: &&Value| route["dst"] == "default" && route["protocol"] == "ra";
    match array(routes).find(is_ra) {
        Some(route) => Verdict::holds(format!(
            "{local} on {link}, default via {} proto ra",
            text(route, "gateway")
        )),
        None => Verdict::violated(format!(
            "{local} on {link}, but no default route with proto ra"
        )),
    }
}

/// Judges `ip -j -d link`: the interface is a forwarding port of the bridge.
pub fn judge_port(links: &Value, interface: &str, bridge: &str) -> Verdict {
    let Some(link) = array(links).find(|link| link["ifname"] == interface) else {
        return Verdict::violated(format!("there is no {interface}"));
    };
    let Some(master) = link.get("master").and_then(Value::as_str) else {
        return Verdict::violated(format!("{interface} has no master"));
    };
    let state = link["linkinfo"]["info_slave_data"]["state"]
        .as_str()
        .unwrap_or("unknown");
    let got = format!("{interface} is a port of {master}, {state}");
    if master == bridge && state == "forwarding" {
        Verdict::holds(got)
    } else {
        Verdict::violated(got)
    }
}

/// Judges a container's veth by its index in `ip -j -d addr` of the guest.
pub fn judge_veth(links: &Value, index: u64, bridge: &str) -> Verdict {
    let Some(link) = array(links).find(|link| link["ifindex"] == index) else {
        return Verdict::violated(format!("there is no interface {index} in the guest"));
    };
    let name = text(link, "ifname");
    let master = link.get("master").and_then(Value::as_str);
    if master == Some(bridge) {
        return Verdict::holds(format!("{name} is a port of {bridge}"));
    }
    let carried: Vec<String> = array(&link["addr_info"])
        .filter(|entry| entry["scope"] == "global" && !from_advertisement(entry))
        .map(|entry| format!("{}/{}", text(entry, "local"), entry["prefixlen"]))
        .collect();
    let master = master.map_or_else(
        || "has no master".to_owned(),
        |master| format!("is a port of {master}"),
    );
    if carried.is_empty() {
        Verdict::violated(format!("{name} {master}"))
    } else {
        Verdict::violated(format!(
            "{name} {master} and carries {}",
            carried.join(", ")
        ))
    }
}

/// A static address has neither a lifetime nor `mngtmpaddr`; one from an advertisement has the former unless the
/// router gave it for ever, and the latter from networkd and the kernel alike.
fn from_advertisement(entry: &Value) -> bool {
    entry["dynamic"] == true || entry["mngtmpaddr"] == true
}

pub(super) fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn entries<'a>(
    links: &'a Value,
    interface: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    array(links)
        .filter(move |link| interface.is_none_or(|name| link["ifname"] == name))
        .flat_map(|link| array(&link["addr_info"]).map(move |entry| (text(link, "ifname"), entry)))
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn trouble(entry: &Value) -> Option<&'static str> {
    if entry["dadfailed"] == true {
        Some("dadfailed: another has it, or its own solicitation came back")
    } else if entry["tentative"] == true {
        Some("tentative: duplicate address detection is under way")
    } else {
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// What `ip -j addr` prints on a guest with a container.
    pub(in crate::check) fn addresses() -> Value {
        json!([
            {"ifindex": 2, "ifname": "eth0", "addr_info": [
                {"family": "inet", "local": "192.168.1.3", "prefixlen": 24, "scope": "global"},
                {"family": "inet6", "local": "2001:db8::b", "prefixlen": 64, "scope": "global"},
                {"family": "inet6", "local": "2001:db8::ff:fe00:1", "prefixlen": 64, "scope": "global", "dynamic": true},
                {"family": "inet6", "local": "2001:db8::c", "prefixlen": 64, "scope": "global", "tentative": true}
            ]},
            {"ifindex": 5, "ifname": "veth1", "addr_info": [
                {"family": "inet", "local": "192.168.1.3", "prefixlen": 24, "scope": "global"}
            ]},
            {"ifindex": 6, "ifname": "veth2", "master": "docker0", "addr_info": []}
        ])
    }

    #[test]
    fn a_static_address_is_no_proof_of_an_advertisement() {
        let prefix = "2001:db8::/64".parse().expect("prefix");
        let ra = json!([{"dst": "default", "gateway": "fe80::1", "dev": "eth0", "protocol": "ra"}]);
        assert!(judge_ra_accepted(&addresses(), &ra, Some("eth0"), prefix).holds);
        assert!(!judge_ra_accepted(&addresses(), &json!([]), Some("eth0"), prefix).holds);
        assert!(!judge_ra_accepted(&addresses(), &ra, Some("veth1"), prefix).holds);
        // A router that advertises its prefix for ever leaves no lifetime to see.
        let forever = json!([{"ifname": "br0", "addr_info": [
            {"local": "2001:db8::1:2", "prefixlen": 64, "scope": "global", "mngtmpaddr": true, "noprefixroute": true}
        ]}]);
        assert!(judge_ra_accepted(&forever, &ra, None, prefix).holds);
    }

    #[test]
    fn a_port_needs_its_master_and_must_forward() {
        let links = json!([
            {"ifname": "vm-test1", "master": "br0", "linkinfo": {"info_slave_data": {"state": "forwarding"}}},
            {"ifname": "vm-test2", "master": "br0", "linkinfo": {"info_slave_data": {"state": "learning"}}},
            {"ifname": "my-microvm"}
        ]);
        assert!(judge_port(&links, "vm-test1", "br0").holds);
        assert!(!judge_port(&links, "vm-test1", "br1").holds);
        assert_eq!(
            judge_port(&links, "vm-test2", "br0").got,
            "vm-test2 is a port of br0, learning"
        );
        assert_eq!(
            judge_port(&links, "my-microvm", "br0").got,
            "my-microvm has no master"
        );
        assert_eq!(
            judge_port(&links, "vm-test9", "br0").got,
            "there is no vm-test9"
        );
    }

    #[test]
    fn a_stolen_veth_is_told_with_what_it_carries() {
        assert!(judge_veth(&addresses(), 6, "docker0").holds);
        assert_eq!(
            judge_veth(&addresses(), 5, "docker0").got,
            "veth1 has no master and carries 192.168.1.3/24"
        );
    }
}
