//! Bridges and their ports in the words of `ip` and `bridge`.

use std::time::Duration;

use crate::scenario::{Bridge, BridgePort, KERNEL_PVID, Switch};

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
        ("group_fwd_mask", bridge.group_fwd_mask.map(u32::from)),
    ];
    for (word, value) in options {
        if let Some(value) = value {
            words.push_str(&format!(" {word} {value}"));
        }
    }
    words
}

/// What follows `ip link add NAME` for a LAN switch: one that forwards at once.
pub fn switch_words(switch: &Switch) -> String {
    let mut words = String::new();
    if let Some(mtu) = switch.mtu {
        words.push_str(&format!("mtu {mtu} "));
    }
    let snooping = u8::from(switch.multicast_snooping);
    words.push_str(&format!(
        "type bridge forward_delay 0 mcast_snooping {snooping}"
    ));
    if let Some(mask) = switch.group_fwd_mask {
        words.push_str(&format!(" group_fwd_mask {mask}"));
    }
    words
}

/// What follows `ip link set PORT type bridge_slave`; empty when the port is like any other.
pub fn port_words(port: &BridgePort) -> String {
    let flags = port.flags.iter();
    let flags =
        flags.map(|(flag, on)| format!("{} {}", flag.word(), if *on { "on" } else { "off" }));
    let numbers = [
        ("cost", port.cost),
        ("priority", port.priority.map(u32::from)),
        ("group_fwd_mask", port.group_fwd_mask.map(u32::from)),
    ];
    let numbers = numbers
        .into_iter()
        .filter_map(|(word, value)| Some(format!("{word} {}", value?)));
    flags.chain(numbers).collect::<Vec<_>>().join(" ")
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
    /// `add ... vid ID pvid untagged`: frames without a tag belong to it, both ways.
    Pvid(u16),
    /// `add ... vid ID untagged`: its frames leave without a tag; one without a tag that comes in is not of it.
    Untagged(u16),
    /// `add ... vid ID`: frames with its tag pass.
    Tagged(u16),
}

impl VlanChange {
    /// The command for a port, without `bridge vlan`.
    pub fn words(self, port: &str) -> String {
        match self {
            Self::Delete(id) => format!("del dev {port} vid {id}"),
            Self::Pvid(id) => format!("add dev {port} vid {id} pvid untagged"),
            Self::Untagged(id) => format!("add dev {port} vid {id} untagged"),
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
        changes.push(VlanChange::Pvid(pvid));
    }
    // Validation has made sure that none of them is the PVID.
    changes.extend(port.untagged.iter().map(|id| VlanChange::Untagged(*id)));
    changes.extend(port.vlans.iter().map(|id| VlanChange::Tagged(*id)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::PortFlag;

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
            flags: [(PortFlag::Isolated, true), (PortFlag::Learning, false)].into(),
            cost: Some(7),
            group_fwd_mask: Some(0x4001),
            ..BridgePort::default()
        };
        let words = "isolated on learning off cost 7 group_fwd_mask 16385";
        assert_eq!(port_words(&port), words);
    }

    #[test]
    fn a_port_is_in_the_vlans_that_it_names() {
        use VlanChange::{Delete, Pvid, Tagged, Untagged};
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
            changes(None, port(Some(10), &[20])),
            [Delete(1), Pvid(10), Tagged(20)]
        );
        assert_eq!(changes(Some(0), port(Some(10), &[])), [Pvid(10)]);
        assert_eq!(changes(Some(7), port(None, &[8])), [Tagged(8)]);
        let both = BridgePort {
            untagged: vec![100],
            ..port(None, &[8])
        };
        assert_eq!(changes(None, both), [Untagged(100), Tagged(8)]);
        assert_eq!(Untagged(100).words("eth0"), "add dev eth0 vid 100 untagged");
    }
}
