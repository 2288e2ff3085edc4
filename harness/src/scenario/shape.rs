//! The format as data: which keys each table takes. `scenarios/README.md` documents every one of them, and a
//! test compares the two.

/// A kind of table.
#[derive(Debug)]
pub(super) struct Shape {
    /// With its article, as errors say it.
    pub(super) what: &'static str,
    /// Every key it takes.
    pub(super) keys: &'static [&'static str],
}

const fn shape(what: &'static str, keys: &'static [&'static str]) -> Shape {
    Shape { what, keys }
}

pub(super) const FILE: Shape = shape(
    "a scenario",
    &[
        "version", "summary", "source", "tags", "base", "segments", "machines", "guests", "checks",
        "steps", "variants",
    ],
);
/// The keys of a variant that are laid over the file.
pub(super) const LAYERED: &[&str] = &["segments", "machines", "guests", "checks", "steps"];
pub(super) const VARIANT: Shape = shape(
    "a variant",
    &[
        "summary",
        "must_fail",
        "seen",
        "segments",
        "machines",
        "guests",
        "checks",
        "steps",
    ],
);
pub(super) const SEGMENT: Shape = shape("a segment", &["kind", "mtu", "multicast_snooping"]);
pub(super) const MACHINE: Shape = shape(
    "a machine",
    &[
        "enabled",
        "interfaces",
        "bridges",
        "forward",
        "routes",
        "sysctls",
        "nftables",
        "iptables",
        "ip6tables",
        "networkd",
        "without_units",
        "dnsmasq",
        "http",
    ],
);
pub(super) const INTERFACE: Shape = shape(
    "a machine's interface",
    &["name", "segment", "mac", "master", "addresses", "mtu"],
);
pub(super) const BRIDGE: Shape = shape(
    "a bridge",
    &[
        "mac",
        "mtu",
        "stp",
        "priority",
        "forward_delay",
        "hello_time",
        "max_age",
        "ageing_time",
        "multicast_snooping",
        "multicast_querier",
        "vlan_filtering",
        "default_pvid",
        "addresses",
        "ports",
    ],
);
pub(super) const BRIDGE_PORT: Shape = shape(
    "a bridge's port",
    &[
        "isolated", "hairpin", "learning", "cost", "priority", "pvid", "vlans",
    ],
);
/// A route of a guest, whose kernel's names for its NICs nobody knows.
pub(super) const ROUTE: Shape = shape("a route", &["to", "via"]);
pub(super) const MACHINE_ROUTE: Shape = shape(
    "a machine's route",
    &["to", "via", "dev", "onlink", "metric"],
);
/// A route by a TAP, which is its `dev`.
pub(super) const HOST_ROUTE: Shape =
    shape("a route of the host", &["to", "via", "onlink", "metric"]);
pub(super) const DNSMASQ: Shape = shape(
    "dnsmasq",
    &[
        "interface",
        "records",
        "faults",
        "ra",
        "dhcp",
        "dhcp_options",
    ],
);
pub(super) const RA: Shape = shape(
    "`ra`",
    &[
        "prefix", "prefixes", "rdnss", "lifetime", "managed", "other", "enabled",
    ],
);
pub(super) const RA_PREFIX: Shape = shape(
    "an advertised prefix",
    &[
        "prefix",
        "valid_lifetime",
        "deprecated",
        "autonomous",
        "on_link",
    ],
);
pub(super) const HTTP_SERVER: Shape = shape("an HTTP server", &["port", "body"]);
pub(super) const GUEST: Shape = shape(
    "a guest",
    &[
        "on",
        "vcpu",
        "mem",
        "image",
        "hypervisor",
        "machine",
        "transport",
        "start",
        "interfaces",
        "units",
        "without_units",
        "routes",
        "dns",
        "containers",
    ],
);
pub(super) const GUEST_INTERFACE: Shape = shape(
    "a guest's interface",
    &[
        "type",
        "id",
        "mac",
        "duplicate_mac",
        "invalid_mac",
        "addresses",
        "accept_ra",
        "mtu",
        "checksum_offload",
        "segmentation_offload",
        "owner",
        "multi_queue",
        "vnet_hdr",
        "up",
        "before_networkd",
        "master",
        "host_mtu",
        "host_addresses",
        "host_routes",
    ],
);
pub(super) const CHECK: Shape = shape(
    "a check",
    &[
        "id",
        "from",
        "within",
        "after",
        "holds_for",
        "fails_until",
        "fails",
        "ping",
        "dns",
        "router_advert",
        "ra_accepted",
        "tcp",
        "http",
        "ssh",
        "address",
        "route",
        "bridge_port",
        "networkctl",
        "wait_online",
        "container_veth",
        "link",
        "neighbour",
        "fdb",
        "mdb",
        "bridge_vlan",
        "sysctl",
        "command",
        "packet",
        "counter",
        "process",
        "vmm",
    ],
);

/// The kinds of checks: exactly one of these keys stands in each check.
pub(super) const KINDS: &[Shape] = &[
    shape(
        "ping",
        &["to", "count", "size", "df", "source", "interval", "loss"],
    ),
    shape("dns", &["name", "record", "server", "expect", "rcode"]),
    shape(
        "router_advert",
        &[
            "interface",
            "prefix",
            "autonomous",
            "managed",
            "other",
            "min_lifetime",
            "rdnss",
        ],
    ),
    shape("ra_accepted", &["interface", "prefix"]),
    shape("tcp", &["to", "port"]),
    shape("http", &["to", "port", "expect", "bytes"]),
    shape("ssh", &["to", "guest"]),
    shape("address", &["interface", "address", "prefix", "state"]),
    shape("route", &["to", "via", "proto", "dev", "metric", "absent"]),
    shape("bridge_port", &["interface", "bridge"]),
    shape("networkctl", &["interface", "setup", "operational"]),
    shape("wait_online", &["interface"]),
    shape("container_veth", &["container", "bridge"]),
    shape(
        "link",
        &[
            "interface",
            "absent",
            "master",
            "nomaster",
            "carrier",
            "operstate",
            "mtu",
            "mac",
            "state",
            "flags",
            "kind",
            "multi_queue",
            "vnet_hdr",
        ],
    ),
    shape(
        "neighbour",
        &["interface", "address", "mac", "state", "absent"],
    ),
    shape("fdb", &["mac", "interface", "bridge", "vlan", "absent"]),
    shape("mdb", &["group", "interface", "bridge", "absent"]),
    shape(
        "bridge_vlan",
        &["interface", "vlan", "pvid", "untagged", "absent"],
    ),
    shape("sysctl", &["key", "value"]),
    shape("command", &["run", "status", "stdout"]),
    shape("packet", &["interface", "filter", "count", "last", "since"]),
    shape("counter", &["tool", "table", "chain", "rule", "packets"]),
    shape("process", &["name", "user", "absent"]),
    shape("vmm", &["guest", "refused"]),
];

pub(super) const STEP: Shape = shape(
    "a step",
    &[
        "id",
        "enabled",
        "before",
        "within",
        "may_fail",
        "refused",
        "start",
        "stop",
        "restart",
        "start_daemon",
        "stop_daemon",
        "reload",
        "link_up",
        "link_down",
        "delete_link",
        "add_bridge",
        "plug",
        "unplug",
        "write_unit",
        "remove_unit",
        "run",
        "send",
        "impair",
        "unimpair",
        "flush",
        "sysctl",
        "wait_for",
    ],
);

/// The actions of steps: exactly one of these keys stands in each step.
pub(super) const ACTIONS: &[Shape] = &[
    shape("start", &["guest"]),
    shape("stop", &["guest"]),
    shape("restart", &["guest"]),
    shape("start_daemon", &["on", "daemon"]),
    shape("stop_daemon", &["on", "daemon"]),
    shape("reload", &["on", "daemon", "interface"]),
    shape("link_up", &["on", "interface"]),
    shape("link_down", &["on", "interface"]),
    shape("delete_link", &["on", "interface"]),
    shape(
        "add_bridge",
        &[
            "on",
            "name",
            "stp",
            "forward_delay",
            "mac",
            "addresses",
            "ports",
        ],
    ),
    shape("plug", &["guest", "interface", "mac"]),
    shape("unplug", &["guest", "interface"]),
    shape("write_unit", &["on", "name", "content", "file"]),
    shape("remove_unit", &["on", "name"]),
    shape("run", &["on", "command", "status"]),
    shape(
        "send",
        &["on", "interface", "hex", "announce", "mac", "count"],
    ),
    shape("impair", &["on", "interface", "loss", "delay", "rate"]),
    shape("unimpair", &["on", "interface"]),
    shape("flush", &["on", "neighbours", "fdb", "interface"]),
    shape("sysctl", &["on", "key", "value"]),
    shape("wait_for", &WAIT_FOR),
];

/// `from`, and every kind of check.
const WAIT_FOR: [&str; KINDS.len() + 1] = {
    let mut keys = ["from"; KINDS.len() + 1];
    let mut at = 0;
    while at < KINDS.len() {
        keys[at + 1] = KINDS[at].what;
        at += 1;
    }
    keys
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_documents_every_key() {
        let readme = include_str!("../../../scenarios/README.md");
        let tables = [
            &FILE,
            &VARIANT,
            &SEGMENT,
            &MACHINE,
            &INTERFACE,
            &BRIDGE,
            &BRIDGE_PORT,
            &ROUTE,
            &MACHINE_ROUTE,
            &HOST_ROUTE,
            &DNSMASQ,
            &RA,
            &RA_PREFIX,
            &HTTP_SERVER,
            &GUEST,
            &GUEST_INTERFACE,
            &CHECK,
            &STEP,
        ];
        for shape in tables.into_iter().chain(KINDS).chain(ACTIONS) {
            for key in shape.keys {
                assert!(
                    readme.contains(&format!("`{key}`")),
                    "{key} of {}",
                    shape.what
                );
            }
        }
    }

    #[test]
    fn the_kinds_of_checks_are_keys_of_checks() {
        let kinds: Vec<_> = KINDS.iter().map(|kind| kind.what).collect();
        let first = CHECK.keys.len() - kinds.len();
        assert_eq!(CHECK.keys[first..], kinds);
    }

    #[test]
    fn the_actions_are_keys_of_steps() {
        let actions: Vec<_> = ACTIONS.iter().map(|action| action.what).collect();
        let first = STEP.keys.len() - actions.len();
        assert_eq!(STEP.keys[first..], actions);
    }
}
