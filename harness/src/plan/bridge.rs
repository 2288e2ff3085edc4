//! Bridges and their ports in the words of `ip` and `bridge`.

use std::time::Duration;

use crate::scenario::{Bridge, BridgePort};

/// VLAN of untagged frames at a bridge that does not say (`br_vlan_init`).
const KERNEL_PVID: u16 = 1;

/// What follows `ip link add NAME`: `address 02:00:00:00:00:01 type bridge stp_state 1`, for what the scenario says.
pub fn bridge_words(bridge: &Bridge) -> String {
    let mut words = String::new();
    if let Some(mac) = bridge.mac {
        words.push_str(&format!("address {mac} "));
    }
    words.push_str("type bridge");
    let timer = |time: Option<Duration>| time.map(hundredths);
    let flag = |flag: Option<bool>| flag.map(u32::from);
    let options = [
        ("stp_state", flag(bridge.stp)),
        ("priority", bridge.priority.map(u32::from)),
        ("forward_delay", timer(bridge.forward_delay)),
        ("hello_time", timer(bridge.hello_time)),
        ("max_age", timer(bridge.max_age)),
        ("ageing_time", timer(bridge.ageing_time)),
        ("mcast_snooping", flag(bridge.multicast_snooping)),
        ("mcast_querier", flag(bridge.multicast_querier)),
        ("vlan_filtering", flag(bridge.vlan_filtering)),
        ("vlan_default_pvid", bridge.default_pvid.map(u32::from)),
    ];
    for (word, value) in options {
        if let Some(value) = value {
            words.push_str(&format!(" {word} {value}"));
        }
    }
    words
}

/// What follows `ip link set PORT type bridge_slave`; empty when the port is like any other.
pub fn port_words(port: &BridgePort) -> String {
    let flag = |flag: Option<bool>| flag.map(|on| if on { "on" } else { "off" }.to_owned());
    let options = [
        ("isolated", flag(port.isolated)),
        ("hairpin", flag(port.hairpin)),
        ("learning", flag(port.learning)),
        ("cost", port.cost.map(|cost| cost.to_string())),
        ("priority", port.priority.map(|it| it.to_string())),
    ];
    let given = options
        .into_iter()
        .filter_map(|(word, value)| Some(format!("{word} {}", value?)));
    given.collect::<Vec<_>>().join(" ")
}

/// A timer in the kernel's unit, `USER_HZ`.
pub fn hundredths(time: Duration) -> u32 {
    // The scenario's longest timer is a day.
    (time.as_millis() / 10) as u32
}

/// A change to the VLANs of a port: `bridge vlan WORDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VlanChange {
    /// `del ... vid ID`.
    Delete(u16),
    /// `add ... vid ID pvid untagged`: frames without a tag belong to it.
    Untagged(u16),
    /// `add ... vid ID`: frames with its tag pass.
    Tagged(u16),
}

impl VlanChange {
    /// The command for a port, without `bridge vlan`.
    pub fn words(self, port: &str) -> String {
        match self {
            Self::Delete(id) => format!("del dev {port} vid {id}"),
            Self::Untagged(id) => format!("add dev {port} vid {id} pvid untagged"),
            Self::Tagged(id) => format!("add dev {port} vid {id}"),
        }
    }
}

/// What makes a port a member of exactly the VLANs that the scenario names. One that says nothing is in the bridge's
/// default VLAN, untagged; so is one that names none of its own.
pub(super) fn vlan_changes(bridge: &Bridge, port: &BridgePort) -> Vec<VlanChange> {
    let default = bridge.default_pvid.unwrap_or(KERNEL_PVID);
    let mut changes = Vec::new();
    if let Some(pvid) = port.pvid.filter(|pvid| *pvid != default) {
        if default != 0 {
            changes.push(VlanChange::Delete(default));
        }
        changes.push(VlanChange::Untagged(pvid));
    }
    let untagged = port.pvid.unwrap_or(default);
    let tagged = port.vlans.iter().filter(|id| **id != untagged);
    changes.extend(tagged.map(|id| VlanChange::Tagged(*id)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_is_a_word() {
        assert_eq!(bridge_words(&Bridge::default()), "type bridge");
        let bridge = Bridge {
            mac: Some("02:00:00:00:00:0b".parse().expect("a MAC")),
            stp: Some(true),
            forward_delay: Some(Duration::from_millis(2500)),
            multicast_snooping: Some(false),
            ..Bridge::default()
        };
        assert_eq!(
            bridge_words(&bridge),
            "address 02:00:00:00:00:0b type bridge stp_state 1 forward_delay 250 mcast_snooping 0"
        );
        assert_eq!(port_words(&BridgePort::default()), "");
        let port = BridgePort {
            isolated: Some(true),
            cost: Some(7),
            ..BridgePort::default()
        };
        assert_eq!(port_words(&port), "isolated on cost 7");
    }

    #[test]
    fn a_port_is_in_the_vlans_that_it_names() {
        use VlanChange::{Delete, Tagged, Untagged};
        let port = |pvid, vlans: &[u16]| BridgePort {
            pvid,
            vlans: vlans.to_vec(),
            ..BridgePort::default()
        };
        let changes = |default_pvid, port| {
            let bridge = Bridge {
                default_pvid,
                ..Bridge::default()
            };
            vlan_changes(&bridge, &port)
        };
        assert_eq!(changes(None, port(None, &[])), []);
        assert_eq!(changes(None, port(Some(1), &[])), []);
        assert_eq!(
            changes(None, port(Some(10), &[10, 20])),
            [Delete(1), Untagged(10), Tagged(20)]
        );
        assert_eq!(changes(Some(0), port(Some(10), &[])), [Untagged(10)]);
        assert_eq!(changes(Some(7), port(None, &[7, 8])), [Tagged(8)]);
    }
}
