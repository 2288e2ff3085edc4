//! Faults of settings that show somewhere else: a link that asks no neighbours, a prefix, an advertisement.

use serde_json::json;

use super::fault::{DESKTOP, Fault, INTERNET, no_route, sysctl, take};
use super::lab::{Lab, at, link};
use crate::diagnosis::Code;

fn of_bridge(lab: &mut Lab, key: &str, value: u32) {
    let data = &mut link(lab, "host", "br0").linkinfo.data;
    data[key] = json!(value);
}

/// What must be found of each: worked out by hand.
pub(super) const FAULTS: &[Fault] = &[
    (
        "the host's bridge has no ARP",
        |lab| link(lab, "host", "br0").flags.push("NOARP".to_owned()),
        &["host-ping-guest-v4"],
        (Code::LinkSetting, "host", Some("br0")),
    ),
    (
        "the guest answers no ARP",
        |lab| sysctl(lab, "tiny1", "ipv4/conf/all/arp_ignore", "8"),
        DESKTOP,
        (Code::SysctlIgnores, "tiny1", None),
    ),
    (
        "the bridge has STP, and its ports listen",
        |lab| {
            of_bridge(lab, "stp_state", 1);
            for name in ["eno1", "vm-tiny1"] {
                link(lab, "host", name).linkinfo.port["state"] = json!("listening");
            }
        },
        &[
            "desktop-ping-guest-v4",
            "guest-ping-internet-v4",
            "host-tap-on-bridge",
        ],
        (Code::PortBlocking, "host", Some("br0")),
    ),
    (
        "the guest's prefix is that of one address",
        |lab| {
            let own = "192.168.1.3".parse().ok();
            for address in &mut link(lab, "tiny1", "eth0").addresses {
                if address.local == own {
                    address.prefixlen = 32;
                }
            }
            no_route(lab, "tiny1", "192.168.1.0/24");
            no_route(lab, "tiny1", "default");
        },
        &["guest-ping-router-v4", "desktop-ping-guest-v4"],
        (Code::AddressOther, "tiny1", Some("eth0")),
    ),
    (
        "IPv6 is off in the guest",
        |lab| {
            sysctl(lab, "tiny1", "ipv6/conf/all/disable_ipv6", "1");
            for address in ["2001:db8::b", "2001:db8::ff:fe00:1", "fe80::ff:fe00:1"] {
                take(lab, "tiny1", "eth0", address);
            }
            at(lab, "tiny1").routes.retain(|route| route.is_of(false));
        },
        &[
            "guest-address-v6",
            "guest-ra-accepted",
            "guest-ping-internet-v6",
        ],
        (Code::SysctlIgnores, "tiny1", Some("eth0")),
    ),
    (
        "the guest has no link-local address to ask routers from",
        |lab| {
            let all = &mut link(lab, "tiny1", "eth0").addresses;
            all.retain(|one| one.scope != "link");
            take(lab, "tiny1", "eth0", "2001:db8::ff:fe00:1");
            at(lab, "tiny1")
                .routes
                .retain(|route| route.dst != "default" || route.is_of(false));
        },
        &["guest-ra-accepted", "guest-ping-internet-v6"],
        (Code::RaIgnored, "tiny1", Some("eth0")),
    ),
    (
        "the router leaves the guest's address as it is, which nobody beyond routes back",
        |lab| {
            at(lab, "router").iptables =
                "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o wan1 -j MASQUERADE\nCOMMIT\n"
                    .to_owned();
            no_route(lab, "internet", "192.168.1.0/24");
        },
        INTERNET,
        (Code::HookNoNat, "router", None),
    ),
    (
        "advertisements are multicast that does not leave by the TAP, whatever groups the guest has joined",
        |lab| {
            super::fault::port(lab, "vm-tiny1", "mcast_flood", false);
            at(lab, "tiny1")
                .routes
                .retain(|route| route.dst != "default" || route.is_of(false));
        },
        &[
            "guest-ra-seen",
            "guest-ra-accepted",
            "guest-ping-internet-v6",
        ],
        (Code::PortMcastOff, "host", Some("vm-tiny1")),
    ),
];
