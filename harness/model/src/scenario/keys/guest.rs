//! MicroVMs. The words are microvm.nix's where it has them.

use super::{
    Added, HOST_ROUTE, KeyType, MTU, ROUTE, TableKeys, first_of_each, flag, list, map, may, must,
    path, table_keys, text,
};
use crate::scenario::{GuestStart, HypervisorKind, TapOpen, nic_kind};

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
        text("image", "\"debian\"", "image under `images/`"),
        list(
            "packages",
            &KeyType::Text,
            "packages of the distribution that the image has beside its own",
        ),
        list(
            "without_packages",
            &KeyType::Text,
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
        list(
            "interfaces",
            &KeyType::Table(&GUEST_INTERFACE),
            "NICs, in this order",
        ),
        super::machine::MACHINE_ID,
        super::machine::DUPLICATE_MACHINE_ID,
        path(
            "units",
            "folder of unit files for the guest. Needs an image with networkd",
        ),
        super::machine::WITHOUT_UNITS,
        super::machine::FAULTY_UNITS,
        path(
            "files",
            "folder whose files and links are laid over the guest's root file system before its first boot",
        ),
        map(
            "sysctls",
            &KeyType::Text,
            "keys below `net.`; set at the guest's boot",
        ),
        may(
            "docker",
            KeyType::Free,
            "none",
            "content of `/etc/docker/daemon.json`. Needs an image with Docker",
        ),
        list(
            "routes",
            &KeyType::Table(&ROUTE),
            "as of machines. Only with an image without networkd",
        ),
        list(
            "dns",
            &KeyType::IP,
            "servers in `/etc/resolv.conf`. Only with an image without networkd",
        ),
        map(
            "containers",
            &KeyType::TextOr(&CONTAINER),
            "containers that Docker runs in the guest: their image, or a table. Needs an image with Docker",
        ),
    ],
);

pub(crate) const CONTAINER: TableKeys = table_keys(
    "a container",
    "a container, with the options of `docker run`",
    &[
        must("image", KeyType::Text, "`\"busybox\"`"),
        text(
            "network",
            "Docker's",
            "`\"bridge\"`, `\"host\"`, `\"none\"`, or the name of a bridge network that is made for it, and of its bridge",
        ),
        list(
            "ports",
            &KeyType::Text,
            "published ports: `\"8080:80\"`, `\"192.168.1.3:53:53/udp\"`",
        ),
        map("environment", &KeyType::Text, "environment variables"),
        list("dns", &KeyType::IP, "its DNS servers"),
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
            KeyType::Names(nic_kind::words),
            "how it reaches the host",
        ),
        must("id", KeyType::INTERFACE, "name on the host"),
        must("mac", KeyType::MAC, "the guest's address"),
        super::machine::DUPLICATE_MAC,
        flag(
            "invalid_mac",
            "false",
            "`mac` may be one that no interface may have, multicast or all zero",
        ),
        list(
            "addresses",
            &KeyType::ADDRESS,
            "addresses with prefix length. Only with an image without networkd",
        ),
        flag(
            "accept_ra",
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
        flag(
            "vhost",
            "false",
            "`vhost=on`: the host's kernel moves the frames",
        ),
        may(
            "mtu",
            // The least that IPv4 bears, and virtio-net takes.
            MTU,
            "none told",
            "the MTU that the guest is told, in bytes: `host_mtu`",
        ),
        flag(
            "checksum_offload",
            "true",
            "checksums may be left to the other side: `csum`, `guest_csum`",
        ),
        flag(
            "segmentation_offload",
            "as `checksum_offload`",
            "segments larger than the MTU between guest and host: `gso`, `host_tso4`, `guest_tso4` and their like",
        ),
        text(
            "owner",
            "none",
            "user that may open the TAP, by name or number",
        ),
        flag(
            "multi_queue",
            "with more than one of `queues`",
            "`ip tuntap add ... multi_queue`",
        ),
        flag("vnet_hdr", "true", "`ip tuntap add ... vnet_hdr`"),
        flag("up", "true", "whether the TAP is brought up"),
        flag(
            "before_networkd",
            "false",
            "whether the TAP is there before the machine's networkd starts",
        ),
        flag(
            "at_start",
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
            MTU,
            "the kernel's 1500",
            "MTU of the TAP, in bytes",
        ),
        list(
            "host_addresses",
            &KeyType::ADDRESS,
            "addresses of the TAP: a routed guest has no bridge. Not with `networkd`",
        ),
        list(
            "host_routes",
            &KeyType::Table(&HOST_ROUTE),
            "routes by the TAP. Not with `networkd`",
        ),
    ],
)
.with(Added {
    behind: "mac",
    keys: nic_kind::keys,
});
