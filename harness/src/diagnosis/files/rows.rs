//! Which keys can make a gap with a code: a row for each, with the keys of unit files and the keys of the scenario file.

use crate::diagnosis::code::Code;

/// Keys that can make a gap.
#[derive(Debug)]
pub(super) struct Row {
    /// Gaps with one of these codes.
    pub(super) codes: &'static [Code],
    /// Sections and keys of `.network` files, the most usual first.
    pub(super) network: &'static [(&'static str, &'static str)],
    /// The same of `.netdev` files, of the link that the gap is about.
    pub(super) netdev: &'static [(&'static str, &'static str)],
    /// Ways through the scenario file, from the machine or the guest: `LINK` is the gap's link, `KEY` its key, `NIC.` leads to the
    /// guest's NIC that has the link as its host's end, and `PORT.` to each bridge's port of that name.
    pub(super) scenario: &'static [&'static str],
    /// What of a machine of the base topology is missing where the scenario's `remove` takes it away; a `*` is any machine.
    pub(super) removed: &'static [&'static str],
}

/// The row of a code; an empty one where no key can make it.
pub(super) fn of(code: Code) -> &'static Row {
    const NONE: &Row = &Row {
        codes: &[],
        network: &[],
        netdev: &[],
        scenario: &[],
        removed: &[],
    };
    let mut rows = ROWS.iter();
    rows.find(|row| row.codes.contains(&code)).unwrap_or(NONE)
}

const ROWS: &[Row] = &[
    Row {
        codes: &[Code::PortNotEnslaved, Code::PortWrongMaster],
        network: &[("Network", "Bridge")],
        netdev: &[],
        scenario: &["interfaces[name=LINK].master", "NIC.master"],
        removed: &[],
    },
    Row {
        codes: &[Code::LinkAbsent],
        network: &[],
        netdev: &[("NetDev", "Name"), ("NetDev", "Kind")],
        scenario: &["NIC.id", "bridges.LINK", "interfaces[name=LINK].name"],
        removed: &[],
    },
    Row {
        codes: &[Code::LinkKind],
        network: &[],
        netdev: &[("NetDev", "Kind")],
        scenario: &["NIC.type", "bridges.LINK"],
        removed: &[],
    },
    Row {
        codes: &[Code::LinkDown, Code::LinkNoCarrier],
        network: &[
            ("Link", "ActivationPolicy"),
            ("Network", "ConfigureWithoutCarrier"),
        ],
        netdev: &[],
        scenario: &["NIC.up"],
        removed: &[],
    },
    Row {
        codes: &[Code::LinkMtu],
        network: &[("Link", "MTUBytes"), ("Network", "IPv6MTUBytes")],
        netdev: &[("NetDev", "MTUBytes")],
        scenario: &["interfaces[name=LINK].mtu", "NIC.mtu", "bridges.LINK.mtu"],
        removed: &[],
    },
    Row {
        codes: &[Code::LinkMac, Code::FdbDuplicateMac, Code::NeighWrongMac],
        network: &[("Link", "MACAddress")],
        netdev: &[("NetDev", "MACAddress")],
        scenario: &["interfaces[name=LINK].mac", "NIC.mac", "bridges.LINK.mac"],
        removed: &[],
    },
    Row {
        codes: &[Code::LinkSetting],
        network: &[("Link", "ARP")],
        netdev: &[],
        scenario: &[
            "PORT.KEY",
            "bridges.LINK.KEY",
            "interfaces[name=LINK].KEY",
            "NIC.KEY",
        ],
        removed: &[],
    },
    Row {
        codes: &[Code::PortIsolated],
        network: &[("Bridge", "Isolated")],
        netdev: &[],
        scenario: &["PORT.isolated"],
        removed: &[],
    },
    Row {
        codes: &[Code::PortFloodOff],
        network: &[("Bridge", "UnicastFlood"), ("Bridge", "Learning")],
        netdev: &[],
        scenario: &["PORT.flood", "PORT.learning"],
        removed: &[],
    },
    Row {
        codes: &[Code::PortBcastOff],
        network: &[],
        netdev: &[],
        scenario: &["PORT.bcast_flood"],
        removed: &[],
    },
    Row {
        codes: &[Code::PortMcastOff, Code::MdbNotMember],
        network: &[("Bridge", "MulticastFlood")],
        netdev: &[("Bridge", "MulticastSnooping")],
        scenario: &["PORT.mcast_flood", "bridges.LINK.multicast_snooping"],
        removed: &[],
    },
    Row {
        codes: &[Code::PortLocked],
        network: &[("Bridge", "Locked")],
        netdev: &[],
        scenario: &["PORT.locked"],
        removed: &[],
    },
    Row {
        codes: &[Code::PortLearningOff],
        network: &[("Bridge", "Learning")],
        netdev: &[],
        scenario: &["PORT.learning"],
        removed: &[],
    },
    Row {
        codes: &[Code::PortBlocking],
        network: &[("Bridge", "Cost"), ("Bridge", "Priority")],
        netdev: &[("Bridge", "STP"), ("Bridge", "ForwardDelaySec")],
        scenario: &[
            "bridges.LINK.stp",
            "bridges.LINK.forward_delay",
            "PORT.cost",
        ],
        removed: &[],
    },
    Row {
        codes: &[Code::PortVlan],
        network: &[
            ("BridgeVLAN", "PVID"),
            ("BridgeVLAN", "VLAN"),
            ("BridgeVLAN", "EgressUntagged"),
            ("Network", "VLAN"),
        ],
        netdev: &[
            ("Bridge", "VLANFiltering"),
            ("Bridge", "DefaultPVID"),
            ("VLAN", "Id"),
        ],
        scenario: &[
            "PORT.pvid",
            "PORT.vlans",
            "PORT.untagged",
            "bridges.LINK.default_pvid",
            "bridges.LINK.vlan_filtering",
        ],
        removed: &[],
    },
    Row {
        codes: &[
            Code::AddressAbsent,
            Code::AddressOther,
            Code::AddressDuplicate,
            Code::AddressDadFailed,
            Code::AddressTentative,
        ],
        network: &[
            ("Network", "Address"),
            ("Address", "Address"),
            ("Network", "DHCP"),
            ("Network", "IPv6AcceptRA"),
        ],
        netdev: &[],
        scenario: &[
            "interfaces[name=LINK].addresses",
            "bridges.LINK.addresses",
            "NIC.addresses",
            "interfaces[0].addresses",
            "dnsmasq.dhcp",
        ],
        removed: &[],
    },
    Row {
        codes: &[
            Code::RouteNone,
            Code::RouteOtherLink,
            Code::RouteNoneBack,
            Code::RouteRefused,
            Code::NeighUnanswered,
        ],
        network: &[
            ("Network", "Gateway"),
            ("Route", "Gateway"),
            ("Route", "Destination"),
            ("Route", "Metric"),
            ("Route", "Type"),
            ("Network", "IPv6AcceptRA"),
            ("Network", "DHCP"),
        ],
        netdev: &[],
        scenario: &["routes", "interfaces[name=LINK].routes", "NIC.routes"],
        removed: &["routes"],
    },
    Row {
        codes: &[Code::RouteRpFilter],
        network: &[("Network", "IPv4ReversePathFilter")],
        netdev: &[],
        scenario: &["sysctls.KEY"],
        removed: &[],
    },
    Row {
        codes: &[Code::ForwardOff],
        network: &[
            ("Network", "IPv4Forwarding"),
            ("Network", "IPv6Forwarding"),
            ("Network", "IPForward"),
            ("Network", "IPMasquerade"),
        ],
        netdev: &[],
        scenario: &["sysctls.KEY", "forward"],
        removed: &["forward"],
    },
    Row {
        codes: &[Code::SysctlIgnores, Code::SysctlValue, Code::HookBridgeNf],
        network: &[],
        netdev: &[],
        scenario: &["sysctls.KEY"],
        removed: &[],
    },
    Row {
        codes: &[Code::SocketNone, Code::ServiceNotRunning],
        network: &[("Network", "DHCPServer")],
        netdev: &[],
        scenario: &["http.port", "http", "dnsmasq.interface", "dnsmasq"],
        removed: &["http", "dnsmasq", "networkd"],
    },
    Row {
        codes: &[Code::ServiceAnswer, Code::ServiceSilent],
        network: &[],
        netdev: &[],
        scenario: &[
            "dnsmasq.faults.KEY",
            "dnsmasq.records.KEY",
            "http.body",
            "dnsmasq.records",
        ],
        removed: &[],
    },
    Row {
        codes: &[Code::ServiceResolver],
        network: &[
            ("Network", "DNS"),
            ("Network", "DHCP"),
            ("Network", "IPv6AcceptRA"),
        ],
        netdev: &[],
        scenario: &["dns", "dnsmasq.ra.rdnss"],
        removed: &[],
    },
    Row {
        codes: &[Code::RaNotSent, Code::RaContent],
        network: &[
            ("Network", "IPv6SendRA"),
            ("IPv6Prefix", "Prefix"),
            ("IPv6SendRA", "RouterLifetimeSec"),
            ("IPv6SendRA", "DNS"),
            ("Network", "LinkLocalAddressing"),
        ],
        netdev: &[],
        scenario: &[
            "dnsmasq.ra.KEY",
            "dnsmasq.ra",
            "dnsmasq.interface",
            "dnsmasq",
        ],
        removed: &["*.dnsmasq.ra", "*.dnsmasq"],
    },
    Row {
        codes: &[Code::RaIgnored, Code::RaNotSeen],
        network: &[
            ("Network", "IPv6AcceptRA"),
            ("IPv6AcceptRA", "UseAutonomousPrefix"),
            ("IPv6AcceptRA", "UseGateway"),
            ("IPv6AcceptRA", "UseDNS"),
            ("Network", "LinkLocalAddressing"),
        ],
        netdev: &[],
        scenario: &["sysctls.KEY", "NIC.accept_ra"],
        removed: &[],
    },
    Row {
        codes: &[Code::UnitConfiguring, Code::UnitSetting, Code::UnitInvalid],
        network: &[
            ("Link", "RequiredForOnline"),
            ("Network", "Gateway"),
            ("Route", "Gateway"),
            ("Network", "DHCP"),
            ("Network", "DNS"),
            ("Network", "Bridge"),
        ],
        netdev: &[],
        scenario: &[],
        removed: &[],
    },
    Row {
        codes: &[Code::ContainerSetting, Code::ContainerNotRunning],
        network: &[],
        netdev: &[],
        scenario: &["docker.KEY", "containers.LINK.KEY", "containers.LINK"],
        removed: &[],
    },
    Row {
        codes: &[Code::VmmTapRefused, Code::VmmSetting, Code::VmmNotStarted],
        network: &[],
        netdev: &[],
        scenario: &["NIC.KEY", "NIC.owner", "NIC.multi_queue", "KEY"],
        removed: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networkd::UnitKind;

    #[test]
    fn the_keys_of_unit_files_are_networkd_s() {
        for row in ROWS {
            for (kind, keys) in [
                (UnitKind::Network, row.network),
                (UnitKind::Netdev, row.netdev),
            ] {
                for (section, key) in keys {
                    let known = kind.sections().get(*section);
                    let known = known.is_some_and(|keys| keys.contains_key(key));
                    assert!(known, "[{section}] {key} of {:?}", row.codes);
                }
            }
        }
    }

    #[test]
    fn a_code_has_one_row() {
        for code in Code::ALL {
            let rows = ROWS.iter().filter(|row| row.codes.contains(code));
            assert!(rows.count() < 2, "{code}");
        }
    }
}
