//! What a machine may or may not offer.
//!
//! A scenario names what it needs; [`doctor`](super::doctor) says what is here.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::link_kind::{LINK_KINDS, LinkKind};
use crate::scenario::HypervisorKind;
use crate::scenario::needs::CapabilityTable;

/// Environment variable that turns an unmet capability from a skip into a failure.
pub const STRICT_VARIABLE: &str = "BRIDGELAB_STRICT";

/// Whether an unmet capability is a failure instead of a skip, as CI wants it: [`STRICT_VARIABLE`] is `1`.
pub fn strict() -> bool {
    std::env::var_os(STRICT_VARIABLE).is_some_and(|value| value == "1")
}

/// Says that a test is skipped because this host cannot do it, and why; fails the test where [`strict`] wants that.
#[cfg(test)]
pub(crate) fn skip_test(reason: &str) {
    assert!(!strict(), "skipped under {STRICT_VARIABLE}=1: {reason}");
    eprintln!("skipped: because {reason}");
}

/// Makes the capabilities that no other table brings, in the order of the report: what every run needs comes first.
macro_rules! capabilities {
    ($($variant:ident = $name:literal,)+) => {
        /// Something that a machine may or may not offer. The kebab-case names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[expect(
            missing_docs,
            reason = "`purpose` documents each one, for readers of the code and of the report"
        )]
        pub enum Capability {
            $($variant,)+
            /// The program of a VMM.
            Vmm(HypervisorKind),
            /// A kind of link.
            Link(&'static LinkKind),
        }

        impl Capability {
            const FIXED: &[Self] = &[$(Self::$variant),+];

            /// The stable name, as in scenario files and in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Vmm(kind) => kind.row().name,
                    Self::Link(kind) => kind.name,
                }
            }
        }
    };
}

capabilities! {
    Namespaces = "namespaces",
    SubordinateIds = "subordinate-ids",
    Bridge = "bridge",
    Veth = "veth",
    Tap = "tap",
    Iproute2 = "iproute2",
    Networkd = "networkd",
    DbusDaemon = "dbus-daemon",
    Dnsmasq = "dnsmasq",
    Ping = "ping",
    SshKeygen = "ssh-keygen",
    Mmdebstrap = "mmdebstrap",
    DebianKeyring = "debian-keyring",
    MkfsExt4 = "mkfs-ext4",
    QemuImg = "qemu-img",
    DiskSpace = "disk-space",
    Memory = "memory",
    Kvm = "kvm",
    Tcpdump = "tcpdump",
    Nftables = "nftables",
    Iptables = "iptables",
    Macvtap = "macvtap",
    DeviceNodes = "device-nodes",
    Netem = "netem",
    VlanFiltering = "vlan-filtering",
    BridgeNetfilter = "bridge-netfilter",
    VhostNet = "vhost-net",
    VhostVsock = "vhost-vsock",
}

inventory::submit! {
    CapabilityTable(|| Capability::all().into_iter().map(Capability::name).collect())
}

/// How much depends on a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// No scenario runs without it.
    Run,
    /// Making the guest image and its template needs it, which the first run does.
    Image,
    /// Some scenarios ask for it and are skipped without it.
    SomeScenarios,
    /// Everything works without it, only slower.
    Speed,
}

impl Capability {
    /// All of them, in the order of the report.
    pub fn all() -> Vec<Self> {
        let vmms = HypervisorKind::all().map(Self::Vmm);
        let links = LINK_KINDS.iter().map(Self::Link);
        let fixed = Self::FIXED.iter().copied();
        let mut all: Vec<Self> = fixed.chain(vmms).chain(links).collect();
        all.sort_unstable();
        all
    }

    /// Place in the report. A VMM stands behind the last capability that is needed as much as it is: every run needs
    /// the VMM that is the default, some scenarios the others. Kinds of links stand at the end.
    fn place(self) -> (usize, Option<HypervisorKind>, Option<usize>) {
        let (after, vmm, link) = match self {
            Self::Vmm(kind) if kind == HypervisorKind::default() => {
                (Self::Dnsmasq, Some(kind), None)
            }
            Self::Vmm(kind) => (Self::Iptables, Some(kind), None),
            Self::Link(kind) => (self, None, LINK_KINDS.iter().position(|one| one == kind)),
            fixed => (fixed, None, None),
        };
        let place = Self::FIXED.iter().position(|one| *one == after);
        (place.unwrap_or(Self::FIXED.len()), vmm, link)
    }

    /// The capability of that name; a scenario's `needs` are names.
    pub fn named(name: &str) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|capability| capability.name() == name)
    }

    /// What it is for, in one line.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Vmm(kind) => kind.row().purpose,
            Self::Namespaces => "the lab lives in namespaces of its own",
            Self::SubordinateIds => {
                "networkd and image builds need more than one user id (not as root)"
            }
            Self::Bridge => "the bridge under test",
            Self::Veth => "the cables of the lab, eno1 among them",
            Self::Tap => "the guests' network cards",
            Self::Iproute2 => "ip, tc and bridge: evidence, netem, multicast tables",
            Self::Networkd => "the real systemd-networkd reads the host's units",
            Self::DbusDaemon => "networkctl talks to the lab's networkd over a private bus",
            Self::Dnsmasq => "DNS, DHCP and router advertisements of the lab's router",
            Self::Ping => "ping checks from the lab's machines",
            Self::SshKeygen => "one key per run for the guests' SSH",
            Self::Mmdebstrap => "builds the Debian guest image",
            Self::DebianKeyring => "the keys that Debian's archive is signed with",
            Self::MkfsExt4 => "makes the guest's disk from a folder, without root",
            Self::QemuImg => "makes the disk of a template, from which guests start in a moment",
            Self::DiskSpace => "room for the image, templates and evidence",
            Self::Memory => "room for the guests",
            Self::Kvm => "guests at full speed instead of emulation",
            Self::Tcpdump => "checks of packets on the wire",
            Self::Nftables => "scenarios with a ruleset of nftables",
            Self::Iptables => "scenarios with a ruleset of iptables",
            Self::Macvtap => "scenarios with type = \"macvtap\"",
            Self::DeviceNodes => "macvtap: its device node has to be made by mknod",
            Self::Netem => "scenarios with loss, delay or reordering",
            Self::VlanFiltering => "scenarios with VLANs on the bridge",
            Self::BridgeNetfilter => "scenarios where the firewall sees bridged frames",
            Self::VhostNet => "scenarios with tap.vhost = true",
            Self::VhostVsock => &VHOST_VSOCK,
            Self::Link(_) => "scenarios whose unit files make a link of this kind",
        }
    }

    /// How much depends on it.
    pub fn need(self) -> Need {
        match self {
            Self::Vmm(kind) if kind == HypervisorKind::default() => Need::Run,
            Self::Namespaces
            | Self::SubordinateIds
            | Self::Bridge
            | Self::Veth
            | Self::Tap
            | Self::Iproute2
            | Self::Networkd
            | Self::DbusDaemon
            | Self::Dnsmasq
            | Self::Ping
            | Self::SshKeygen
            | Self::DiskSpace
            | Self::Memory => Need::Run,
            Self::Mmdebstrap | Self::DebianKeyring | Self::MkfsExt4 | Self::QemuImg => Need::Image,
            Self::Kvm => Need::Speed,
            _ => Need::SomeScenarios,
        }
    }

    /// Whether setting up installs it although only some scenarios ask for it: it is a small package.
    pub const fn small(self) -> bool {
        matches!(self, Self::Tcpdump | Self::Nftables | Self::Iptables)
    }

    /// Whether a lab in a VM has it whatever this machine has: `run --lab vm` boots a full kernel, with KVM and with
    /// every program that a lab needs.
    pub const fn in_lab_vm(self) -> bool {
        match self {
            // What the VM itself is made with.
            Self::Namespaces
            | Self::SubordinateIds
            | Self::Mmdebstrap
            | Self::DebianKeyring
            | Self::MkfsExt4
            | Self::QemuImg
            | Self::DiskSpace
            | Self::Memory
            // Programs that come from this machine.
            | Self::Vmm(_) => false,
            _ => true,
        }
    }

    /// Kernel module that brings the capability, where the kernel does not load the module by itself.
    pub const fn module(self) -> Option<&'static str> {
        match self {
            // This module makes frames on every bridge pass the firewall's rules, so it is loaded only when a user asks
            // for it.
            Self::BridgeNetfilter => Some("br_netfilter"),
            // This module makes its device node.
            Self::VhostVsock => Some("vhost_vsock"),
            _ => None,
        }
    }

    /// Whether the first `run` on a machine fails without it.
    pub fn required(self) -> bool {
        matches!(self.need(), Need::Run | Need::Image)
    }
}

/// The purpose of `vhost-vsock`, which names the VMMs whose guests are steered by vsocks of the host's kernel.
static VHOST_VSOCK: LazyLock<String> = LazyLock::new(|| {
    let name = Capability::VhostVsock.name();
    let vmms = HypervisorKind::all().filter(|kind| kind.needs.contains(&name));
    let names: Vec<&str> = vmms.map(|kind| kind.row().name).collect();
    format!("guests of {} are steered by it", names.join(" and "))
});

impl Ord for Capability {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Capability {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name)
            .ok_or_else(|| D::Error::custom(format!("no capability is called `{name}`")))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::needs::capabilities;

    #[test]
    fn serde_and_name_agree_and_each_name_is_one() {
        let all = Capability::all();
        for capability in &all {
            let value = serde_json::to_value(capability).unwrap();
            assert_eq!(value, capability.name());
            let read: Capability = serde_json::from_value(value).unwrap();
            assert_eq!(read, *capability);
        }
        let names: BTreeSet<&str> = all.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn scenarios_may_ask_for_each_of_them() {
        let names: Vec<&str> = Capability::all()
            .into_iter()
            .map(Capability::name)
            .collect();
        assert_eq!(names, capabilities());
        assert_eq!(Capability::named("netem"), Some(Capability::Netem));
        assert_eq!(Capability::named("Netem"), None);
    }

    #[test]
    fn what_a_run_requires_comes_first() {
        let all = Capability::all();
        let first_optional = all.iter().position(|c| !c.required()).unwrap();
        assert!(all[first_optional..].iter().all(|c| !c.required()));
    }
}
