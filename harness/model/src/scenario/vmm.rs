//! How a guest is run: the VMM program, its machine, its NICs, and when it starts. Words of microvm.nix and QEMU.

mod kind;
mod row;

pub use kind::{HypervisorKind, VmmTable};
pub use row::{Feature, Install, ON_PCI, ONE_MACHINE, Vmm};

/// The user that VMMs run as, by number.
pub const VMM_USER: &str = "65534";

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
