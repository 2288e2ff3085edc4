//! MicroVMs. The words are microvm.nix's where it has them.

use super::{
    HOST_ROUTE, KeyType, MACVLAN_MODE, ROUTE, TableKeys, first_of_each, may, must, table_keys,
};
use crate::scenario::parse::NicType;
use crate::scenario::{GuestStart, HypervisorKind, TapOpen};

pub(crate) const GUEST: TableKeys = table_keys(
    "a guest",
    "a MicroVM",
    &[
        may(
            "on",
            KeyType::NAME,
            "\"host\"",
            "machine that holds the guest's TAPs",
        ),
        may("vcpu", KeyType::Integer(1, 255), "1", "virtual CPUs"),
        may(
            "mem",
            // What a guest boots with at the least; nobody means more than the most.
            KeyType::Integer(128, 1 << 20),
            "the image's: 1024, `tiny` 128",
            "memory in MiB",
        ),
        may(
            "image",
            KeyType::Text,
            "\"debian\"",
            "image under `images/`",
        ),
        may(
            "packages",
            KeyType::List(&KeyType::Text),
            "[]",
            "packages of the distribution that the image has beside its own",
        ),
        may(
            "without_packages",
            KeyType::List(&KeyType::Text),
            "[]",
            "packages that the image is built without",
        ),
        may(
            "hypervisor",
            KeyType::Names(|| HypervisorKind::all().map(|kind| kind.row().name).collect()),
            "\"qemu\"",
            "VMM program; all but QEMU need KVM",
        ),
        may(
            "machine",
            KeyType::Words(&["auto", "microvm", "q35"]),
            "\"auto\"",
            "QEMU machine type; `\"auto\"`: `microvm` where it boots reliably",
        ),
        may(
            "transport",
            KeyType::Words(&["auto", "pci", "mmio"]),
            "\"auto\"",
            "bus of the virtio devices; `\"auto\"`: virtio-mmio on `microvm`, PCI on `q35` and from a template",
        ),
        may(
            "start",
            KeyType::Words(&first_of_each(&GuestStart::WORDS)),
            "\"boot\"",
            "`\"step\"`: not started with the lab but by a step; until then its TAPs are there without carrier",
        ),
        may(
            "interfaces",
            KeyType::List(&KeyType::Table(&GUEST_INTERFACE)),
            "[]",
            "NICs, in this order",
        ),
        super::machine::MACHINE_ID,
        super::machine::DUPLICATE_MACHINE_ID,
        may(
            "units",
            KeyType::PATH,
            "none",
            "folder of unit files for the guest. Needs an image with networkd",
        ),
        may(
            "without_units",
            KeyType::List(&KeyType::Text),
            "[]",
            "unit files of that folder to leave out",
        ),
        may(
            "faulty_units",
            KeyType::List(&KeyType::Text),
            "[]",
            "unit files that are meant to be as they are: no warning is given about them",
        ),
        may(
            "files",
            KeyType::PATH,
            "none",
            "folder whose files and links are laid over the guest's root file system before its first boot",
        ),
        may(
            "sysctls",
            KeyType::Map(&KeyType::Text),
            "{}",
            "keys below `net.`; set at the guest's boot",
        ),
        may(
            "docker",
            KeyType::Free,
            "none",
            "content of `/etc/docker/daemon.json`. Needs an image with Docker",
        ),
        may(
            "routes",
            KeyType::List(&KeyType::Table(&ROUTE)),
            "[]",
            "as of machines. Only with an image without networkd",
        ),
        may(
            "dns",
            KeyType::List(&KeyType::IP),
            "[]",
            "servers in `/etc/resolv.conf`. Only with an image without networkd",
        ),
        may(
            "containers",
            KeyType::Map(&KeyType::TextOr(&CONTAINER)),
            "{}",
            "containers that Docker runs in the guest: their image, or a table. Needs an image with Docker",
        ),
    ],
);

pub(crate) const CONTAINER: TableKeys = table_keys(
    "a container",
    "a container, with the options of `docker run`",
    &[
        must("image", KeyType::Text, "`\"busybox\"`"),
        may(
            "network",
            KeyType::Text,
            "Docker's",
            "`\"bridge\"`, `\"host\"`, `\"none\"`, or the name of a bridge network that is made for it, and of its bridge",
        ),
        may(
            "ports",
            KeyType::List(&KeyType::Text),
            "[]",
            "published ports: `\"8080:80\"`, `\"192.168.1.3:53:53/udp\"`",
        ),
        may(
            "environment",
            KeyType::Map(&KeyType::Text),
            "{}",
            "environment variables",
        ),
        may("dns", KeyType::List(&KeyType::IP), "[]", "its DNS servers"),
        may(
            "command",
            KeyType::List(&KeyType::Text),
            "waits for ever",
            "what it runs",
        ),
    ],
);

pub(crate) const GUEST_INTERFACE: TableKeys = table_keys(
    "a guest's interface",
    "a NIC of the guest, and its end on the host",
    &[
        must(
            "type",
            KeyType::Words(&first_of_each(&NicType::WORDS)),
            "how it reaches the host",
        ),
        must("id", KeyType::INTERFACE, "name on the host"),
        must("mac", KeyType::MAC, "the guest's address"),
        may(
            "macvtap",
            KeyType::Table(&MACVTAP),
            "none",
            "what a macvtap is put on, and how. Only with `type = \"macvtap\"`, which needs it",
        ),
        super::machine::DUPLICATE_MAC,
        may(
            "invalid_mac",
            KeyType::Flag,
            "false",
            "`mac` may be one that no interface may have, multicast or all zero",
        ),
        may(
            "addresses",
            KeyType::List(&KeyType::ADDRESS),
            "[]",
            "addresses with prefix length. Only with an image without networkd",
        ),
        may(
            "accept_ra",
            KeyType::Flag,
            "true",
            "the kernel takes an address and a default route from router advertisements. Only with an image without networkd",
        ),
        may(
            "open",
            KeyType::Words(&first_of_each(&TapOpen::WORDS)),
            "`\"fd\"` where the VMM takes descriptors",
            "how the VMM gets at its TAP: by descriptors that the lab opens, or by name, as microvm.nix has it",
        ),
        may(
            "queues",
            // For a guest of as many processors as QEMU's machines take at the least.
            KeyType::Integer(1, 64),
            "1",
            "queue pairs of the TAP; the guest is told of them on PCI only",
        ),
        may(
            "vhost",
            KeyType::Flag,
            "false",
            "`vhost=on`: the host's kernel moves the frames",
        ),
        may(
            "mtu",
            // The least that IPv4 bears, and virtio-net takes.
            KeyType::Integer(68, 65_535),
            "none told",
            "the MTU that the guest is told, in bytes: `host_mtu`",
        ),
        may(
            "checksum_offload",
            KeyType::Flag,
            "true",
            "checksums may be left to the other side: `csum`, `guest_csum`",
        ),
        may(
            "segmentation_offload",
            KeyType::Flag,
            "as `checksum_offload`",
            "segments larger than the MTU between guest and host: `gso`, `host_tso4`, `guest_tso4` and their like",
        ),
        may(
            "owner",
            KeyType::Text,
            "none",
            "user that may open the TAP, by name or number",
        ),
        may(
            "multi_queue",
            KeyType::Flag,
            "with more than one of `queues`",
            "`ip tuntap add ... multi_queue`",
        ),
        may(
            "vnet_hdr",
            KeyType::Flag,
            "true",
            "`ip tuntap add ... vnet_hdr`",
        ),
        may("up", KeyType::Flag, "true", "whether the TAP is brought up"),
        may(
            "before_networkd",
            KeyType::Flag,
            "false",
            "whether the TAP is there before the machine's networkd starts",
        ),
        may(
            "at_start",
            KeyType::Flag,
            "false",
            "there is no TAP or macvtap until a step starts the guest. Only with `start = \"step\"`",
        ),
        may(
            "master",
            KeyType::INTERFACE,
            "none",
            "bridge of the machine that the TAP is put on. Not with `networkd`",
        ),
        may(
            "host_mtu",
            KeyType::Integer(68, 65_535),
            "the kernel's 1500",
            "MTU of the TAP, in bytes",
        ),
        may(
            "host_addresses",
            KeyType::List(&KeyType::ADDRESS),
            "[]",
            "addresses of the TAP: a routed guest has no bridge. Not with `networkd`",
        ),
        may(
            "host_routes",
            KeyType::List(&KeyType::Table(&HOST_ROUTE)),
            "[]",
            "routes by the TAP. Not with `networkd`",
        ),
    ],
);

pub(crate) const MACVTAP: TableKeys = table_keys(
    "a macvtap",
    "`ip link add link LINK name ID address MAC type macvtap mode MODE`",
    &[
        must(
            "link",
            KeyType::INTERFACE,
            "link of the machine that it is put on; not a bridge's port",
        ),
        must(
            "mode",
            MACVLAN_MODE,
            "how it gets at others on the same link, and at what is behind it",
        ),
        may(
            "allmulticast",
            KeyType::Flag,
            "true",
            "`ip link set ID allmulticast on`, as microvm.nix's `macvtap-up` has it",
        ),
        may(
            "sources",
            KeyType::List(&KeyType::MAC),
            "[]",
            "with `mode = \"source\"`: from whom frames come in",
        ),
    ],
);
