//! A guest's NIC: its host end and its device, as QEMU's command line and its monitor say them.

use serde_json::{Map, Value, json};

use super::FIRST_NIC_FD;
use crate::scenario::net::Mac;
use crate::scenario::{Guest, NicOptions};

/// A property of a device: `-device NAME,KEY=VALUE`, or the same over the monitor.
type Property = (&'static str, Value);

/// A NIC of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// The guest's MAC address.
    pub mac: Mac,
    /// Number of the inherited TAP descriptor.
    pub fd: i32,
    /// What the guest is told about it.
    pub options: NicOptions,
}

/// The NICs of a guest, with the numbers of the descriptors that its VMM inherits.
pub fn nics(guest: &Guest) -> Vec<Nic> {
    (FIRST_NIC_FD..)
        .zip(&guest.interfaces)
        .map(|(fd, interface)| Nic {
            mac: interface.mac,
            fd,
            options: interface.nic,
        })
        .collect()
}

impl Nic {
    /// `-netdev`: its host end.
    pub(super) fn backend(&self, id: &str) -> String {
        format!("tap,id={id},fd={}", self.fd)
    }

    /// Properties of its `virtio-net` device. What is as QEMU has it by itself is left out.
    fn properties(&self, netdev: &str) -> Vec<Property> {
        let mut all = vec![
            ("netdev", json!(netdev)),
            ("mac", json!(self.mac.to_string())),
        ];
        if let Some(mtu) = self.options.mtu {
            all.push(("host_mtu", json!(mtu)));
        }
        if !self.options.checksum_offload {
            all.extend(CHECKSUM.map(|key| (key, json!(false))));
        }
        if !self.options.segmentation_offload {
            all.extend(SEGMENTATION.map(|key| (key, json!(false))));
        }
        all
    }

    /// `-device`: the NIC that a guest boots with.
    pub(super) fn device(&self, driver: &str, netdev: &str) -> String {
        let mut text = driver.to_owned();
        for (key, value) in self.properties(netdev) {
            let value = match value {
                Value::Bool(true) => "on".to_owned(),
                Value::Bool(false) => "off".to_owned(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            text.push_str(&format!(",{key}={value}"));
        }
        text
    }

    /// `device_add` of the monitor: the NIC that is plugged into port `index` of a guest from a template.
    pub(super) fn plugged(&self, index: usize) -> Value {
        let mut all = Map::new();
        all.insert("driver".to_owned(), json!("virtio-net-pci"));
        all.insert("id".to_owned(), json!(format!("nic{index}-device")));
        all.insert("bus".to_owned(), json!(format!("nicport{index}")));
        for (key, value) in self.properties(&format!("nic{index}")) {
            all.insert(key.to_owned(), value);
        }
        Value::Object(all)
    }
}

/// Checksums of what the guest sends, and of what it receives (hw/net/virtio-net.c of QEMU).
const CHECKSUM: [&str; 2] = ["csum", "guest_csum"];
/// The same for segments that are larger than the MTU.
const SEGMENTATION: [&str; 9] = [
    "gso",
    "host_tso4",
    "host_tso6",
    "host_ecn",
    "host_ufo",
    "guest_tso4",
    "guest_tso6",
    "guest_ecn",
    "guest_ufo",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn nic() -> Nic {
        Nic {
            mac: Mac::try_from("02:00:00:00:00:01").expect("a MAC"),
            fd: 30,
            options: NicOptions::default(),
        }
    }

    #[test]
    fn a_plain_nic_is_told_its_address_alone() {
        assert_eq!(nic().backend("nic0"), "tap,id=nic0,fd=30");
        let device = nic().device("virtio-net-device", "nic0");
        assert_eq!(
            device,
            "virtio-net-device,netdev=nic0,mac=02:00:00:00:00:01"
        );
    }

    #[test]
    fn what_boots_and_what_is_plugged_in_are_told_the_same() {
        let mut nic = nic();
        nic.options = NicOptions {
            mtu: Some(9000),
            checksum_offload: false,
            segmentation_offload: false,
        };
        let device = nic.device("virtio-net-pci", "nic2");
        assert!(
            device.contains(",host_mtu=9000,csum=off,guest_csum=off,"),
            "{device}"
        );
        let plugged = nic.plugged(2);
        assert_eq!(plugged["bus"], "nicport2");
        for word in device.split(',').skip(1) {
            let (key, value) = word.split_once('=').expect("a property");
            let same = match &plugged[key] {
                Value::Bool(on) => (if *on { "on" } else { "off" }).to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(same, value, "{key}");
        }
    }
}
