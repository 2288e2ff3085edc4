//! A row of the table of VMMs: what is known of a VMM without starting it.

use super::{MachineType, TapOpen, Transport};

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
    /// What it takes of the machine beside its program and KVM: names of [`needs`](crate::scenario::needs).
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

/// What brings a VMM's program: packages by distribution, a crate, or somebody's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Install {
    /// Debian, Ubuntu.
    pub apt: &'static [&'static str],
    /// Fedora.
    pub dnf: &'static [&'static str],
    /// Arch.
    pub pacman: &'static [&'static str],
    /// nixpkgs.
    pub nix: &'static [&'static str],
    /// The crate whose program it is.
    pub cargo: Option<&'static str>,
    /// Where it was looked for in vain, and where people get it; behind "`PROGRAM` is".
    pub absent: &'static str,
}

impl Install {
    /// No package brings it; `absent` is behind "`PROGRAM` is".
    pub const fn by_hand(absent: &'static str) -> Self {
        Self {
            apt: &[],
            dnf: &[],
            pacman: &[],
            nix: &[],
            cargo: None,
            absent,
        }
    }
}
