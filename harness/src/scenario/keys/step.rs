//! Steps, and what each action of them takes.

use super::machine::bridge_keys;
use super::port::{COST, GROUP_FWD_MASK, PRIORITY, port_flags};
use super::{KeyType, TableKeys, may, must, table_keys};

const ON: &str = "where it is done: a machine or a guest";
const MACHINE: &str = "where it is done: a machine";
const DAEMONS: KeyType = KeyType::Words(&["networkd", "dnsmasq", "http", "resolved", "docker"]);

pub(in crate::scenario) const STEP: TableKeys = TableKeys {
    what: "a step",
    doc: "done once the lab stands, after the step before it: exactly one action stands in each",
    keys: &[
        must("id", KeyType::ID, "unique among the steps"),
        may(
            "enabled",
            KeyType::Flag,
            "true",
            "`false` takes a step of a lower layer away; the checks after it are looked at all the same",
        ),
        may(
            "before",
            KeyType::ID,
            "none: to the end",
            "a variant's new step goes before the step of this id",
        ),
        may(
            "within",
            KeyType::TIME,
            "`\"30s\"`; `\"60s\"` for `start` and `restart`",
            "how long it may take; at most `\"1h\"`",
        ),
        may(
            "may_fail",
            KeyType::Flag,
            "false",
            "the run goes on when the kernel or the tool refuses it",
        ),
        may(
            "refused",
            KeyType::Text,
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
            must("on", KeyType::Text, ON),
            may(
                "daemon",
                KeyType::Words(&["networkd", "dnsmasq", "http", "resolved", "docker"]),
                "\"networkd\"",
                "networkd or dnsmasq",
            ),
            may("interface", KeyType::INTERFACE, "none", "link"),
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
                must("on", KeyType::Text, MACHINE),
                must("name", KeyType::INTERFACE, "the bridge")
            ],
            [may(
                "ports",
                KeyType::List(&KeyType::INTERFACE),
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
                must("on", KeyType::Text, ON),
                must("interface", KeyType::INTERFACE, "port")
            ],
            [COST, PRIORITY, GROUP_FWD_MASK]
        ),
    ),
    table_keys(
        "plug",
        "QEMU's `device_add`; the TAP comes with it",
        &[
            must("guest", KeyType::NAME, "whose NIC"),
            must("interface", KeyType::INTERFACE, "its name on the host"),
            may(
                "mac",
                KeyType::MAC,
                "that of the guest's NIC of this name",
                "the guest's address",
            ),
        ],
    ),
    table_keys(
        "unplug",
        "QEMU's `device_del`; the TAP goes with it",
        &[
            must("guest", KeyType::NAME, "whose NIC"),
            must("interface", KeyType::INTERFACE, "its name on the host"),
        ],
    ),
    table_keys(
        "write_unit",
        "writes a unit file, or replaces it; `reload` makes it count",
        &[
            must("on", KeyType::Text, ON),
            may("name", KeyType::Text, "the name of `file`", "file name"),
            may("content", KeyType::Text, "that of `file`", "what it says"),
            may(
                "file",
                KeyType::PATH,
                "none",
                "a file beside the scenario's",
            ),
        ],
    ),
    table_keys(
        "remove_unit",
        "`rm`",
        &[
            must("on", KeyType::Text, ON),
            must("name", KeyType::Text, "file name"),
        ],
    ),
    table_keys(
        "run",
        "the command; its exit status must be `status`",
        &[
            must(
                "on",
                KeyType::Text,
                "where it is run: a machine, a guest, or `\"GUEST/CONTAINER\"`",
            ),
            must(
                "command",
                KeyType::List(&KeyType::Text),
                "program and arguments; no shell",
            ),
            may("status", KeyType::Integer(0, 255), "0", "exit status"),
            may(
                "background",
                KeyType::Flag,
                "false",
                "`COMMAND &`: it goes on while later steps are done and checks are looked at; its end before the last of them, \
                 and before a `kill`, leaves no verdict",
            ),
        ],
    ),
    table_keys(
        "kill",
        "`kill %RUN`: ends a command in the background, with everything that it has started",
        &[must(
            "run",
            KeyType::ID,
            "the id of the step that started it",
        )],
    ),
    table_keys(
        "send",
        "`arping -U`: an ARP announcement, for IPv6 an unsolicited neighbour advertisement; or any frame",
        &[
            must("on", KeyType::Text, MACHINE),
            must("interface", KeyType::INTERFACE, "link"),
            may("hex", KeyType::Text, "none", "a frame without its checksum"),
            may("announce", KeyType::IP, "none", "an address"),
            may("mac", KeyType::MAC, "the link's own", "its MAC address"),
            may("count", KeyType::Integer(1, 10_000), "1", "how often"),
        ],
    ),
    table_keys(
        "impair",
        "`tc qdisc replace dev INTERFACE root netem ...`: what leaves the link suffers; at least one of `loss`, `delay`, `rate`",
        &[
            must("on", KeyType::Text, MACHINE),
            must("interface", KeyType::INTERFACE, "link"),
            may("loss", KeyType::Integer(1, 100), "none", "percent"),
            may("delay", KeyType::TIME, "none", "of each frame"),
            may("rate", KeyType::Integer(8, 100_000_000), "none", "kbit/s"),
        ],
    ),
    table_keys("unimpair", "`tc qdisc delete dev INTERFACE root`", LINK),
    table_keys(
        "offload",
        "`ethtool -K INTERFACE tx off tso off gso off`; at least one of `checksum`, `segmentation`",
        &[
            must("on", KeyType::Text, MACHINE),
            must("interface", KeyType::INTERFACE, "link"),
            may(
                "checksum",
                KeyType::Flag,
                "left as it is",
                "`tx`: checksums of what is sent are left to the other side",
            ),
            may(
                "segmentation",
                KeyType::Flag,
                "left as it is",
                "`tso` and `gso`: segments larger than the MTU",
            ),
        ],
    ),
    table_keys(
        "flush",
        "`ip neigh flush all`; `ip link set BRIDGE type bridge fdb_flush`",
        &[
            must("on", KeyType::Text, ON),
            may("neighbours", KeyType::Flag, "false", "the neighbour caches"),
            may(
                "fdb",
                KeyType::INTERFACE,
                "none",
                "the forwarding database of this bridge",
            ),
            may(
                "interface",
                KeyType::INTERFACE,
                "all",
                "neighbours on this link",
            ),
        ],
    ),
    table_keys(
        "sysctl",
        "`sysctl -w KEY=VALUE`",
        &[
            must("on", KeyType::Text, ON),
            must("key", KeyType::Text, "below `net.`"),
            must("value", KeyType::Text, "value"),
        ],
    ),
    TableKeys {
        what: "wait_for",
        doc: "waits until that check would hold, at most `within`",
        keys: &[must("from", KeyType::Text, "where to look from")],
        one_of: || crate::scenario::check_kind::KINDS,
    },
];

const GUEST: &[super::Key] = &[must("guest", KeyType::NAME, "which")];
const DAEMON: &[super::Key] = &[
    must("on", KeyType::Text, ON),
    must("daemon", DAEMONS, "which"),
];
const LINK: &[super::Key] = &[
    must("on", KeyType::Text, ON),
    must("interface", KeyType::INTERFACE, "link"),
];
