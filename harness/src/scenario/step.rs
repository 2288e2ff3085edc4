//! The steps of a scenario: what is done, one thing after another, once the lab stands and its guests are up.
//!
//! A scenario without steps is looked at once. With them, the checks that name no step are looked at first, then each
//! step is done, and after it the checks that name it ([`Check::after`](super::Check::after)).

use std::net::IpAddr;
use std::time::Duration;

use super::names::{IfName, MachineName, StepId};
use super::net::Mac;
use super::{Bridge, BridgePort, CheckKind, UnitFile, VantagePoint};

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique among the steps.
    pub id: StepId,
    /// How long it may take. Deadlines are stretched under TCG.
    pub within: Duration,
    /// What the kernel or the tool must say to it.
    pub answer: Answer,
    /// What is done; `None`: a variant took it away, and the checks after it are looked at all the same.
    pub action: Option<Action>,
}

/// What a step expects of whom it asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answer {
    /// It is done. Otherwise there is no verdict: the run is broken.
    #[default]
    Done,
    /// Done or refused, the run goes on (`may_fail`).
    Either,
    /// Refused with these words (`refused`). Otherwise the network is not as the scenario says.
    Refused(String),
}

/// What a step does.
///
/// `on` is where: a machine, a guest or a container. In a guest, an interface that is one of the guest's own `id`s is
/// the NIC with that MAC address, whatever the guest's kernel calls it.
#[derive(Debug, Clone)]
pub enum Action {
    /// `systemctl start microvm@GUEST`: makes its TAPs and boots it.
    Start {
        /// Guest.
        guest: MachineName,
    },
    /// `systemctl stop microvm@GUEST`: ends its VMM, and its TAPs go.
    Stop {
        /// Guest.
        guest: MachineName,
    },
    /// `systemctl restart microvm@GUEST`: its TAPs are deleted and made again, as microvm.nix does.
    Restart {
        /// Guest.
        guest: MachineName,
    },
    /// Starts a daemon; in a guest by `systemctl start`.
    StartDaemon {
        /// A machine or a guest.
        on: VantagePoint,
        /// Daemon.
        daemon: Daemon,
    },
    /// Stops a daemon; in a guest by `systemctl stop`.
    StopDaemon {
        /// A machine or a guest.
        on: VantagePoint,
        /// Daemon.
        daemon: Daemon,
    },
    /// networkd reads its unit files again (`networkctl reload`, with an interface `networkctl reconfigure`);
    /// dnsmasq forgets what it has cached (SIGHUP).
    Reload {
        /// A machine or a guest.
        on: VantagePoint,
        /// Daemon.
        daemon: Daemon,
        /// Link to configure anew.
        interface: Option<IfName>,
    },
    /// `ip link set INTERFACE up`.
    LinkUp {
        /// A machine or a guest.
        on: VantagePoint,
        /// Link.
        interface: IfName,
    },
    /// `ip link set INTERFACE down`.
    LinkDown {
        /// A machine or a guest.
        on: VantagePoint,
        /// Link.
        interface: IfName,
    },
    /// `ip link delete INTERFACE`.
    DeleteLink {
        /// A machine or a guest.
        on: VantagePoint,
        /// Link.
        interface: IfName,
    },
    /// `ip link add NAME type bridge`, with addresses and ports, and up.
    AddBridge {
        /// Machine.
        on: MachineName,
        /// What is made.
        bridge: NewBridge,
    },
    /// `ip link set INTERFACE type bridge_slave ...`: what a bridge does with one of its ports, whoever put it there.
    BridgePort {
        /// A machine or a guest.
        on: VantagePoint,
        /// Port.
        interface: IfName,
        /// What is changed; its VLANs are not.
        options: BridgePort,
    },
    /// Plugs a NIC into a running guest: a TAP, then QMP's `netdev_add` and `device_add`.
    Plug {
        /// Guest.
        guest: MachineName,
        /// Its name on the host side.
        interface: IfName,
        /// The guest's MAC address.
        mac: Mac,
    },
    /// Unplugs a NIC of a running guest: QMP's `device_del` and `netdev_del`; its TAP goes.
    Unplug {
        /// Guest.
        guest: MachineName,
        /// Its name on the host side.
        interface: IfName,
    },
    /// Writes a unit file, or replaces it. networkd takes notice when it is reloaded.
    WriteUnit {
        /// A machine with networkd, or a guest.
        on: VantagePoint,
        /// The file.
        unit: UnitFile,
    },
    /// Removes a unit file.
    RemoveUnit {
        /// A machine with networkd, or a guest.
        on: VantagePoint,
        /// Its name.
        name: String,
    },
    /// Runs a command and compares its exit status.
    Run {
        /// Where.
        on: VantagePoint,
        /// Program and arguments; no shell.
        command: Vec<String>,
        /// Expected exit status; of one in the background none.
        status: u8,
        /// It goes on while later steps are done and checks are looked at, until a [`Kill`](Self::Kill) or the end of the
        /// last check.
        background: bool,
    },
    /// Ends a command in the background: SIGTERM, and then whatever it has started.
    Kill {
        /// The step that started it.
        run: StepId,
    },
    /// Sends a crafted frame out of a link of a machine.
    Send {
        /// Machine.
        on: MachineName,
        /// Link.
        interface: IfName,
        /// What is sent.
        frame: Frame,
        /// How often.
        count: u16,
    },
    /// `tc qdisc replace dev INTERFACE root netem ...`: what leaves the link suffers. Needs netem.
    Impair {
        /// Machine.
        on: MachineName,
        /// Link.
        interface: IfName,
        /// How.
        netem: Netem,
    },
    /// `tc qdisc delete dev INTERFACE root`: the link is as it was.
    Unimpair {
        /// Machine.
        on: MachineName,
        /// Link.
        interface: IfName,
    },
    /// `ethtool -K INTERFACE tx off tso off gso off`: what the link leaves to the other side, or to the driver.
    Offload {
        /// Machine.
        on: MachineName,
        /// Link.
        interface: IfName,
        /// What is switched.
        offload: Offload,
    },
    /// `ip neigh flush`: forgets the neighbours, of one link or of all.
    FlushNeighbours {
        /// A machine or a guest.
        on: VantagePoint,
        /// Link; `None`: all.
        interface: Option<IfName>,
    },
    /// `ip link set BRIDGE type bridge fdb_flush`: forgets the learned addresses.
    FlushFdb {
        /// A machine or a guest.
        on: VantagePoint,
        /// Bridge.
        bridge: IfName,
    },
    /// `sysctl -w KEY=VALUE`.
    Sysctl {
        /// A machine or a guest.
        on: VantagePoint,
        /// Dotted key below `net.`.
        key: String,
        /// Value.
        value: String,
    },
    /// Waits for a fact, as a check would.
    WaitFor {
        /// Where to look from.
        from: VantagePoint,
        /// The fact.
        kind: CheckKind,
    },
}

/// A daemon that steps can start and stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Daemon {
    /// systemd-networkd, of a machine or a guest.
    Networkd,
    /// dnsmasq of a machine.
    Dnsmasq,
    /// The web server of a machine.
    Http,
    /// systemd-resolved of a guest.
    Resolved,
    /// Docker of a guest.
    Docker,
}

impl Daemon {
    /// The word for it in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Networkd => "networkd",
            Self::Dnsmasq => "dnsmasq",
            Self::Http => "http",
            Self::Resolved => "resolved",
            Self::Docker => "docker",
        }
    }
}

/// A bridge that a step makes.
#[derive(Debug, Clone)]
pub struct NewBridge {
    /// Its name.
    pub name: IfName,
    /// Its options; those of ports are none.
    pub options: Bridge,
    /// Links that become its ports.
    pub ports: Vec<IfName>,
}

/// What leaves an impaired link (tc-netem(8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Netem {
    /// Frames lost, in percent.
    pub loss: Option<u8>,
    /// Each frame is held up so long.
    pub delay: Option<Duration>,
    /// Kilobits a second.
    pub rate: Option<u32>,
}

/// Offloads of a link that are switched on or off; `None`: left as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offload {
    /// Checksums of what is sent (`tx`).
    pub checksum: Option<bool>,
    /// Segments larger than the MTU (`tso`, `gso`).
    pub segmentation: Option<bool>,
}

/// A frame that a step sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Exactly these bytes, from the destination address on.
    Bytes(Vec<u8>),
    /// An ARP request for one's own address, to all (RFC 5227, 3); for an IPv6 address an unsolicited neighbour
    /// advertisement to all nodes (RFC 4861, 7.2.6): who hears it corrects its neighbour entry.
    Announce {
        /// The address.
        address: IpAddr,
        /// Who has it; the link's own address when absent.
        mac: Option<Mac>,
    },
}
