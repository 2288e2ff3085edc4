//! How a guest is run: the VMM program, its machine, its NICs, and when it starts. Words of microvm.nix and QEMU.

mod kind;

pub use kind::{HypervisorKind, Install, VmmTable};

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

    /// What a VMM without it does or lacks instead, in words that follow its name; a row may have its own.
    const fn without(self) -> &'static str {
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
        let owners = HypervisorKind::all().filter(|kind| kind.can(self));
        let owners: Vec<String> = owners.map(|kind| format!("`{kind}`")).collect();
        owners.join(", ")
    }
}

/// What is known of a VMM program without starting it: scenarios are judged by it before anything is built, and machines are
/// searched for it. The VMM's file in `hypervisor` has it, beside how the program is driven.
#[derive(Debug, PartialEq, Eq)]
pub struct Vmm {
    /// Its word in `hypervisor`, and the name of what a machine must offer for it.
    pub name: &'static str,
    /// What it is to a machine that is asked for it, in one line.
    pub purpose: &'static str,
    /// File name of the program, on this architecture where it has several.
    pub program: &'static str,
    /// Argument that has it tell its version, as the first word of a line that looks like one.
    pub version: &'static str,
    /// The first version that does what the harness asks of it: major and minor.
    pub least: (u32, u32),
    /// What brings the program.
    pub install: Install,
    /// Its machine types, by their words in `machine`.
    pub machines: &'static [(&'static str, MachineType)],
    /// The buses of its virtio devices, by their words in `transport`.
    pub transports: &'static [(&'static str, Transport)],
    /// How it gets at a macvtap, what it does by itself first: by descriptors, or by the path of the device node
    /// ([`TapOpen::Name`]). Empty: not at all.
    pub macvtap: &'static [TapOpen],
    /// What it can do that others cannot.
    pub can: &'static [Feature],
    /// Why it lacks a feature, where that is not what all say who lack it; in words that follow its name.
    pub lacks: &'static [(Feature, &'static str)],
    /// What it takes of the machine beside its program and KVM: names of [`needs`](super::needs).
    pub needs: &'static [&'static str],
    /// What carries its guests' steering channel, for people.
    pub steering: &'static str,
    /// When a NIC can be plugged in and unplugged, for people; empty: never.
    pub plugs: &'static str,
    /// Whether it tells its guests a TAP's MTU by itself; `None`: nobody has tried.
    pub tells_mtu: Option<bool>,
}

/// The machine of a VMM that has one.
pub const ONE_MACHINE: &[(&str, MachineType)] = &[("auto", MachineType::Auto)];
/// The bus of a VMM that has no other.
pub const ON_PCI: &[(&str, Transport)] = &[("auto", Transport::Auto), ("pci", Transport::Pci)];

impl Vmm {
    /// Whether it has this feature.
    pub fn can(&self, feature: Feature) -> bool {
        self.can.contains(&feature)
    }

    /// What it does or lacks instead of a feature that it has not got, in words that follow its name.
    pub fn without(&self, feature: Feature) -> &'static str {
        let own = self.lacks.iter().find(|(lacked, _)| *lacked == feature);
        own.map_or(feature.without(), |(_, why)| why)
    }

    /// Why its guests boot where others start from a template, in words that follow its name; `None`: they start from
    /// one.
    pub fn no_template(&self) -> Option<&'static str> {
        (!self.can(Feature::Template)).then(|| self.without(Feature::Template))
    }

    /// Whether it has this machine type.
    pub fn has_machine(&self, machine: MachineType) -> bool {
        self.machines.iter().any(|(_, known)| *known == machine)
    }

    /// Whether a process of that name may be one of its. The kernel keeps 15 bytes of a program's name (`comm`, proc(5)).
    pub fn is_process(&self, name: &str) -> bool {
        let kept = self.program.get(..15).unwrap_or(self.program);
        name.starts_with(self.name) || [self.program, kept].contains(&name)
    }

    /// How it opens a TAP when nobody says.
    pub fn open(&self) -> TapOpen {
        match self.can(Feature::TapDescriptor) {
            true => TapOpen::Fd,
            false => TapOpen::Name,
        }
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

impl GuestStart {
    /// Its words in a scenario.
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("boot", Self::Boot), ("step", Self::Step)];
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

impl TapOpen {
    /// Its words in a scenario.
    pub(crate) const WORDS: [(&'static str, Self); 2] = [("fd", Self::Fd), ("name", Self::Name)];
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
