//! Steps that turn offloads of a machine's links on and off.

use super::{ByHand, CarryOut, Doing, ON_MACHINE};
use crate::check::not_on_the_host;
use crate::deadline::Deadline;
use crate::host::offload;
use crate::lab::error::LabError;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::plan::GuestKind;
use crate::scenario::declare::{
    Asked, Change, Declared, KeyType, TableKeys, code, may, must, table_keys,
};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Scenario, Step, VantagePoint};

/// `ethtool -K INTERFACE tx off tso off gso off`: says what the kernel leaves to the link's driver, or to the other side.
#[derive(Debug)]
pub(super) struct Offload {
    on: MachineName,
    interface: IfName,
    wanted: offload::Offload,
}

impl Declared for Offload {
    const KEYS: TableKeys = table_keys(
        "offload",
        "`ethtool -K INTERFACE tx off tso off gso off`; at least one of `checksum`, `segmentation`",
        &[
            must("on", KeyType::Text, ON_MACHINE),
            must("interface", KeyType::INTERFACE, "link"),
            may(
                "checksum",
                KeyType::Flag,
                "left as it is",
                "`tx`: checksums of what is sent are left to the other side",
            ),
            may(
                "segmentation",
                KeyType::Flag,
                "left as it is",
                "`tso` and `gso`: segments larger than the MTU",
            ),
        ],
    );
    const REMARK: &'static str = "Must be so afterwards: a driver without the switch refuses. A VMM switches a TAP's on again \
                                  when its guest's driver starts";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.machine();
        let interface = asked.link_of(on.as_ref());
        let reader = asked.reader;
        let checksum = reader.flag("checksum");
        let segmentation = reader.flag("segmentation");
        let keys = ["checksum", "segmentation"];
        if keys.iter().all(|key| reader.entry(key).is_none()) {
            let message = "`offload` needs `checksum` or `segmentation`";
            let label = "nothing that is switched";
            asked.fault(reader.place, code::MISSING_KEY, message, label);
            return None;
        }
        Some(Self {
            on: on?.value,
            interface: interface?,
            wanted: offload::Offload {
                checksum,
                segmentation,
            },
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Offload {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        let line = format!("ethtool -K {}{}", self.interface, words(self.wanted));
        ByHand::Line(VantagePoint::Machine(self.on.clone()), line)
    }

    fn ghost_limit(&self, scenario: &Scenario) -> Option<String> {
        let on = VantagePoint::Machine(self.on.clone());
        not_on_the_host(scenario, &on, &self.interface)
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, _: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let (link, wanted) = (self.interface.clone(), self.wanted);
            let machine = run.testbed.lab.machine(self.on.as_ref())?;
            let set = machine.run(async move { offload::set(&link, &wanted) });
            let set = set.await.map_err(LabError::from)?;
            set.map_err(|error| NotDone::Refused(error.to_string()))?;
            Ok(String::new())
        })
    }
}

fn words(offload: offload::Offload) -> String {
    let mut words = String::new();
    let mut say = |switches: &[&str], on: Option<bool>| {
        let Some(on) = on else { return };
        let on = if on { "on" } else { "off" };
        for switch in switches {
            words += &format!(" {switch} {on}");
        }
    };
    say(&["tx"], offload.checksum);
    say(&["tso", "gso"], offload.segmentation);
    words
}
