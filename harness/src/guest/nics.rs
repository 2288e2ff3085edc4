//! What a guest's kernel makes of its NICs: the name, the bus, and what driver and device have agreed on.

use serde::{Deserialize, Serialize};

/// Prints a line for each virtio NIC: name, MAC address, MTU, receive queues, the device's place in sysfs, and its
/// features. Uses only what a shell has built in, since starting a program takes long in an emulated guest.
pub const COMMAND: &str = r#"for n in /sys/class/net/*; do [ -r "$n/device/features" ] || continue
read -r mac <"$n/address"; read -r mtu <"$n/mtu"; read -r features <"$n/device/features"
set -- "$n"/queues/rx-*; echo "${n##*/} $mac $mtu $# $(cd -P "$n/device" && pwd -P) $features"; done"#;

/// Bits of `features` by their names in the virtio specification, section 5.1.3; the first character is bit 0.
const FEATURES: [(usize, &str); 19] = [
    (0, "CSUM"),
    (1, "GUEST_CSUM"),
    (3, "MTU"),
    (7, "GUEST_TSO4"),
    (8, "GUEST_TSO6"),
    (9, "GUEST_ECN"),
    (10, "GUEST_UFO"),
    (11, "HOST_TSO4"),
    (12, "HOST_TSO6"),
    (13, "HOST_ECN"),
    (14, "HOST_UFO"),
    (15, "MRG_RXBUF"),
    (16, "STATUS"),
    (17, "CTRL_VQ"),
    (22, "MQ"),
    (23, "CTRL_MAC_ADDR"),
    (54, "GUEST_USO4"),
    (55, "GUEST_USO6"),
    (56, "HOST_USO"),
];

/// A virtio NIC as the guest's kernel has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Its name: `ip link`.
    pub name: String,
    /// Its MAC address.
    pub mac: String,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Receive queues: `ls /sys/class/net/NAME/queues`.
    pub queues: usize,
    /// `pci` or `mmio`.
    pub bus: String,
    /// What driver and device have agreed on, without the specification's `VIRTIO_NET_F_`: `MTU` when the VMM told the
    /// guest one.
    pub features: Vec<String>,
}

/// Reads what [`COMMAND`] printed; other lines are skipped.
pub fn parse(text: &str) -> Vec<Nic> {
    text.lines().filter_map(nic).collect()
}

fn nic(line: &str) -> Option<Nic> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?.to_owned();
    let mac = words.next()?.to_owned();
    let mtu = words.next()?.parse().ok()?;
    let queues = words.next()?.parse().ok()?;
    let place = words.next()?;
    let bits = words.next()?.as_bytes();
    let has = |&(bit, _): &(usize, &str)| bits.get(bit) == Some(&b'1');
    let features = FEATURES.into_iter().filter(has);
    Some(Nic {
        name,
        mac,
        mtu,
        queues,
        bus: if place.contains("/pci") {
            "pci"
        } else {
            "mmio"
        }
        .to_owned(),
        features: features.map(|(_, name)| name.to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nic_is_read_with_its_bus_and_features() {
        let told = "1101000000000001000000000000000000000000000000000000000000000000";
        let text = format!(
            "enp0s2 02:00:00:00:00:01 1400 2 /sys/devices/pci0000:00/0000:00:02.0/virtio0 {told}\n\
             eth0 02:00:00:00:00:02 1500 1 /sys/devices/platform/LNRO0005:00/virtio1 01\n\
             broken\n"
        );
        let nics = parse(&text);
        assert_eq!(nics.len(), 2);
        assert_eq!(
            (nics[0].name.as_str(), nics[0].mtu, nics[0].queues),
            ("enp0s2", 1400, 2)
        );
        assert_eq!(nics[0].bus, "pci");
        assert_eq!(nics[0].features, ["CSUM", "GUEST_CSUM", "MTU", "MRG_RXBUF"]);
        assert_eq!(nics[1].bus, "mmio");
        assert_eq!(nics[1].features, ["GUEST_CSUM"]);
    }
}
