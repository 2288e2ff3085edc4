//! How a guest is run: the VMM program, its machine, its NICs, and when it starts. Words of microvm.nix and QEMU.

/// A VMM program. What each can do is a row of [`Vmm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HypervisorKind {
    /// qemu-system(1).
    #[default]
    Qemu,
}

/// What a VMM program offers to scenarios: a scenario is judged by it before anything is built.
#[derive(Debug, PartialEq, Eq)]
pub struct Vmm {
    /// Which.
    pub kind: HypervisorKind,
    /// Its word in `hypervisor`.
    pub name: &'static str,
    /// Its machine types, by their words in `machine`.
    pub machines: &'static [(&'static str, MachineType)],
    /// The buses of its virtio devices, by their words in `transport`.
    pub transports: &'static [(&'static str, Transport)],
    /// How it gets at a macvtap, what it does by itself first: by descriptors, or by the path of the device node
    /// ([`TapOpen::Name`]). Empty: not at all.
    pub macvtap: &'static [TapOpen],
}

const VMMS: [Vmm; 1] = [Vmm {
    kind: HypervisorKind::Qemu,
    name: "qemu",
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
}];

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
    use crate::scenario::{Guest, load};

    /// A guest as the smallest scenario has it.
    pub(crate) fn any_guest() -> Guest {
        let text = "version = 1\nsummary = 'x'\n[guests.any]\n";
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
