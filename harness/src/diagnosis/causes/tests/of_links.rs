//! Faults of links and bridges.

use serde_json::json;

use super::fault::{DESKTOP, Fault, INTERNET, down, forget, port};
use super::lab::{at, link};
use crate::diagnosis::Code;
use crate::diagnosis::state::PortVlan;

/// What must be found of each: worked out by hand.
pub(super) const FAULTS: &[Fault] = &[
    (
        "the TAP is on no bridge",
        |lab| link(lab, "host", "vm-tiny1").master = None,
        &[
            "desktop-ping-guest-v4",
            "host-tap-on-bridge",
            "guest-ping-router-v4",
        ],
        (Code::PortNotEnslaved, "host", Some("vm-tiny1")),
    ),
    (
        "the uplink is on no bridge",
        |lab| link(lab, "host", "eno1").master = None,
        DESKTOP,
        (Code::PortNotEnslaved, "host", Some("eno1")),
    ),
    (
        "the TAP is on another bridge",
        |lab| {
            let mut other = link(lab, "host", "br0").clone();
            other.name = "br1".to_owned();
            other.addresses.clear();
            at(lab, "host").links.insert("br1".to_owned(), other);
            link(lab, "host", "vm-tiny1").master = Some("br1".to_owned());
        },
        &["host-tap-on-bridge"],
        (Code::PortWrongMaster, "host", Some("vm-tiny1")),
    ),
    (
        "br0 is a dummy",
        |lab| {
            link(lab, "host", "br0").linkinfo.kind = Some("dummy".to_owned());
            link(lab, "host", "eno1").master = None;
            link(lab, "host", "vm-tiny1").master = None;
        },
        &[
            "desktop-ping-guest-v4",
            "host-tap-on-bridge",
            "guest-ping-internet-v4",
        ],
        (Code::LinkKind, "host", Some("br0")),
    ),
    (
        "there is no br0",
        |lab| {
            at(lab, "host").links.remove("br0");
            link(lab, "host", "eno1").master = None;
            link(lab, "host", "vm-tiny1").master = None;
        },
        &["desktop-ping-guest-v4", "host-tap-on-bridge"],
        (Code::LinkAbsent, "host", Some("br0")),
    ),
    (
        "the uplink is down",
        |lab| down(lab, "host", "eno1"),
        DESKTOP,
        (Code::LinkDown, "host", Some("eno1")),
    ),
    (
        "the TAP has no carrier",
        |lab| {
            link(lab, "host", "vm-tiny1")
                .flags
                .retain(|flag| flag != "LOWER_UP")
        },
        DESKTOP,
        (Code::LinkNoCarrier, "host", Some("vm-tiny1")),
    ),
    (
        "both ports are isolated",
        |lab| {
            port(lab, "eno1", "isolated", true);
            port(lab, "vm-tiny1", "isolated", true);
        },
        &["desktop-ping-guest-v4", "guest-ping-internet-v4"],
        (Code::PortIsolated, "host", Some("eno1")),
    ),
    (
        "a port blocks",
        |lab| link(lab, "host", "vm-tiny1").linkinfo.port["state"] = json!("blocking"),
        DESKTOP,
        (Code::PortBlocking, "host", Some("vm-tiny1")),
    ),
    (
        "a port is locked",
        |lab| port(lab, "vm-tiny1", "locked", true),
        INTERNET,
        (Code::PortLocked, "host", Some("vm-tiny1")),
    ),
    (
        "no broadcasts leave by a port",
        |lab| {
            forget(lab);
            port(lab, "vm-tiny1", "bcast_flood", false);
        },
        DESKTOP,
        (Code::PortBcastOff, "host", Some("vm-tiny1")),
    ),
    (
        "no multicast leaves by a port",
        |lab| {
            forget(lab);
            at(lab, "host").mdb.clear();
            port(lab, "vm-tiny1", "mcast_flood", false);
        },
        &["desktop-ping-guest-v6"],
        (Code::PortMcastOff, "host", Some("vm-tiny1")),
    ),
    (
        "no unknown unicast leaves by a port",
        |lab| {
            at(lab, "host").fdb.clear();
            port(lab, "vm-tiny1", "flood", false);
        },
        DESKTOP,
        (Code::PortFloodOff, "host", Some("vm-tiny1")),
    ),
    (
        "a port that is not flooded does not learn",
        |lab| {
            at(lab, "host").fdb.clear();
            port(lab, "vm-tiny1", "flood", false);
            port(lab, "vm-tiny1", "learning", false);
        },
        DESKTOP,
        (Code::PortLearningOff, "host", Some("vm-tiny1")),
    ),
    (
        "the guest's MAC address is fixed behind the uplink",
        |lab| {
            let fdb = &mut at(lab, "host").fdb;
            let mut own = fdb[0].clone();
            fdb.retain(|entry| entry.mac != "02:00:00:00:00:01");
            own.mac = "02:00:00:00:00:01".to_owned();
            own.port = "eno1".to_owned();
            own.master = Some("br0".to_owned());
            own.state = "static".to_owned();
            fdb.push(own);
        },
        DESKTOP,
        (Code::FdbWrongPort, "host", Some("vm-tiny1")),
    ),
    (
        "two links have one MAC address",
        |lab| link(lab, "desktop", "eth0").mac = "02:00:00:00:00:01".to_owned(),
        &["guest-ping-router-v4", "host-ping-guest-v4"],
        (Code::FdbDuplicateMac, "desktop", Some("eth0")),
    ),
    (
        "the TAP is in another VLAN",
        |lab| {
            link(lab, "host", "br0").linkinfo.data["vlan_filtering"] = json!(1);
            let vlans = &mut at(lab, "host").vlans;
            for (name, vlan) in [("eno1", 1), ("br0", 1), ("vm-tiny1", 20)] {
                let own = PortVlan {
                    first: vlan,
                    last: vlan,
                    pvid: true,
                    untagged: true,
                };
                vlans.insert(name.to_owned(), vec![own]);
            }
        },
        DESKTOP,
        (Code::PortVlan, "host", Some("vm-tiny1")),
    ),
];
