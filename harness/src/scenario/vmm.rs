//! How a guest is run: the VMM program, its machine, its NICs, and when it starts. Words of microvm.nix and QEMU.

use serde::{Deserialize, Serialize};

/// A VMM program. What each can do is a row of [`Vmm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HypervisorKind {
    /// qemu-system(1).
    #[default]
    Qemu,
    /// cloud-hypervisor.
    CloudHypervisor,
    /// alioth, crate `alioth-cli`.
    Alioth,
    /// firecracker.
    Firecracker,
    /// crosvm.
    Crosvm,
    /// kvmtool, whose program is `lkvm`.
    Kvmtool,
}

/// The user that VMMs run as, by number.
pub const VMM_USER: &str = "65534";

/// What some VMMs can do and others cannot. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Runs guests without KVM.
    Emulation,
    /// Starts guests from a template.
    Template,
    /// Boots from a disk that it never writes to: writes go to a layer of the guest's own.
    CopyOnWriteDisk,
    /// Takes an open TAP as a descriptor. Each opens one by its name.
    TapDescriptor,
    /// Several queue pairs of a NIC.
    Queues,
    /// `vhost=on`.
    Vhost,
    /// Tells the guest an MTU that is not the TAP's.
    Mtu,
    /// Switches checksum and segmentation offload off.
    Offloads,
}

impl Feature {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emulation => "emulation",
            Self::Template => "template",
            Self::CopyOnWriteDisk => "copy-on-write-disk",
            Self::TapDescriptor => "tap-descriptor",
            Self::Queues => "queues",
            Self::Vhost => "vhost",
            Self::Mtu => "mtu",
            Self::Offloads => "offloads",
        }
    }

    /// What a VMM without it does or lacks instead, in words that follow its name.
    pub const fn without(self) -> &'static str {
        match self {
            Self::Emulation => "needs KVM",
            Self::Template => "starts from no template",
            Self::CopyOnWriteDisk => "would write to the image's disk",
            Self::TapDescriptor => "opens its TAPs by name",
            Self::Queues => "gives a NIC one queue pair",
            Self::Vhost => "moves the frames itself",
            Self::Mtu => "tells the guest the TAP's own MTU, or none",
            Self::Offloads => "switches no offload off",
        }
    }

    /// The VMMs that have it, for people: "`qemu`, `alioth`".
    pub fn owners(self) -> String {
        let owners: Vec<String> = VMMS
            .iter()
            .filter(|row| row.can(self))
            .map(|row| format!("`{}`", row.name))
            .collect();
        owners.join(", ")
    }
}

/// What a VMM program offers to scenarios: a scenario is judged by it before anything is built.
#[derive(Debug, PartialEq, Eq)]
pub struct Vmm {
    /// Which.
    pub kind: HypervisorKind,
    /// Its word in `hypervisor`.
    pub name: &'static str,
    /// File name of the program, on this architecture where it has several.
    pub program: &'static str,
    /// Arguments that have it tell its version.
    pub version: &'static str,
    /// The first version that does what the harness asks of it: major and minor.
    pub least: (u32, u32),
    /// Its machine types, by their words in `machine`.
    pub machines: &'static [(&'static str, MachineType)],
    /// The buses of its virtio devices, by their words in `transport`.
    pub transports: &'static [(&'static str, Transport)],
    /// How it gets at a macvtap, what it does by itself first: by descriptors, or by the path of the device node
    /// ([`TapOpen::Name`]). Empty: not at all.
    pub macvtap: &'static [TapOpen],
    /// What it can do that others cannot.
    pub can: &'static [Feature],
    /// What it takes of the machine beside its program and KVM: names of [`needs`](super::needs).
    pub needs: &'static [&'static str],
}

/// The machine of a VMM that has one.
const ONE_MACHINE: &[(&str, MachineType)] = &[("auto", MachineType::Auto)];
/// The bus of a VMM that has no other.
const ON_PCI: &[(&str, Transport)] = &[("auto", Transport::Auto), ("pci", Transport::Pci)];

const VMMS: [Vmm; 6] = [
    Vmm {
        kind: HypervisorKind::Qemu,
        name: "qemu",
        program: QEMU,
        version: "--version",
        // `-M microvm,pcie=on`.
        least: (5, 2),
        machines: &[
            ("auto", MachineType::Auto),
            ("microvm", MachineType::Microvm),
            ("q35", MachineType::Q35),
        ],
        transports: &[
            ("auto", Transport::Auto),
            ("pci", Transport::Pci),
            ("mmio", Transport::Mmio),
        ],
        macvtap: &[TapOpen::Fd],
        can: &[
            Feature::Emulation,
            Feature::Template,
            Feature::CopyOnWriteDisk,
            Feature::TapDescriptor,
            Feature::Queues,
            Feature::Vhost,
            Feature::Mtu,
            Feature::Offloads,
        ],
        needs: &[],
    },
    Vmm {
        kind: HypervisorKind::CloudHypervisor,
        name: "cloud-hypervisor",
        program: "cloud-hypervisor",
        version: "--version",
        // Older ones give a TAP without `ip` the address 192.168.249.1 (its release notes).
        least: (49, 0),
        machines: ONE_MACHINE,
        transports: ON_PCI,
        macvtap: &[TapOpen::Fd],
        can: &[
            Feature::CopyOnWriteDisk,
            Feature::TapDescriptor,
            Feature::Queues,
            Feature::Offloads,
        ],
        needs: &[],
    },
    Vmm {
        kind: HypervisorKind::Alioth,
        name: "alioth",
        program: "alioth",
        version: "--version",
        // `--vsock uds`, `--cpu`.
        least: (0, 12),
        machines: ONE_MACHINE,
        transports: ON_PCI,
        macvtap: &[TapOpen::Name],
        can: &[Feature::Queues, Feature::Mtu],
        needs: &[],
    },
    Vmm {
        kind: HypervisorKind::Firecracker,
        name: "firecracker",
        program: "firecracker",
        version: "--version",
        // `--enable-pci`.
        least: (1, 13),
        machines: ONE_MACHINE,
        transports: &[
            ("auto", Transport::Auto),
            ("pci", Transport::Pci),
            ("mmio", Transport::Mmio),
        ],
        macvtap: &[],
        can: &[],
        needs: &[],
    },
    Vmm {
        kind: HypervisorKind::Crosvm,
        name: "crosvm",
        program: "crosvm",
        version: "version",
        least: (0, 0),
        machines: ONE_MACHINE,
        transports: ON_PCI,
        macvtap: &[TapOpen::Fd],
        can: &[Feature::TapDescriptor],
        // It has vsocks by the host's kernel, and guests are steered by them.
        needs: &["vhost-vsock"],
    },
    Vmm {
        kind: HypervisorKind::Kvmtool,
        name: "kvmtool",
        program: "lkvm",
        version: "version",
        least: (0, 0),
        machines: ONE_MACHINE,
        transports: ON_PCI,
        macvtap: &[TapOpen::Name],
        can: &[],
        // It has vsocks by the host's kernel, and guests are steered by them.
        needs: &["vhost-vsock"],
    },
];

/// QEMU's system emulator for this machine's own architecture.
#[cfg(target_arch = "x86_64")]
const QEMU: &str = "qemu-system-x86_64";
/// QEMU's system emulator for this machine's own architecture.
#[cfg(target_arch = "aarch64")]
const QEMU: &str = "qemu-system-aarch64";
/// QEMU's system emulator for this machine's own architecture.
#[cfg(target_arch = "riscv64")]
const QEMU: &str = "qemu-system-riscv64";

impl Vmm {
    /// The row of a program.
    pub fn of(kind: HypervisorKind) -> &'static Self {
        let row = VMMS.iter().find(|row| row.kind == kind);
        row.unwrap_or(&VMMS[0])
    }

    /// All of them.
    pub fn all() -> &'static [Self] {
        &VMMS
    }

    /// Whether it has this feature.
    pub fn can(&self, feature: Feature) -> bool {
        self.can.contains(&feature)
    }

    /// Why its guests boot where others start from a template, in words that follow its name; `None`: they start from
    /// one.
    pub fn no_template(&self) -> Option<&'static str> {
        if self.can(Feature::Template) {
            return None;
        }
        Some(match self.kind {
            // Found by trying: docs/hypervisors.md.
            HypervisorKind::CloudHypervisor => {
                "sets a restored guest's clock on by its snapshot's age, and gives it no generation id"
            }
            _ => Feature::Template.without(),
        })
    }

    /// How it opens a TAP when nobody says.
    pub fn open(&self) -> TapOpen {
        match self.can(Feature::TapDescriptor) {
            true => TapOpen::Fd,
            false => TapOpen::Name,
        }
    }
}

impl std::fmt::Display for HypervisorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Vmm::of(*self).name)
    }
}

/// Which QEMU machine type a guest gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MachineType {
    /// `microvm` where it boots reliably, `q35` otherwise; the report names what was taken and why.
    #[default]
    Auto,
    /// `-M microvm`, as microvm.nix runs it.
    Microvm,
    /// `-M q35`.
    Q35,
}

/// The bus of a guest's virtio devices: QEMU's `virtio-net-pci` or `virtio-net-device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// What the machine type has: virtio-mmio on `microvm`, PCI on `q35`.
    #[default]
    Auto,
    /// PCI; on `microvm` with `pcie=on`, as microvm.nix switches it on for shares and passthrough.
    Pci,
    /// virtio-mmio, which `q35` does not have.
    Mmio,
}

/// When a guest is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestStart {
    /// With the lab.
    #[default]
    Boot,
    /// By a step. Until then its TAPs are there, and nobody holds them: they have no carrier.
    Step,
}

/// How a VMM gets at a TAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TapOpen {
    /// The lab opens it and hands down the descriptors: `-netdev tap,fd=`.
    #[default]
    Fd,
    /// The VMM opens it by its name, as microvm.nix's runner has it do: `-netdev tap,ifname=`. Then the TAP's owner and
    /// flags are between the VMM and the kernel. A macvtap: by the path of its device node.
    Name,
}

/// What the VMM is told about a NIC beside its MAC address (QEMU's `-netdev tap` and properties of `virtio-net`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NicOptions {
    /// How the TAP is opened.
    pub open: TapOpen,
    /// Queue pairs of the TAP; the guest is told of more than one on PCI only (`mq=on,vectors=2N+2`), as by microvm.nix.
    pub queues: u8,
    /// `vhost=on`: the host's kernel moves the frames.
    pub vhost: bool,
    /// `host_mtu`: the MTU in bytes that the guest is told; none is told when absent.
    pub mtu: Option<u16>,
    /// `csum` and `guest_csum`: checksums may be left to the other side.
    pub checksum_offload: bool,
    /// `host_tso4` and its like: segments may be larger than the MTU on their way between guest and host.
    pub segmentation_offload: bool,
}

impl Default for NicOptions {
    fn default() -> Self {
        Self {
            open: TapOpen::Fd,
            queues: 1,
            vhost: false,
            mtu: None,
            checksum_offload: true,
            segmentation_offload: true,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scenario::{Guest, load};

    #[test]
    fn each_vmm_has_one_row_by_its_word() {
        for row in Vmm::all() {
            assert_eq!(serde_json::to_value(row.kind).expect("a word"), row.name);
            assert_eq!(Vmm::of(row.kind), row, "its row is found by its kind");
            assert!(row.machines.contains(&("auto", MachineType::Auto)));
            let known = crate::scenario::needs::CAPABILITIES;
            assert!(row.needs.iter().all(|need| known.contains(need)));
            assert!(row.transports.contains(&("auto", Transport::Auto)));
        }
    }

    /// A guest as the smallest scenario has it.
    pub(crate) fn any_guest() -> Guest {
        guest_with("")
    }

    /// A guest with a TAP.
    pub(crate) fn guest_on_a_tap() -> Guest {
        guest_with("interfaces = [{ type = 'tap', id = 'vm-any', mac = '02:00:00:00:00:01' }]\n")
    }

    fn guest_with(keys: &str) -> Guest {
        let text = format!("version = 1\nsummary = 'x'\n[guests.any]\n{keys}");
        let name = format!("{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(format!("bridgelab-any-guest-{name}.toml"));
        std::fs::write(&path, text).expect("a scenario");
        let loaded = load(&path);
        std::fs::remove_file(&path).expect("it is there");
        let loaded = loaded.expect("a valid scenario");
        let scenario = loaded.scenario(None).expect("its green form");
        let mut guests = scenario.guests.into_values();
        guests.next().expect("its guest")
    }
}
