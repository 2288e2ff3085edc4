//! The kinds of checks, and what each of them takes.

use super::port::port_flags;
use super::{Kind, Shape, may, must, shape};
use crate::scenario::networkd_words::OPERATIONAL;

/// A switch of a bridge's port that is looked at.
const fn seen(name: &'static str, kind: Kind, _: &str, doc: &'static str) -> super::Key {
    may(name, kind, "any", doc)
}

const ABSENT: super::Key = may("absent", Kind::Flag, "false", "there is none");
const SOURCE: super::Key = may(
    "source",
    Kind::IP,
    "the kernel's choice",
    "address of the vantage to send from",
);

/// The kinds of checks: exactly one of these stands in each check.
pub(in crate::scenario) const KINDS: &[Shape] = &[
    shape(
        "ping",
        "so many percent of the requests as `loss` says stay without a reply",
        &[
            must("to", Kind::IP, "address"),
            may("count", Kind::Integer(1, 1000), "1", "requests"),
            may("size", Kind::Integer(0, 65_507), "56", "bytes of data"),
            may("df", Kind::Flag, "false", "do not fragment"),
            SOURCE,
            may("interval", Kind::TIME, "\"1s\"", "between two requests"),
            may(
                "loss",
                Kind::Range(0, 100),
                "[0, 0]",
                "so many percent stay without a reply, at least and at most; one number is the most",
            ),
        ],
    ),
    shape(
        "dns",
        "the answer is exactly these addresses",
        &[
            must("name", Kind::Like("host name", ""), "what is asked for"),
            must("record", Kind::Words(&["A", "AAAA"]), "record type"),
            may(
                "server",
                Kind::IP,
                "the vantage's own resolver",
                "who is asked",
            ),
            may(
                "source",
                Kind::IP,
                "the kernel's choice",
                "address of the vantage to ask from, with `server`",
            ),
            may(
                "expect",
                Kind::List(&Kind::IP),
                "none, with `rcode`",
                "the addresses, in any order",
            ),
            may(
                "rcode",
                Kind::Words(&[
                    "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "none",
                ]),
                "none, with `expect`",
                "response code; `\"none\"`: nobody answers",
            ),
        ],
    ),
    shape(
        "router_advert",
        "such an advertisement passes on the wire; from a guest, `interface` is an `id`",
        &[
            must("interface", Kind::INTERFACE, "whose wire is watched"),
            must("prefix", Kind::IPV6_PREFIX, "advertised prefix"),
            may("autonomous", Kind::Flag, "true", "the prefix is for SLAAC"),
            may(
                "managed",
                Kind::Flag,
                "false",
                "M flag: addresses by DHCPv6",
            ),
            may("other", Kind::Flag, "false", "O flag: the rest by DHCPv6"),
            may(
                "min_lifetime",
                Kind::Integer(0, 65_535),
                "1",
                "least router lifetime, in seconds",
            ),
            may("rdnss", Kind::List(&Kind::IPV6), "[]", "DNS servers in it"),
        ],
    ),
    shape(
        "ra_accepted",
        "there is an address in the prefix beside the static ones, and a default route by advertisement",
        &[
            may("interface", Kind::INTERFACE, "any", "interface"),
            must("prefix", Kind::IPV6_PREFIX, "prefix of the address"),
        ],
    ),
    shape(
        "tcp",
        "the connection is accepted",
        &[
            must("to", Kind::IP, "address"),
            must("port", Kind::PORT, "port"),
            SOURCE,
            may(
                "bytes",
                Kind::Integer(1, 100_000_000),
                "none",
                "`PUT /bytes/N` brings all N bytes to a machine's `http` unharmed",
            ),
        ],
    ),
    shape(
        "http",
        "`GET /` answers 200 and its body contains the words",
        &[
            must("to", Kind::IP, "address"),
            may("port", Kind::PORT, "80", "port"),
            SOURCE,
            may("expect", Kind::Text, "\"\"", "words in the body"),
            may(
                "bytes",
                Kind::Integer(1, 100_000_000),
                "none",
                "`GET /bytes/N` of a machine's `http` gives all N bytes unharmed",
            ),
        ],
    ),
    shape(
        "ssh",
        "an SSH server answers with that guest's host key",
        &[
            must("to", Kind::IP, "address"),
            must("guest", Kind::NAME, "whose key it must be"),
            SOURCE,
        ],
    ),
    shape(
        "address",
        "the address is there, with this prefix length, and not tentative",
        &[
            may("interface", Kind::INTERFACE, "any", "interface"),
            may("address", Kind::ADDRESS, "none, with `prefix`", "address"),
            may(
                "prefix",
                Kind::PREFIX,
                "none, with `address`",
                "any address of it",
            ),
            may(
                "state",
                Kind::Words(&["usable", "absent", "tentative", "dadfailed", "deprecated"]),
                "\"usable\"",
                "its state",
            ),
        ],
    ),
    shape(
        "route",
        "the route is there",
        &[
            must("to", Kind::PREFIX, "destination"),
            may("via", Kind::IP, "any", "next hop"),
            may(
                "proto",
                Kind::Words(&["kernel", "boot", "static", "ra", "dhcp", "redirect"]),
                "any",
                "who made it, as `ip route` says it",
            ),
            may("dev", Kind::INTERFACE, "any", "interface"),
            may("metric", Kind::Integer(0, 4_294_967_295), "any", "metric"),
            ABSENT,
        ],
    ),
    shape(
        "bridge_port",
        "the interface is a forwarding port of the bridge",
        &[
            must("interface", Kind::INTERFACE, "port"),
            must("bridge", Kind::INTERFACE, "its master"),
        ],
    ),
    shape(
        "networkctl",
        "networkd shows the link so; at least one of these",
        &[
            must("interface", Kind::INTERFACE, "link"),
            may(
                "setup",
                Kind::Words(&[
                    "pending",
                    "initialized",
                    "configuring",
                    "configured",
                    "unmanaged",
                    "failed",
                    "linger",
                ]),
                "any",
                "SETUP column of `networkctl list`",
            ),
            may(
                "operational",
                Kind::Words(&OPERATIONAL),
                "any",
                "OPERATIONAL column of `networkctl list`",
            ),
            may(
                "online",
                Kind::Words(&["online", "partial", "offline"]),
                "any",
                "\"Online state\" of `networkctl status`",
            ),
            may(
                "required_for_online",
                Kind::Text,
                "any",
                "`RequiredForOnline=` as it counts: `\"yes\"`, `\"no\"`, or the operational state that it needs",
            ),
            may(
                "dns",
                Kind::List(&Kind::IP),
                "any",
                "DNS servers, in any order, those of leases and advertisements among them",
            ),
            may(
                "domains",
                Kind::List(&Kind::Text),
                "any",
                "search domains, in any order",
            ),
            may(
                "file",
                Kind::Text,
                "any",
                "name of the `.network` file that applies to it",
            ),
        ],
    ),
    shape(
        "wait_online",
        "`systemd-networkd-wait-online` succeeds",
        &[may("interface", Kind::INTERFACE, "all", "only this link")],
    ),
    shape(
        "container_veth",
        "the container's veth is a port of the bridge; from the guest",
        &[
            must("container", Kind::NAME, "container of the guest"),
            must("bridge", Kind::INTERFACE, "Docker's bridge"),
        ],
    ),
    shape(
        "container",
        "the container runs; or Docker refused to start it in these words. From the guest",
        &[
            must("name", Kind::NAME, "container of the guest"),
            may("refused", Kind::Text, "it must run", "words of Docker's"),
        ],
    ),
    shape(
        "link",
        "`ip -d link` shows all of them so",
        port_flags!(
            seen,
            [
                must("interface", Kind::INTERFACE, "link"),
                ABSENT,
                may("master", Kind::INTERFACE, "any", "its master"),
                may("nomaster", Kind::Flag, "false", "it has no master"),
                may("carrier", Kind::Flag, "any", "carrier"),
                may(
                    "operstate",
                    Kind::Words(&[
                        "up",
                        "down",
                        "lowerlayerdown",
                        "dormant",
                        "testing",
                        "notpresent",
                        "unknown",
                    ]),
                    "any",
                    "operational state (RFC 2863)",
                ),
                may("mtu", Kind::Integer(68, 65_535), "any", "MTU in bytes"),
                may("mac", Kind::MAC, "any", "MAC address"),
                may(
                    "state",
                    Kind::Words(&[
                        "disabled",
                        "listening",
                        "learning",
                        "forwarding",
                        "blocking",
                    ]),
                    "any",
                    "of a bridge port",
                ),
                may(
                    "flags",
                    Kind::List(&Kind::Text),
                    "any",
                    "flags as `ip link` prints them",
                ),
                may("kind", Kind::Text, "any", "kind of link"),
                may("multi_queue", Kind::Flag, "any", "of a TAP"),
                may("vnet_hdr", Kind::Flag, "any", "of a TAP")
            ],
            []
        ),
    ),
    shape(
        "neighbour",
        "`ip neigh` has it: with its MAC address, or in that state",
        &[
            may("interface", Kind::INTERFACE, "any", "interface"),
            must("address", Kind::IP, "address"),
            may("mac", Kind::MAC, "any", "MAC address"),
            may(
                "state",
                Kind::Words(&[
                    "incomplete",
                    "reachable",
                    "stale",
                    "delay",
                    "probe",
                    "failed",
                    "noarp",
                    "permanent",
                ]),
                "resolved",
                "its state",
            ),
            ABSENT,
        ],
    ),
    shape(
        "fdb",
        "`bridge fdb` has the MAC address behind that port",
        &[
            must("mac", Kind::MAC, "MAC address"),
            may("interface", Kind::INTERFACE, "any port", "port"),
            may("bridge", Kind::INTERFACE, "any", "bridge"),
            may("vlan", Kind::Integer(1, 4094), "any", "VLAN"),
            ABSENT,
        ],
    ),
    shape(
        "mdb",
        "`bridge mdb` has members of the group behind that port",
        &[
            must("group", Kind::IP, "multicast group"),
            may(
                "interface",
                Kind::INTERFACE,
                "any port, or the bridge",
                "port",
            ),
            may("bridge", Kind::INTERFACE, "any", "bridge"),
            ABSENT,
        ],
    ),
    shape(
        "bridge_vlan",
        "`bridge vlan` has the port in the VLAN",
        &[
            must("interface", Kind::INTERFACE, "port"),
            must("vlan", Kind::Integer(1, 4094), "VLAN"),
            may("pvid", Kind::Flag, "any", "VLAN of untagged frames"),
            may("untagged", Kind::Flag, "any", "leaves untagged"),
            ABSENT,
        ],
    ),
    shape(
        "sysctl",
        "`sysctl -n` prints the value",
        &[
            must("key", Kind::Text, "below `net.`"),
            must("value", Kind::Text, "value"),
        ],
    ),
    shape(
        "command",
        "it ends with that status, and its standard output contains the words",
        &[
            must("run", Kind::List(&Kind::Text), "words, no shell"),
            may("status", Kind::Integer(0, 255), "0", "exit status"),
            may("stdout", Kind::Text, "\"\"", "words in its standard output"),
        ],
    ),
    shape(
        "packet",
        "so many frames on the wire match the filter",
        &[
            must("interface", Kind::INTERFACE, "whose wire is watched"),
            must("filter", Kind::Text, "filter of tcpdump (pcap-filter(7))"),
            may(
                "count",
                Kind::Range(0, 4_294_967_295),
                "1",
                "at least, or `[least, most]`",
            ),
            may("last", Kind::TIME, "all", "of the last so long"),
            may(
                "since",
                Kind::Words(&["start", "check"]),
                "\"start\"",
                "since when; after a step, since that",
            ),
            may(
                "says",
                Kind::Text,
                "\"\"",
                "only those in whose description by `tcpdump -vv` these words are: `\"bad udp cksum\"`",
            ),
        ],
    ),
    shape(
        "counter",
        "the rules with these words have counted so many packets",
        &[
            may(
                "tool",
                Kind::Words(&["nft", "iptables", "ip6tables"]),
                "\"nft\"",
                "whose rules",
            ),
            must("table", Kind::Text, "`\"inet filter\"`, `\"filter\"`"),
            must("chain", Kind::Text, "chain"),
            may(
                "rule",
                Kind::Text,
                "\"\"",
                "words of the rule; without words, iptables' policy",
            ),
            may(
                "packets",
                Kind::Range(0, 4_294_967_295),
                "1",
                "at least, or `[least, most]`",
            ),
        ],
    ),
    shape(
        "process",
        "the program runs in the vantage's network, as that user",
        &[
            must("name", Kind::Text, "program"),
            may("user", Kind::Text, "any", "user"),
            ABSENT,
        ],
    ),
    shape(
        "vmm",
        "the guest's VMM runs; or it refused to start and its stderr has these words. Needs no `from`",
        &[
            must("guest", Kind::NAME, "whose VMM"),
            may("refused", Kind::Text, "it must run", "words of its stderr"),
        ],
    ),
];
