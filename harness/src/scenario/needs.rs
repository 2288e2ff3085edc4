//! What a scenario may ask of the machine it runs on, by name.
//!
//! What each name means, and how a machine is asked, is `host::capability`; it stands right of here, so it has a
//! test that its list is this one.

/// The names of all capabilities.
pub const CAPABILITIES: &[&str] = &[
    "namespaces",
    "subordinate-ids",
    "bridge",
    "veth",
    "tap",
    "iproute2",
    "networkd",
    "dbus-daemon",
    "dnsmasq",
    "qemu",
    "ping",
    "ssh-keygen",
    "mmdebstrap",
    "debian-keyring",
    "mkfs-ext4",
    "qemu-img",
    "disk-space",
    "memory",
    "kvm",
    "tcpdump",
    "nftables",
    "iptables",
    "cloud-hypervisor",
    "alioth",
    "firecracker",
    "crosvm",
    "kvmtool",
    "macvtap",
    "device-nodes",
    "netem",
    "vlan-filtering",
    "bridge-netfilter",
    "vhost-net",
    "vhost-vsock",
];
