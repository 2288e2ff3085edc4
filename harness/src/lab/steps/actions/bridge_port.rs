//! Steps that change the options of a bridge's port.

use super::{ByHand, CarryOut, Doing, ON};
use crate::deadline::Deadline;
use crate::lab::run::Run;
use crate::lab::steps::by_hand::words;
use crate::plan::GuestKind;
use crate::plan::bridge::port_words;
use crate::scenario::declare::{
    Asked, COST, Change, Declared, Fault, GROUP_FWD_MASK, KeyType, PRIORITY, TableKeys, Takes,
    code, may, must, port_flags, port_options, table_keys,
};
use crate::scenario::names::IfName;
use crate::scenario::{Scenario, Step, VantagePoint};

/// `ip link set INTERFACE type bridge_slave ...`, also for a port that networkd put on its bridge.
#[derive(Debug)]
pub(super) struct BridgePort {
    on: VantagePoint,
    interface: IfName,
    /// Options that are changed, without VLANs.
    options: crate::scenario::BridgePort,
}

impl Declared for BridgePort {
    const KEYS: TableKeys = table_keys(
        "bridge_port",
        "`ip link set INTERFACE type bridge_slave ...`, whoever put the port on its bridge; at least one of the keys that follow `interface`",
        port_flags!(
            may,
            [
                must("on", KeyType::Text, ON),
                must("interface", KeyType::INTERFACE, "port")
            ],
            [COST, PRIORITY, GROUP_FWD_MASK]
        ),
    );
    const REMARK: &'static str = "networkd sets them when it configures the port";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Link);
        let interface = asked.interface(on.as_ref());
        let (context, reader) = (asked.context, asked.reader);
        let options = port_options(context, reader);
        if options == crate::scenario::BridgePort::default() {
            let message = "`bridge_port` says nothing of the port".to_owned();
            let label = "nothing to change".to_owned();
            let fault = Fault::new(reader.place, code::MISSING_KEY, message, label);
            let help = "for example `hairpin = true`".to_owned();
            context.faults.add(fault.help(help));
            return None;
        }
        Some(Self {
            on: on?.value,
            interface: interface?,
            options,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::SetsLink {
            on: self.on.clone(),
            interface: self.interface.clone(),
        }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for BridgePort {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Commands(self.on.clone(), vec![self.command(&self.interface)])
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let interface = run
                .places()
                .local_name(&self.on, &self.interface, by)
                .await?;
            run.places()
                .run_commands(&self.on, &[self.command(&interface)], by)
                .await
        })
    }
}

impl BridgePort {
    fn command(&self, interface: &IfName) -> Vec<String> {
        let options = port_words(&self.options);
        words(&format!(
            "ip link set {interface} type bridge_slave {options}"
        ))
    }
}
