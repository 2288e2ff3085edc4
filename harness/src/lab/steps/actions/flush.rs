//! Steps that make the kernel forget neighbours or learned addresses.

use super::{ByHand, CarryOut, Doing, ON};
use crate::deadline::Deadline;
use crate::lab::run::Run;
use crate::lab::steps::by_hand::words;
use crate::plan::GuestKind;
use crate::scenario::declare::{
    Asked, Change, Declared, KeyType, TableKeys, Takes, code, may, must, table_keys,
};
use crate::scenario::names::IfName;
use crate::scenario::{Scenario, Step, VantagePoint};

/// `ip neigh flush`, or `ip link set BRIDGE type bridge fdb_flush`.
#[derive(Debug)]
pub(super) struct Flush {
    on: VantagePoint,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The neighbours of one link, or of all.
    Neighbours(Option<IfName>),
    /// The addresses that this bridge has learned.
    Fdb(IfName),
}

impl Declared for Flush {
    const KEYS: TableKeys = table_keys(
        "flush",
        "`ip neigh flush all`; `ip link set BRIDGE type bridge fdb_flush`",
        &[
            must("on", KeyType::Text, ON),
            may("neighbours", KeyType::Flag, "false", "the neighbour caches"),
            may(
                "fdb",
                KeyType::INTERFACE,
                "none",
                "the forwarding database of this bridge",
            ),
            may(
                "interface",
                KeyType::INTERFACE,
                "all",
                "neighbours on this link",
            ),
        ],
    );
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Link);
        let reader = asked.reader;
        let neighbours = reader.flag("neighbours").unwrap_or(false);
        let bridge = asked.interface_at("fdb", on.as_ref());
        let interface = asked.interface_at("interface", on.as_ref());
        let what = match (neighbours, reader.entry("fdb")) {
            (true, None) => What::Neighbours(interface),
            (false, Some(_)) => {
                if let Some(entry) = reader.entry("interface") {
                    let label = "`fdb` names the bridge";
                    asked.fault(&entry.key, code::CONFLICT, "`interface` with `fdb`", label);
                }
                What::Fdb(bridge?)
            }
            (true, Some(entry)) => {
                let message = "`flush` is of both `neighbours` and `fdb`";
                let label = "write two steps, each with its own id";
                asked.fault(&entry.key, code::CONFLICT, message, label);
                return None;
            }
            (false, None) => {
                let message = "`flush` needs `neighbours = true` or `fdb`";
                asked.fault(
                    reader.place,
                    code::MISSING_KEY,
                    message,
                    "nothing to forget",
                );
                return None;
            }
        };
        Some(Self {
            on: on?.value,
            what,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Flush {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Commands(self.on.clone(), vec![self.what.command()])
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let what = match &self.what {
                What::Neighbours(Some(link)) => {
                    What::Neighbours(Some(run.places().local_name(&self.on, link, by).await?))
                }
                What::Neighbours(None) => What::Neighbours(None),
                What::Fdb(bridge) => What::Fdb(bridge.clone()),
            };
            run.places()
                .run_commands(&self.on, &[what.command()], by)
                .await
        })
    }
}

impl What {
    fn command(&self) -> Vec<String> {
        words(&match self {
            Self::Neighbours(Some(link)) => format!("ip neigh flush dev {link}"),
            Self::Neighbours(None) => "ip neigh flush all".to_owned(),
            Self::Fdb(bridge) => format!("ip link set {bridge} type bridge fdb_flush"),
        })
    }
}
