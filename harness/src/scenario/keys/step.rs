//! Steps, and what each action of them takes.

use super::machine::bridge_keys;
use super::port::{COST, GROUP_FWD_MASK, PRIORITY, port_flags};
use super::{Kind, TableKeys, may, must, table_keys};

const ON: &str = "where it is done: a machine or a guest";
const MACHINE: &str = "where it is done: a machine";
const DAEMONS: Kind = Kind::Words(&["networkd", "dnsmasq", "http", "resolved", "docker"]);

pub(in crate::scenario) const STEP: TableKeys = TableKeys {
    what: "a step",
    doc: "done once the lab stands, after the step before it: exactly one action stands in each",
    keys: &[
        must("id", Kind::ID, "unique among the steps"),
        may(
            "enabled",
            Kind::Flag,
            "true",
            "`false` takes a step of a lower layer away; the checks after it are looked at all the same",
        ),
        may(
            "before",
            Kind::ID,
            "none: to the end",
            "a variant's new step goes before the step of this id",
        ),
        may(
            "within",
            Kind::TIME,
            "`\"30s\"`; `\"60s\"` for `start` and `restart`",
            "how long it may take; at most `\"1h\"`",
        ),
        may(
            "may_fail",
            Kind::Flag,
            "false",
            "the run goes on when the kernel or the tool refuses it",
        ),
        may(
            "refused",
            Kind::Text,
            "none",
            "it must be refused, with these words in what the kernel or the tool says",
        ),
    ],
    one_of: || ACTIONS,
};

/// The actions of steps: exactly one of these stands in each step.
pub(in crate::scenario) const ACTIONS: &[TableKeys] = &[
    table_keys("start", "`systemctl start microvm@GUEST`", GUEST),
    table_keys("stop", "`systemctl stop microvm@GUEST`", GUEST),
    table_keys(
        "restart",
        "`systemctl restart microvm@GUEST`: its TAPs are made anew",
        GUEST,
    ),
    table_keys("start_daemon", "`systemctl start DAEMON`", DAEMON),
    table_keys(
        "stop_daemon",
        "`systemctl stop DAEMON`; what networkd has set up stays",
        DAEMON,
    ),
    table_keys(
        "reload",
        "`networkctl reload`; with `interface`: `networkctl reconfigure INTERFACE`; dnsmasq: SIGHUP, it forgets its cache",
        &[
            must("on", Kind::Text, ON),
            may(
                "daemon",
                Kind::Words(&["networkd", "dnsmasq", "http", "resolved", "docker"]),
                "\"networkd\"",
                "networkd or dnsmasq",
            ),
            may("interface", Kind::INTERFACE, "none", "link"),
        ],
    ),
    table_keys("link_up", "`ip link set INTERFACE up`", LINK),
    table_keys("link_down", "`ip link set INTERFACE down`", LINK),
    table_keys("delete_link", "`ip link delete INTERFACE`", LINK),
    table_keys(
        "add_bridge",
        "`ip link add NAME type bridge`, its ports and addresses, and up; with the options of a machine's bridge",
        bridge_keys!(
            [
                must("on", Kind::Text, MACHINE),
                must("name", Kind::INTERFACE, "the bridge")
            ],
            [may(
                "ports",
                Kind::List(&Kind::INTERFACE),
                "[]",
                "its ports"
            )]
        ),
    ),
    table_keys(
        "bridge_port",
        "`ip link set INTERFACE type bridge_slave ...`, whoever put the port on its bridge; at least one of the keys that follow `interface`",
        port_flags!(
            may,
            [
                must("on", Kind::Text, ON),
                must("interface", Kind::INTERFACE, "port")
            ],
            [COST, PRIORITY, GROUP_FWD_MASK]
        ),
    ),
    table_keys(
        "plug",
        "QEMU's `device_add`; the TAP comes with it",
        &[
            must("guest", Kind::NAME, "whose NIC"),
            must("interface", Kind::INTERFACE, "its name on the host"),
            may(
                "mac",
                Kind::MAC,
                "that of the guest's NIC of this name",
                "the guest's address",
            ),
        ],
    ),
    table_keys(
        "unplug",
        "QEMU's `device_del`; the TAP goes with it",
        &[
            must("guest", Kind::NAME, "whose NIC"),
            must("interface", Kind::INTERFACE, "its name on the host"),
        ],
    ),
    table_keys(
        "write_unit",
        "writes a unit file, or replaces it; `reload` makes it count",
        &[
            must("on", Kind::Text, ON),
            may("name", Kind::Text, "the name of `file`", "file name"),
            may("content", Kind::Text, "that of `file`", "what it says"),
            may("file", Kind::PATH, "none", "a file beside the scenario's"),
        ],
    ),
    table_keys(
        "remove_unit",
        "`rm`",
        &[
            must("on", Kind::Text, ON),
            must("name", Kind::Text, "file name"),
        ],
    ),
    table_keys(
        "run",
        "the command; its exit status must be `status`",
        &[
            must(
                "on",
                Kind::Text,
                "where it is run: a machine, a guest, or `\"GUEST/CONTAINER\"`",
            ),
            must(
                "command",
                Kind::List(&Kind::Text),
                "program and arguments; no shell",
            ),
            may("status", Kind::Integer(0, 255), "0", "exit status"),
            may(
                "background",
                Kind::Flag,
                "false",
                "`COMMAND &`: it goes on while later steps are done and checks are looked at; its end before the last of them, \
                 and before a `kill`, leaves no verdict",
            ),
        ],
    ),
    table_keys(
        "kill",
        "`kill %RUN`: ends a command in the background, with everything that it has started",
        &[must("run", Kind::ID, "the id of the step that started it")],
    ),
    table_keys(
        "send",
        "`arping -U`: an ARP announcement, for IPv6 an unsolicited neighbour advertisement; or any frame",
        &[
            must("on", Kind::Text, MACHINE),
            must("interface", Kind::INTERFACE, "link"),
            may("hex", Kind::Text, "none", "a frame without its checksum"),
            may("announce", Kind::IP, "none", "an address"),
            may("mac", Kind::MAC, "the link's own", "its MAC address"),
            may("count", Kind::Integer(1, 10_000), "1", "how often"),
        ],
    ),
    table_keys(
        "impair",
        "`tc qdisc replace dev INTERFACE root netem ...`: what leaves the link suffers; at least one of `loss`, `delay`, `rate`",
        &[
            must("on", Kind::Text, MACHINE),
            must("interface", Kind::INTERFACE, "link"),
            may("loss", Kind::Integer(1, 100), "none", "percent"),
            may("delay", Kind::TIME, "none", "of each frame"),
            may("rate", Kind::Integer(8, 100_000_000), "none", "kbit/s"),
        ],
    ),
    table_keys("unimpair", "`tc qdisc delete dev INTERFACE root`", LINK),
    table_keys(
        "offload",
        "`ethtool -K INTERFACE tx off tso off gso off`; at least one of `checksum`, `segmentation`",
        &[
            must("on", Kind::Text, MACHINE),
            must("interface", Kind::INTERFACE, "link"),
            may(
                "checksum",
                Kind::Flag,
                "left as it is",
                "`tx`: checksums of what is sent are left to the other side",
            ),
            may(
                "segmentation",
                Kind::Flag,
                "left as it is",
                "`tso` and `gso`: segments larger than the MTU",
            ),
        ],
    ),
    table_keys(
        "flush",
        "`ip neigh flush all`; `ip link set BRIDGE type bridge fdb_flush`",
        &[
            must("on", Kind::Text, ON),
            may("neighbours", Kind::Flag, "false", "the neighbour caches"),
            may(
                "fdb",
                Kind::INTERFACE,
                "none",
                "the forwarding database of this bridge",
            ),
            may(
                "interface",
                Kind::INTERFACE,
                "all",
                "neighbours on this link",
            ),
        ],
    ),
    table_keys(
        "sysctl",
        "`sysctl -w KEY=VALUE`",
        &[
            must("on", Kind::Text, ON),
            must("key", Kind::Text, "below `net.`"),
            must("value", Kind::Text, "value"),
        ],
    ),
    TableKeys {
        what: "wait_for",
        doc: "waits until that check would hold, at most `within`",
        keys: &[must("from", Kind::Text, "where to look from")],
        one_of: || crate::scenario::check_kind::KINDS,
    },
];

const GUEST: &[super::Key] = &[must("guest", Kind::NAME, "which")];
const DAEMON: &[super::Key] = &[must("on", Kind::Text, ON), must("daemon", DAEMONS, "which")];
const LINK: &[super::Key] = &[
    must("on", Kind::Text, ON),
    must("interface", Kind::INTERFACE, "link"),
];
