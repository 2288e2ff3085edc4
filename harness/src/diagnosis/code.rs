//! What can be found, a closed list: scripts and people look a code up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Makes the type, its names and its list of one table.
macro_rules! codes {
    ($($(#[doc = $said:literal])+ $code:ident = $name:literal,)*) => {
        /// What a diagnosis found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $said])+ #[serde(rename = $name)] $code,)*
        }

        impl Code {
            /// Every code, in the order of the layers: the lowest first.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// Its name, which stays: `port.not_enslaved`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// What it means, in words.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => concat!($($said),+).trim_ascii(),)*
                }
            }
        }
    };
}

codes! {
    /// A link that is needed does not exist.
    LinkAbsent = "link.absent",
    /// A link exists, and is of another kind than what uses it needs.
    LinkKind = "link.kind",
    /// A link is administratively down.
    LinkDown = "link.down",
    /// A link is up, and what it is connected to is not.
    LinkNoCarrier = "link.no_carrier",
    /// A packet is longer than the MTU of a link on its way.
    LinkMtu = "link.mtu",
    /// A link has another MAC address than what expects it.
    LinkMac = "link.mac",
    /// The mode of a macvlan or a macvtap keeps frames from whom they are for.
    LinkMode = "link.mode",
    /// A link has another setting than the one that is asked for.
    LinkSetting = "link.setting",
    /// A link that should be a port of a bridge has no bridge.
    PortNotEnslaved = "port.not_enslaved",
    /// A link is the port of another bridge than the one that is needed.
    PortWrongMaster = "port.wrong_master",
    /// Both ports are isolated, so that the bridge passes nothing between them.
    PortIsolated = "port.isolated",
    /// A port does not forward, by its state or by STP.
    PortBlocking = "port.blocking",
    /// A port is not flooded, and the bridge does not know the address behind it.
    PortFloodOff = "port.flood_off",
    /// A port gets no broadcasts.
    PortBcastOff = "port.bcast_off",
    /// A port gets no multicast that it has not joined.
    PortMcastOff = "port.mcast_off",
    /// A port is not in the VLAN that the packet is in.
    PortVlan = "port.vlan",
    /// A port is locked, and the address behind it is not authorised.
    PortLocked = "port.locked",
    /// A port does not learn addresses.
    PortLearningOff = "port.learning_off",
    /// The bridge takes an address to be behind another port.
    FdbWrongPort = "fdb.wrong_port",
    /// Two links have the same MAC address.
    FdbDuplicateMac = "fdb.duplicate_mac",
    /// A multicast group has no member behind the port.
    MdbNotMember = "mdb.not_member",
    /// No link has the address.
    AddressAbsent = "address.absent",
    /// A link has another address, or another prefix length, than the one that is asked for.
    AddressOther = "address.other",
    /// Two machines have the same address.
    AddressDuplicate = "address.duplicate",
    /// Two machines have the same machine-id, of which networkd makes the identifiers of DHCP clients.
    MachineSameId = "machine.same_id",
    /// Duplicate address detection found the address in use, so it is not used.
    AddressDadFailed = "address.dad_failed",
    /// The address is still being probed for duplicates.
    AddressTentative = "address.tentative",
    /// Nobody answers who has the next hop's address.
    NeighUnanswered = "neigh.unanswered",
    /// The neighbour entry of the next hop has another MAC address than the next hop.
    NeighWrongMac = "neigh.wrong_mac",
    /// There is no route to the destination.
    RouteNone = "route.none",
    /// The route leads to another link or next hop than the one that is needed.
    RouteOtherLink = "route.other_link",
    /// The machine that answers has no route back.
    RouteNoneBack = "route.none_back",
    /// The reverse path filter drops packets from a source that is not routed back by the same link.
    RouteRpFilter = "route.rp_filter",
    /// A route of type blackhole, unreachable or prohibit, or a rule, refuses the destination.
    RouteRefused = "route.refused",
    /// A rule of a firewall drops the packet.
    HookRule = "hook.rule",
    /// The policy of a chain of a firewall drops the packet.
    HookPolicy = "hook.policy",
    /// A firewall for IP drops a frame that a bridge passes, since br_netfilter hands it frames.
    HookBridgeNf = "hook.bridge_nf",
    /// A firewall on the way leaves the source address as it is, and nobody beyond has a route back to it.
    HookNoNat = "hook.no_nat",
    /// A machine on the way does not forward packets.
    ForwardOff = "forward.off",
    /// A sysctl makes the kernel ignore the packet.
    SysctlIgnores = "sysctl.ignores",
    /// No program listens on the port.
    SocketNone = "socket.none",
    /// The server that should answer does not run.
    ServiceNotRunning = "service.not_running",
    /// The server got the request and did not answer.
    ServiceSilent = "service.silent",
    /// The server answered something else than what is asked for.
    ServiceAnswer = "service.answer",
    /// The machine asks no server, or another one, for names.
    ServiceResolver = "service.resolver",
    /// No router sends router advertisements.
    RaNotSent = "ra.not_sent",
    /// Router advertisements are sent and do not arrive.
    RaNotSeen = "ra.not_seen",
    /// Router advertisements arrive and are not accepted.
    RaIgnored = "ra.ignored",
    /// Router advertisements arrive and say something else than what is asked for.
    RaContent = "ra.content",
    /// No unit of networkd matches the link that needs one.
    UnitNotMatched = "unit.not_matched",
    /// Another unit matches the link first.
    UnitWrongMatch = "unit.wrong_match",
    /// Networkd refuses or ignores a line of a unit.
    UnitInvalid = "unit.invalid",
    /// Networkd has not finished to configure the link.
    UnitConfiguring = "unit.configuring",
    /// A line of a unit, or one that is missing in it, makes the state another one.
    UnitSetting = "unit.setting",
    /// A sysctl has another value.
    SysctlValue = "sysctl.value",
    /// Networkd of the guest manages Docker's veths.
    ContainerVethTaken = "container.veth_taken",
    /// The container does not run.
    ContainerNotRunning = "container.not_running",
    /// A setting of Docker keeps the container from the network.
    ContainerSetting = "container.setting",
    /// The VMM did not start.
    VmmNotStarted = "vmm.not_started",
    /// The VMM could not open the TAP.
    VmmTapRefused = "vmm.tap_refused",
    /// A setting of a NIC of the VMM keeps frames from the guest.
    VmmSetting = "vmm.setting",
    /// A step of the scenario changed what the check needs.
    StepCaused = "step.caused",
    /// The network does something else than what the check asks for, and nothing on the way is at fault.
    CheckExpectation = "check.expectation",
    /// Unknown: a machine on the way could not be watched.
    UnknownNotWatched = "unknown.not_watched",
    /// Unknown: the packet was seen at each point, and no answer was taken.
    UnknownNoGap = "unknown.no_gap",
    /// Unknown: the packet stopped between two points, and no known fact explains it.
    UnknownNoFact = "unknown.no_fact",
    /// Unknown: a check of this kind cannot be followed.
    UnknownNoProbe = "unknown.no_probe",
}

impl Code {
    /// Whether it says that nothing is known, and why.
    pub fn is_unknown(self) -> bool {
        self.name().starts_with("unknown.")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_it_is_named_and_has_a_component() {
        for code in Code::ALL {
            let written = serde_json::to_value(code).expect("a code");
            assert_eq!(written, code.name());
            assert!(code.name().split_once('.').is_some(), "{code}");
            assert!(code.meaning().ends_with('.'), "{code}: {}", code.meaning());
        }
        assert!(Code::UnknownNoFact.is_unknown() && !Code::LinkDown.is_unknown());
    }
}
