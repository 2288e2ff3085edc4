//! MicroVMs. The words are microvm.nix's where it has them.

use super::{HOST_ROUTE, Kind, MACVLAN_MODE, ROUTE, TableKeys, may, must, table_keys};

pub(in crate::scenario) const GUEST: TableKeys = table_keys(
    "a guest",
    "a MicroVM",
    &[
        may(
            "on",
            Kind::NAME,
            "\"host\"",
            "machine that holds the guest's TAPs",
        ),
        may("vcpu", Kind::Integer(1, 255), "1", "virtual CPUs"),
        may(
            "mem",
            // What a guest boots with at the least; nobody means more than the most.
            Kind::Integer(128, 1 << 20),
            "the image's: 1024, `tiny` 128",
            "memory in MiB",
        ),
        may("image", Kind::Text, "\"debian\"", "image under `images/`"),
        may(
            "packages",
            Kind::List(&Kind::Text),
            "[]",
            "packages of the distribution that the image has beside its own",
        ),
        may(
            "without_packages",
            Kind::List(&Kind::Text),
            "[]",
            "packages that the image is built without",
        ),
        may(
            "hypervisor",
            Kind::Words(&[
                "qemu",
                "cloud-hypervisor",
                "alioth",
                "firecracker",
                "crosvm",
                "kvmtool",
            ]),
            "\"qemu\"",
            "VMM program; all but QEMU need KVM",
        ),
        may(
            "machine",
            Kind::Words(&["auto", "microvm", "q35"]),
            "\"auto\"",
            "QEMU machine type; `\"auto\"`: `microvm` where it boots reliably",
        ),
        may(
            "transport",
            Kind::Words(&["auto", "pci", "mmio"]),
            "\"auto\"",
            "bus of the virtio devices; `\"auto\"`: virtio-mmio on `microvm`, PCI on `q35` and from a template",
        ),
        may(
            "start",
            Kind::Words(&["boot", "step"]),
            "\"boot\"",
            "`\"step\"`: not started with the lab but by a step; until then its TAPs are there without carrier",
        ),
        may(
            "interfaces",
            Kind::List(&Kind::Table(&GUEST_INTERFACE)),
            "[]",
            "NICs, in this order",
        ),
        super::machine::MACHINE_ID,
        super::machine::DUPLICATE_MACHINE_ID,
        may(
            "units",
            Kind::PATH,
            "none",
            "folder of unit files for the guest. Needs an image with networkd",
        ),
        may(
            "without_units",
            Kind::List(&Kind::Text),
            "[]",
            "unit files of that folder to leave out",
        ),
        may(
            "faulty_units",
            Kind::List(&Kind::Text),
            "[]",
            "unit files that are meant to be as they are: no warning is given about them",
        ),
        may(
            "files",
            Kind::PATH,
            "none",
            "folder whose files and links are laid over the guest's root file system before its first boot",
        ),
        may(
            "sysctls",
            Kind::Map(&Kind::Text),
            "{}",
            "keys below `net.`; set at the guest's boot",
        ),
        may(
            "docker",
            Kind::Free,
            "none",
            "content of `/etc/docker/daemon.json`. Needs an image with Docker",
        ),
        may(
            "routes",
            Kind::List(&Kind::Table(&ROUTE)),
            "[]",
            "as of machines. Only with an image without networkd",
        ),
        may(
            "dns",
            Kind::List(&Kind::IP),
            "[]",
            "servers in `/etc/resolv.conf`. Only with an image without networkd",
        ),
        may(
            "containers",
            Kind::Map(&Kind::TextOr(&CONTAINER)),
            "{}",
            "containers that Docker runs in the guest: their image, or a table. Needs an image with Docker",
        ),
    ],
);

pub(in crate::scenario) const CONTAINER: TableKeys = table_keys(
    "a container",
    "a container, with the options of `docker run`",
    &[
        must("image", Kind::Text, "`\"busybox\"`"),
        may(
            "network",
            Kind::Text,
            "Docker's",
            "`\"bridge\"`, `\"host\"`, `\"none\"`, or the name of a bridge network that is made for it, and of its bridge",
        ),
        may(
            "ports",
            Kind::List(&Kind::Text),
            "[]",
            "published ports: `\"8080:80\"`, `\"192.168.1.3:53:53/udp\"`",
        ),
        may(
            "environment",
            Kind::Map(&Kind::Text),
            "{}",
            "environment variables",
        ),
        may("dns", Kind::List(&Kind::IP), "[]", "its DNS servers"),
        may(
            "command",
            Kind::List(&Kind::Text),
            "waits for ever",
            "what it runs",
        ),
    ],
);

pub(in crate::scenario) const GUEST_INTERFACE: TableKeys = table_keys(
    "a guest's interface",
    "a NIC of the guest, and its end on the host",
    &[
        must(
            "type",
            Kind::Words(&["tap", "macvtap"]),
            "how it reaches the host",
        ),
        must("id", Kind::INTERFACE, "name on the host"),
        must("mac", Kind::MAC, "the guest's address"),
        may(
            "macvtap",
            Kind::Table(&MACVTAP),
            "none",
            "what a macvtap is put on, and how. Only with `type = \"macvtap\"`, which needs it",
        ),
        super::machine::DUPLICATE_MAC,
        may(
            "invalid_mac",
            Kind::Flag,
            "false",
            "`mac` may be one that no interface may have, multicast or all zero",
        ),
        may(
            "addresses",
            Kind::List(&Kind::ADDRESS),
            "[]",
            "addresses with prefix length. Only with an image without networkd",
        ),
        may(
            "accept_ra",
            Kind::Flag,
            "true",
            "the kernel takes an address and a default route from router advertisements. Only with an image without networkd",
        ),
        may(
            "open",
            Kind::Words(&["fd", "name"]),
            "`\"fd\"` where the VMM takes descriptors",
            "how the VMM gets at its TAP: by descriptors that the lab opens, or by name, as microvm.nix has it",
        ),
        may(
            "queues",
            // For a guest of as many processors as QEMU's machines take at the least.
            Kind::Integer(1, 64),
            "1",
            "queue pairs of the TAP; the guest is told of them on PCI only",
        ),
        may(
            "vhost",
            Kind::Flag,
            "false",
            "`vhost=on`: the host's kernel moves the frames",
        ),
        may(
            "mtu",
            // The least that IPv4 bears, and virtio-net takes.
            Kind::Integer(68, 65_535),
            "none told",
            "the MTU that the guest is told, in bytes: `host_mtu`",
        ),
        may(
            "checksum_offload",
            Kind::Flag,
            "true",
            "checksums may be left to the other side: `csum`, `guest_csum`",
        ),
        may(
            "segmentation_offload",
            Kind::Flag,
            "as `checksum_offload`",
            "segments larger than the MTU between guest and host: `gso`, `host_tso4`, `guest_tso4` and their like",
        ),
        may(
            "owner",
            Kind::Text,
            "none",
            "user that may open the TAP, by name or number",
        ),
        may(
            "multi_queue",
            Kind::Flag,
            "with more than one of `queues`",
            "`ip tuntap add ... multi_queue`",
        ),
        may(
            "vnet_hdr",
            Kind::Flag,
            "true",
            "`ip tuntap add ... vnet_hdr`",
        ),
        may("up", Kind::Flag, "true", "whether the TAP is brought up"),
        may(
            "before_networkd",
            Kind::Flag,
            "false",
            "whether the TAP is there before the machine's networkd starts",
        ),
        may(
            "at_start",
            Kind::Flag,
            "false",
            "there is no TAP or macvtap until a step starts the guest. Only with `start = \"step\"`",
        ),
        may(
            "master",
            Kind::INTERFACE,
            "none",
            "bridge of the machine that the TAP is put on. Not with `networkd`",
        ),
        may(
            "host_mtu",
            Kind::Integer(68, 65_535),
            "the kernel's 1500",
            "MTU of the TAP, in bytes",
        ),
        may(
            "host_addresses",
            Kind::List(&Kind::ADDRESS),
            "[]",
            "addresses of the TAP: a routed guest has no bridge. Not with `networkd`",
        ),
        may(
            "host_routes",
            Kind::List(&Kind::Table(&HOST_ROUTE)),
            "[]",
            "routes by the TAP. Not with `networkd`",
        ),
    ],
);

pub(in crate::scenario) const MACVTAP: TableKeys = table_keys(
    "a macvtap",
    "`ip link add link LINK name ID address MAC type macvtap mode MODE`",
    &[
        must(
            "link",
            Kind::INTERFACE,
            "link of the machine that it is put on; not a bridge's port",
        ),
        must(
            "mode",
            MACVLAN_MODE,
            "how it gets at others on the same link, and at what is behind it",
        ),
        may(
            "allmulticast",
            Kind::Flag,
            "true",
            "`ip link set ID allmulticast on`, as microvm.nix's `macvtap-up` has it",
        ),
        may(
            "sources",
            Kind::List(&Kind::MAC),
            "[]",
            "with `mode = \"source\"`: from whom frames come in",
        ),
    ],
);
