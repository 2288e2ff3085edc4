//! Keys that say nothing where another is not said beside them.

/// Such keys of a table, and what they require; of a flag: that it is `true`.
#[derive(Debug)]
pub(crate) struct Requires {
    pub(crate) keys: &'static [&'static str],
    pub(crate) other: &'static str,
    /// Why they say nothing.
    pub(crate) label: &'static str,
    pub(crate) help: Option<&'static str>,
}

const fn requires(
    keys: &'static [&'static str],
    other: &'static str,
    label: &'static str,
    help: Option<&'static str>,
) -> Requires {
    Requires {
        keys,
        other,
        label,
        help,
    }
}

pub(crate) const DUPLICATE_MAC: Requires =
    requires(&["duplicate_mac"], "mac", "it gets one of its own", None);
pub(crate) const DUPLICATE_ID: Requires = requires(
    &["duplicate_machine_id"],
    "machine_id",
    "each gets one of its own",
    None,
);
pub(crate) const DHCP_OPTIONS: Requires =
    requires(&["dhcp_options"], "dhcp", "nobody is served any", None);

const NO_NETWORKD: &str = "there is no `networkd` to leave files out of";
const NO_UNITS: &str = "there is no `units` to leave files out of";
const NOBODY: &str = "nobody there reads any unit file";
/// Of machines and guests. In a guest a step may write unit files that are faulty.
pub(crate) const UNITS: [Requires; 3] = [
    requires(&["without_units"], "networkd", NO_NETWORKD, None),
    requires(&["without_units"], "units", NO_UNITS, None),
    requires(&["faulty_units"], "networkd", NOBODY, None),
];

/// A bridge without it sends no hello, hears none, takes part in no election, and lets its ports forward at once (`br_stp_if.c`,
/// `br_make_forwarding`; `br_stp_rcv` of `br_stp_bpdu.c`).
const fn stp(keys: &'static [&'static str]) -> Requires {
    let help = "give the bridge `stp = true`, or leave the key out";
    let label = "of no effect: every port forwards at once";
    requires(keys, "stp", label, Some(help))
}

/// Without the filter a bridge takes the key and forwards as if it were not there.
const fn filtering(keys: &'static [&'static str]) -> Requires {
    let help = "give the bridge `vlan_filtering = true`";
    let label = "the bridge does not look at VLAN tags";
    requires(keys, "vlan_filtering", label, Some(help))
}

/// Of a bridge.
pub(crate) const BRIDGE: [Requires; 2] = [
    stp(&["priority", "forward_delay", "hello_time", "max_age"]),
    filtering(&["default_pvid"]),
];
/// Of a port, of its bridge.
pub(crate) const PORT_STP: Requires = stp(&["guard", "root_block", "cost", "priority"]);
pub(crate) const PORT_VLANS: Requires = filtering(&["pvid", "vlans", "untagged"]);
