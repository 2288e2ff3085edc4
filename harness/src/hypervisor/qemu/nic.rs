//! A NIC as QEMU's command line and its monitor say it.

use serde_json::{Map, Value, json};

use crate::hypervisor::Nic;
use crate::scenario::{NicOptions, TapOpen};

/// A property of a device: `-device NAME,KEY=VALUE`, or the same over the monitor.
type Property = (&'static str, Value);

impl Nic {
    /// `-netdev`: its host end.
    pub(super) fn backend(&self, id: &str) -> String {
        let NicOptions { queues, vhost, .. } = self.options;
        let mut text = format!("tap,id={id}");
        match self.options.open {
            TapOpen::Name => {
                // Word for word microvm.nix's.
                text.push_str(&format!(",ifname={},script=no,downscript=no", self.tap));
            }
            TapOpen::Fd if queues == 1 => text.push_str(&format!(",fd={}", self.fds.start)),
            TapOpen::Fd => {
                let numbers: Vec<String> = self.fds.clone().map(|fd| fd.to_string()).collect();
                text.push_str(&format!(",fds={}", numbers.join(":")));
            }
        }
        if vhost {
            text.push_str(",vhost=on");
        }
        // With descriptors QEMU counts the queues itself, and refuses `queues=`.
        if self.options.open == TapOpen::Name && queues > 1 {
            text.push_str(&format!(",queues={queues}"));
        }
        text
    }

    /// Properties of its `virtio-net` device. Those with QEMU's default value are left out.
    fn properties(&self, netdev: &str, on_pci: bool) -> Vec<Property> {
        let mut all = vec![
            ("netdev", json!(netdev)),
            ("mac", json!(self.mac.to_string())),
        ];
        // virtio-mmio has no interrupt vectors, and microvm.nix leaves out `mq` and `vectors` there.
        if on_pci && self.options.queues > 1 {
            let vectors = 2 * u32::from(self.options.queues) + 2;
            all.extend([("mq", json!(true)), ("vectors", json!(vectors))]);
        }
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
    pub(super) fn device(&self, netdev: &str, on_pci: bool) -> String {
        let bus = if on_pci { "pci" } else { "device" };
        let mut text = format!("virtio-net-{bus}");
        for (key, value) in self.properties(netdev, on_pci) {
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
        for (key, value) in self.properties(&format!("nic{index}"), true) {
            all.insert(key.to_owned(), value);
        }
        Value::Object(all)
    }
}

/// Checksums of what the guest sends, and of what it receives (hw/net/virtio-net.c of QEMU).
const CHECKSUM: [&str; 2] = ["csum", "guest_csum"];
/// Segments larger than the MTU that the guest sends, and that it receives.
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
    use crate::scenario::names::IfName;
    use crate::scenario::net::Mac;

    fn nic(options: NicOptions) -> Nic {
        let held = i32::from(options.queues);
        Nic {
            mac: Mac::try_from("02:00:00:00:00:01").expect("a MAC"),
            tap: IfName::try_from("vm-test1").expect("a name"),
            node: None,
            fds: 30..30 + held,
            options,
        }
    }

    #[test]
    fn a_plain_nic_is_told_its_address_alone() {
        let nic = nic(NicOptions::default());
        assert_eq!(nic.backend("nic0"), "tap,id=nic0,fd=30");
        let device = nic.device("nic0", false);
        assert_eq!(
            device,
            "virtio-net-device,netdev=nic0,mac=02:00:00:00:00:01"
        );
    }

    #[test]
    fn by_name_the_tap_is_opened_as_microvm_nix_has_it_opened() {
        // lib/runners/qemu.nix of microvm.nix with four processors and tap.vhost.
        let nic = nic(NicOptions {
            open: TapOpen::Name,
            queues: 4,
            vhost: true,
            ..NicOptions::default()
        });
        let backend = "tap,id=nic0,ifname=vm-test1,script=no,downscript=no,vhost=on,queues=4";
        assert_eq!(nic.backend("nic0"), backend);
        let mac = "netdev=nic0,mac=02:00:00:00:00:01";
        assert_eq!(
            nic.device("nic0", true),
            format!("virtio-net-pci,{mac},mq=on,vectors=10")
        );
        assert_eq!(
            nic.device("nic0", false),
            format!("virtio-net-device,{mac}")
        );
    }

    #[test]
    fn several_queues_are_handed_down_as_several_descriptors() {
        let nic = nic(NicOptions {
            queues: 2,
            ..NicOptions::default()
        });
        assert_eq!(nic.backend("nic0"), "tap,id=nic0,fds=30:31");
    }

    #[test]
    fn what_boots_and_what_is_plugged_in_are_told_the_same() {
        let nic = nic(NicOptions {
            queues: 2,
            mtu: Some(9000),
            checksum_offload: false,
            segmentation_offload: false,
            ..NicOptions::default()
        });
        let device = nic.device("nic2", true);
        let told = ",mq=on,vectors=6,host_mtu=9000,csum=off,guest_csum=off,";
        assert!(device.contains(told), "{device}");
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
