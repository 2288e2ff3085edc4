//! Machines that are network namespaces.

use super::{
    Added, BRIDGE_PORT, KeyType, TableKeys, first_of_each, flag, list, map, may, must, path,
    table_keys, text, time,
};
use crate::scenario::{MacvlanMode, machine_link};

/// `duplicate_mac` of an interface.
pub const DUPLICATE_MAC: super::Key = flag(
    "duplicate_mac",
    "false",
    "another interface may have the same address",
);
/// Bytes that a link may carry at once: from what IPv4 asks for to what a length field says.
pub const MTU: KeyType = KeyType::Integer(68, 65_535);
/// `mac` of an interface that may be without.
pub const OWN_MAC: super::Key = may("mac", KeyType::MAC, "derived from the names", "MAC address");
pub(super) const WITHOUT_UNITS: super::Key = list(
    "without_units",
    &KeyType::Text,
    "unit files of that folder to leave out",
);
pub(super) const FAULTY_UNITS: super::Key = list(
    "faulty_units",
    &KeyType::Text,
    "unit files that are meant to be as they are: no warning is given about them",
);
pub(super) const MACHINE_ID: super::Key = may(
    "machine_id",
    KeyType::Like("machine-id", "^[0-9a-f]{32}$"),
    "one of its own",
    "machine-id(5), of which networkd makes DHCP's DUID and the MAC addresses of its bridges. Where there is a networkd",
);
pub(super) const DUPLICATE_MACHINE_ID: super::Key = flag(
    "duplicate_machine_id",
    "false",
    "another may have the same one: it is a clone",
);

pub(crate) const MACHINE: TableKeys = table_keys(
    "a machine",
    "a network namespace",
    &[
        flag(
            "enabled",
            "true",
            "`false` takes a machine of a lower layer away",
        ),
        list(
            "interfaces",
            &KeyType::Table(&INTERFACE),
            "plugged into segments, in this order",
        ),
        map(
            "bridges",
            &KeyType::Table(&BRIDGE),
            "made as by `ip link add NAME type bridge`. Not with `networkd`",
        ),
        flag("forward", "false", "forward IPv4 and IPv6"),
        list(
            "routes",
            &KeyType::Table(&MACHINE_ROUTE),
            "static routes. Not with `networkd`",
        ),
        map(
            "sysctls",
            &KeyType::Text,
            "`\"net.ipv4.ip_forward\" = \"1\"`: keys below `net.`, in quotes",
        ),
        path(
            "nftables",
            "file beside the scenario for `nft -f`, loaded before any link is up",
        ),
        path(
            "iptables",
            "file beside the scenario for `iptables-restore`",
        ),
        path(
            "ip6tables",
            "file beside the scenario for `ip6tables-restore`",
        ),
        path(
            "networkd",
            "folder of unit files for a systemd-networkd in the machine",
        ),
        WITHOUT_UNITS,
        FAULTY_UNITS,
        MACHINE_ID,
        DUPLICATE_MACHINE_ID,
        may(
            "dnsmasq",
            KeyType::Table(&DNSMASQ),
            "none",
            "DNS, router advertisements, DHCP",
        ),
        may("http", KeyType::Table(&HTTP_SERVER), "none", "HTTP server"),
    ],
)
.with(Added {
    behind: "bridges",
    keys: machine_link::keys,
});

pub(crate) const INTERFACE: TableKeys = table_keys(
    "a machine's interface",
    "one end of a cable or of a switch's port",
    &[
        must("name", KeyType::INTERFACE, "name in the machine"),
        must("segment", KeyType::NAME, "what it is plugged into"),
        OWN_MAC,
        DUPLICATE_MAC,
        may(
            "master",
            KeyType::INTERFACE,
            "none",
            "bridge of the machine that it is put on. Not with `networkd`",
        ),
        list(
            "addresses",
            &KeyType::ADDRESS,
            "addresses with prefix length. Not with `networkd`",
        ),
        may("mtu", MTU, "the kernel's 1500", "largest packet, in bytes"),
    ],
);

/// The keys of a bridge, between those that stand before and behind them: a machine's own, and one that a step makes.
#[doc(hidden)]
#[macro_export]
macro_rules! bridge_keys {
    ([$($before:expr),*], [$($behind:expr),*]) => {
        &[
            $($before,)*
            may(
                "mac",
                KeyType::MAC,
                "the lowest one of its ports",
                "MAC address",
            ),
            may(
                "mtu",
                $crate::scenario::keys::MTU,
                "the smallest one of its ports",
                "largest packet, in bytes",
            ),
            $crate::scenario::keys::flag("stp", "false", "spanning tree protocol"),
            may(
                "priority",
                KeyType::Integer(0, 65_535),
                "32768",
                "in the election of the root bridge",
            ),
            $crate::scenario::keys::time("forward_delay", "\"15s\"", "time in each of listening and learning; `\"2s\"` to `\"30s\"` with `stp`"),
            $crate::scenario::keys::time("hello_time", "\"2s\"", "between two hello packets"),
            $crate::scenario::keys::time("max_age", "\"20s\"", "of what another bridge said"),
            $crate::scenario::keys::time("ageing_time", "\"300s\"", "of an address in the forwarding database"),
            $crate::scenario::keys::flag("multicast_snooping", "true", "IGMP and MLD snooping"),
            $crate::scenario::keys::flag("multicast_querier", "false", "whether the bridge asks for members itself"),
            $crate::scenario::keys::flag("vlan_filtering", "false", "whether it looks at VLAN tags"),
            may(
                "default_pvid",
                KeyType::Integer(0, 4094),
                "1",
                "VLAN of untagged frames of a new port",
            ),
            may(
                "group_fwd_mask",
                KeyType::Integer(0, 65_535),
                "0",
                "bit N: frames to 01:80:c2:00:00:0N pass on; `0x4000` is LLDP",
            ),
            $crate::scenario::keys::list("addresses", &KeyType::ADDRESS, "addresses of the bridge's own interface"),
            $($behind),*
        ]
    };
}
#[doc(inline)]
pub use bridge_keys;

pub(crate) const BRIDGE: TableKeys = table_keys(
    "a bridge",
    "`ip link add NAME type bridge`",
    bridge_keys!(
        [DUPLICATE_MAC],
        [map(
            "ports",
            &KeyType::Table(&BRIDGE_PORT),
            "options of an interface or TAP whose `master` it is"
        )]
    ),
);

/// What macvlans and macvtaps are put on.
pub const LINK: super::Key = must(
    "link",
    KeyType::INTERFACE,
    "link of the machine that it is put on; not a bridge's port",
);
/// Modes of macvlans and macvtaps.
pub const MACVLAN_MODE: KeyType = KeyType::Words(&first_of_each(&MacvlanMode::WORDS));

const TO: super::Key = must("to", KeyType::PREFIX, "destination");
const ONLINK: super::Key = flag(
    "onlink",
    "false",
    "the next hop is on that link although no address says so",
);
const METRIC: super::Key = may(
    "metric",
    KeyType::Integer(0, 4_294_967_295),
    "the kernel's",
    "the lower one wins",
);

pub(crate) const MACHINE_ROUTE: TableKeys = table_keys(
    "a machine's route",
    "`ip route add TO via VIA dev DEV`; `via`, `dev` or both",
    &[
        TO,
        may("via", KeyType::IP, "none", "next hop, of the same family"),
        may("dev", KeyType::INTERFACE, "none", "interface"),
        ONLINK,
        METRIC,
    ],
);

/// A route by a TAP, which is its `dev`.
pub(crate) const HOST_ROUTE: TableKeys = table_keys(
    "a route of the host",
    "`ip route add TO via VIA dev TAP`",
    &[
        TO,
        may(
            "via",
            KeyType::IP,
            "none: on the link",
            "next hop, of the same family",
        ),
        ONLINK,
        METRIC,
    ],
);

/// A route of a guest, whose kernel's names for its NICs nobody knows.
pub(crate) const ROUTE: TableKeys = table_keys(
    "a route",
    "`ip route add TO via VIA`",
    &[TO, must("via", KeyType::IP, "next hop, of the same family")],
);

pub(crate) const DNSMASQ: TableKeys = table_keys(
    "dnsmasq",
    "dnsmasq in the machine",
    &[
        must("interface", KeyType::INTERFACE, "interface it serves"),
        map(
            "records",
            &KeyType::List(&KeyType::IP),
            "names it answers; all others are refused",
        ),
        map(
            "faults",
            &KeyType::DNS_FAULT,
            "names whose answer is `nxdomain`, `servfail`, `refused`, `no-answer`, or so much later than right",
        ),
        may("ra", KeyType::Table(&RA), "none", "router advertisements"),
        may(
            "dhcp",
            KeyType::List(&KeyType::IPV4),
            "none",
            "first and last address of the leases, in the interface's own subnet",
        ),
        map(
            "dhcp_options",
            &KeyType::List(&KeyType::Text),
            "by dnsmasq's name or number, with their values; an empty one is not sent. Needs `dhcp`",
        ),
    ],
);

pub(crate) const RA: TableKeys = table_keys(
    "`ra`",
    "what the router advertises (RFC 4861, RFC 8106)",
    &[
        flag(
            "enabled",
            "true",
            "`false`: none are sent, whatever a lower layer says",
        ),
        may(
            "prefix",
            KeyType::IPV6_PREFIX,
            "none",
            "the only prefix, for SLAAC, on the link, for a day",
        ),
        may(
            "prefixes",
            KeyType::List(&KeyType::Table(&RA_PREFIX)),
            "`prefix`",
            "in its place, with lifetimes and flags",
        ),
        list("rdnss", &KeyType::IPV6, "recursive DNS servers"),
        may(
            "lifetime",
            KeyType::Integer(0, 65_535),
            "1800",
            "router lifetime in seconds; 0: not a default router",
        ),
        flag(
            "managed",
            "false",
            "M flag: addresses by DHCPv6, which is served then",
        ),
        flag(
            "other",
            "false",
            "O flag: other configuration by DHCPv6. Always with `managed`",
        ),
    ],
);

pub(crate) const RA_PREFIX: TableKeys = table_keys(
    "an advertised prefix",
    "a prefix information option (RFC 4861, 4.6.2)",
    &[
        must(
            "prefix",
            KeyType::IPV6_PREFIX,
            "the interface has an address in it",
        ),
        time(
            "valid_lifetime",
            "\"24h\"",
            "and preferred lifetime, two minutes at least",
        ),
        flag(
            "deprecated",
            "false",
            "preferred lifetime 0, valid lifetime without end",
        ),
        flag(
            "autonomous",
            "true",
            "A flag: addresses by SLAAC. `false` needs `managed`",
        ),
        flag("on_link", "true", "L flag: the prefix is on this link"),
    ],
);

pub(crate) const HTTP_SERVER: TableKeys = table_keys(
    "an HTTP server",
    "`GET /` answers 200 with `body`",
    &[
        may("port", KeyType::PORT, "80", "TCP port"),
        text("body", "\"\"", "what it answers"),
    ],
);
