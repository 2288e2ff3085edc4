//! Faults of addresses, routes, firewalls, networkd and servers.

use serde_json::json;

use super::fault::{DESKTOP, Fault, INTERNET, no_route, sysctl, take};
use super::lab::{at, link};
use crate::diagnosis::Code;
use crate::diagnosis::state::Neighbour;

/// What must be found of each: worked out by hand.
pub(super) const FAULTS: &[Fault] = &[
    (
        "a neighbour entry is another's",
        |lab| {
            let wrong = Neighbour {
                address: Some("192.168.1.3".parse().expect("an address")),
                link: "eth0".to_owned(),
                mac: Some("02:00:00:00:00:99".to_owned()),
                state: vec!["PERMANENT".to_owned()],
            };
            at(lab, "desktop").neighbours = vec![wrong];
        },
        DESKTOP,
        (Code::NeighWrongMac, "desktop", Some("eth0")),
    ),
    (
        "the guest has not got its address",
        |lab| take(lab, "tiny1", "eth0", "192.168.1.3"),
        &["desktop-ping-guest-v4", "guest-address-v4"],
        (Code::AddressAbsent, "tiny1", Some("eth0")),
    ),
    (
        "the guest's address has another prefix",
        |lab| link(lab, "tiny1", "eth0").addresses[0].prefixlen = 32,
        &["guest-address-v4"],
        (Code::AddressOther, "tiny1", Some("eth0")),
    ),
    (
        "the guest's address was refused",
        |lab| link(lab, "tiny1", "eth0").addresses[2].dadfailed = true,
        &["desktop-ping-guest-v6", "guest-address-v6"],
        (Code::AddressDadFailed, "tiny1", Some("eth0")),
    ),
    (
        "the guest's address is tentative",
        |lab| link(lab, "tiny1", "eth0").addresses[2].tentative = true,
        &["desktop-ping-guest-v6", "guest-address-v6"],
        (Code::AddressTentative, "tiny1", Some("eth0")),
    ),
    (
        "the desktop has the router's address as well",
        |lab| {
            let router = link(lab, "router", "lan0").addresses[0].clone();
            link(lab, "desktop", "eth0").addresses.push(router);
        },
        &["guest-ping-router-v4"],
        (Code::AddressDuplicate, "desktop", Some("eth0")),
    ),
    (
        "the gateway is nobody's",
        |lab| {
            let route = &mut at(lab, "tiny1").routes[0];
            route.gateway = Some("192.168.1.9".parse().expect("an address"));
        },
        INTERNET,
        (Code::NeighUnanswered, "tiny1", Some("eth0")),
    ),
    (
        "the guest has no default route",
        |lab| no_route(lab, "tiny1", "default"),
        INTERNET,
        (Code::RouteNone, "tiny1", None),
    ),
    (
        "the guest has no route back",
        |lab| no_route(lab, "tiny1", "default"),
        &["internet-ping-guest-v4"],
        (Code::RouteNoneBack, "tiny1", None),
    ),
    (
        "the guest refuses to route",
        |lab| {
            let route = &mut at(lab, "tiny1").routes[0];
            route.kind = "blackhole".to_owned();
        },
        INTERNET,
        (Code::RouteRefused, "tiny1", None),
    ),
    (
        "the host sends by a port",
        |lab| {
            let eno1 = |dev: &Option<String>| dev.as_deref() == Some("br0");
            for route in &mut at(lab, "host").routes {
                if eno1(&route.dev) {
                    route.dev = Some("eno1".to_owned());
                }
            }
        },
        &["host-ping-guest-v4"],
        (Code::RouteOtherLink, "host", Some("eno1")),
    ),
    (
        "the guest has another default route",
        |lab| {
            let route = &mut at(lab, "tiny1").routes[0];
            route.gateway = Some("192.168.1.20".parse().expect("an address"));
        },
        &["guest-route-v4"],
        (Code::RouteOtherLink, "tiny1", Some("eth0")),
    ),
    (
        "the router does not forward",
        |lab| {
            for path in [
                "ipv4/ip_forward",
                "ipv4/conf/lan0/forwarding",
                "ipv4/conf/wan0/forwarding",
            ] {
                sysctl(lab, "router", path, "0");
            }
        },
        &[
            "guest-ping-internet-v4",
            "internet-ping-guest-v4",
            "guest-http-v4",
        ],
        (Code::ForwardOff, "router", None),
    ),
    (
        "the router filters by the way back",
        |lab| {
            sysctl(lab, "router", "ipv4/conf/lan0/rp_filter", "1");
            for route in &mut at(lab, "router").routes {
                if route.dst == "192.168.1.0/24" {
                    route.dev = Some("wan0".to_owned());
                }
            }
        },
        &["guest-ping-router-v4"],
        (Code::RouteRpFilter, "router", Some("lan0")),
    ),
    (
        "the guest answers no echoes",
        |lab| sysctl(lab, "tiny1", "ipv4/icmp_echo_ignore_all", "1"),
        DESKTOP,
        (Code::SysctlIgnores, "tiny1", None),
    ),
    (
        "nothing listens at the internet",
        |lab| at(lab, "internet").listeners = Some(Vec::new()),
        &["guest-http-v4", "guest-http-v6"],
        (Code::SocketNone, "internet", None),
    ),
    (
        "the guest takes no advertisements",
        |lab| {
            sysctl(lab, "tiny1", "ipv6/conf/eth0/accept_ra", "0");
            no_route(lab, "tiny1", "default");
            take(lab, "tiny1", "eth0", "2001:db8::ff:fe00:1");
        },
        &["guest-ra-accepted", "guest-ping-internet-v6"],
        (Code::RaIgnored, "tiny1", Some("eth0")),
    ),
    (
        "the host's networkd has no unit for the TAP",
        |lab| {
            let networkd = at(lab, "host").networkd.as_mut().expect("networkd");
            let tap = networkd.get_mut("vm-tiny1").expect("the TAP");
            tap.setup = "unmanaged".to_owned();
            tap.network_file = None;
        },
        &["host-tap-setup"],
        (Code::UnitNotMatched, "host", Some("vm-tiny1")),
    ),
    (
        "the host's networkd has not done with the TAP",
        |lab| {
            let networkd = at(lab, "host").networkd.as_mut().expect("networkd");
            networkd.get_mut("vm-tiny1").expect("the TAP").setup = "configuring".to_owned();
        },
        &["host-tap-setup"],
        (Code::UnitConfiguring, "host", Some("vm-tiny1")),
    ),
    (
        "another unit matches the TAP",
        |lab| {
            let networkd = at(lab, "host").networkd.as_mut().expect("networkd");
            let tap = networkd.get_mut("vm-tiny1").expect("the TAP");
            tap.network_file = Some("/run/systemd/network/10-lan-bridge.network".to_owned());
        },
        &["host-tap-file"],
        (Code::UnitWrongMatch, "host", Some("vm-tiny1")),
    ),
    (
        "the bridge has other servers for names",
        |_| {},
        &["host-dns"],
        (Code::ServiceResolver, "host", Some("br0")),
    ),
    (
        "the bridge is required for online",
        |_| {},
        &["host-required"],
        (Code::UnitSetting, "host", Some("br0")),
    ),
    (
        "the TAP has another MAC address than asked for",
        |_| {},
        &["host-tap-mac"],
        (Code::LinkMac, "host", Some("vm-tiny1")),
    ),
    (
        "the TAP has not got the flag that is asked for",
        |_| {},
        &["host-tap-allmulti"],
        (Code::LinkSetting, "host", Some("vm-tiny1")),
    ),
    (
        "large packets do not fit the TAP",
        |lab| link(lab, "host", "vm-tiny1").mtu = 1400,
        &["desktop-ping-guest-full"],
        (Code::LinkMtu, "host", Some("vm-tiny1")),
    ),
    (
        "the router has another value of a sysctl",
        |lab| sysctl(lab, "router", "ipv4/ip_forward", "0"),
        &["router-forwards"],
        (Code::SysctlValue, "router", None),
    ),
    (
        "the bridge has no member of a group",
        |lab| at(lab, "host").mdb.clear(),
        &["host-mdb"],
        (Code::MdbNotMember, "host", Some("vm-tiny1")),
    ),
    (
        "the bridge drops by br_netfilter",
        |lab| {
            sysctl(lab, "host", "bridge/bridge-nf-call-iptables", "1");
            at(lab, "host").iptables = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n".to_owned();
        },
        DESKTOP,
        (Code::HookBridgeNf, "host", Some("br0")),
    ),
    (
        "the router's policy is to drop",
        |lab| {
            at(lab, "router").iptables =
                "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i wan0 -j ACCEPT\nCOMMIT\n".to_owned();
        },
        INTERNET,
        (Code::HookPolicy, "router", None),
    ),
    (
        "a rule of the guest drops echoes",
        |lab| {
            at(lab, "tiny1").firewall = json!({"nftables": [
                {"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input",
                           "prio": 0, "policy": "accept"}},
                {"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 4, "expr": [
                    {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "icmp"}}, {"drop": null}]}}
            ]});
        },
        DESKTOP,
        (Code::HookRule, "tiny1", None),
    ),
    (
        "a machine on the way did not answer",
        |lab| {
            lab.remove("router");
        },
        INTERNET,
        (Code::UnknownNotWatched, "router", None),
    ),
    (
        "the host's networkd does not run",
        |lab| {
            at(lab, "host").networkd = None;
            link(lab, "host", "vm-tiny1").master = None;
        },
        &[
            "host-tap-setup",
            "host-tap-on-bridge",
            "desktop-ping-guest-v4",
        ],
        (Code::ServiceNotRunning, "host", None),
    ),
];
