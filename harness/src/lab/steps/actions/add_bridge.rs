//! Steps that make a bridge.

use super::{ByHand, CarryOut, Doing, ON_MACHINE};
use crate::deadline::Deadline;
use crate::host::capability::Capability;
use crate::lab::run::Run;
use crate::lab::steps::by_hand::words;
use crate::plan::GuestKind;
use crate::plan::bridge::bridge_words;
use crate::scenario::declare::{
    Asked, Change, Declared, KeyType, TableKeys, bridge_keys, bridge_options, if_name, may, must,
    parsed, table_keys,
};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Bridge, Scenario, Step, VantagePoint};

/// `ip link add NAME type bridge`, with addresses and ports, and up.
#[derive(Debug)]
pub(super) struct AddBridge {
    on: MachineName,
    name: IfName,
    /// Its options; the options of its ports are left out.
    options: Bridge,
    /// Links that become its ports.
    ports: Vec<IfName>,
}

impl Declared for AddBridge {
    const KEYS: TableKeys = table_keys(
        "add_bridge",
        "`ip link add NAME type bridge`, its ports and addresses, and up; with the options of a machine's bridge",
        bridge_keys!(
            [
                must("on", KeyType::Text, ON_MACHINE),
                must("name", KeyType::INTERFACE, "the bridge")
            ],
            [may(
                "ports",
                KeyType::List(&KeyType::INTERFACE),
                "[]",
                "its ports"
            )]
        ),
    );
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.machine();
        let (context, reader) = (asked.context, asked.reader);
        let name = reader.need("name", reader.word("name", if_name));
        // Addresses are not claimed: a bridge that is made again may have those of an earlier one.
        let options = bridge_options(context, reader);
        let ports = reader.texts("ports");
        for port in &ports {
            if let Some(on) = &on {
                context.interface_exists(on.value.as_str(), port);
            }
        }
        let ports = ports.into_iter();
        let ports = ports.filter_map(|port| parsed(port, if_name, context.faults));
        let ports: Vec<_> = ports.map(|port| port.value).collect();
        Some(Self {
            on: on?.value,
            name: name?.value,
            options,
            ports,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        let made = Change::MakesBridge {
            on: &self.on,
            name: &self.name,
        };
        let ports = self.ports.iter().map(|port| Change::SetsLink {
            on: VantagePoint::Machine(self.on.clone()),
            interface: port.clone(),
        });
        std::iter::once(made).chain(ports).collect()
    }

    fn needs(&self) -> Vec<&'static str> {
        match self.options.vlan_filtering {
            Some(true) => vec![Capability::VlanFiltering.name()],
            _ => Vec::new(),
        }
    }
}

impl CarryOut for AddBridge {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Commands(VantagePoint::Machine(self.on.clone()), self.lines())
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let on = VantagePoint::Machine(self.on.clone());
            run.places().run_commands(&on, &self.lines(), by).await
        })
    }
}

impl AddBridge {
    fn lines(&self) -> Vec<Vec<String>> {
        let (name, options) = (&self.name, &self.options);
        let line = format!("ip link add {name} {}", bridge_words(options));
        // The MTU is set afterwards: a bridge that was only made with an MTU would still follow its ports'.
        let mtu = options.mtu;
        let mtu = mtu.map(|mtu| format!("ip link set {name} mtu {mtu}"));
        let ports = self.ports.iter();
        let ports = ports.map(|port| format!("ip link set {port} master {name}"));
        let addresses = options.addresses.iter();
        let addresses = addresses.map(|address| format!("ip addr add {address} dev {name}"));
        let up = format!("ip link set {name} up");
        std::iter::once(line)
            .chain(mtu)
            .chain(ports)
            .chain(addresses)
            .chain([up])
            .map(|line| words(&line))
            .collect()
    }
}
