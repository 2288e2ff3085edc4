//! Steps that set sysctls.

use super::{ByHand, CarryOut, Doing, ON};
use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::guest::sysctls;
use crate::host::netns::write_sysctl;
use crate::lab::error::LabError;
use crate::lab::run::Run;
use crate::lab::steps::command::run_shell;
use crate::lab::steps::{NotDone, Places};
use crate::plan::GuestKind;
use crate::plan::shell::quote;
use crate::plan::sysctl::{for_link, link_of};
use crate::scenario::declare::{
    Asked, Change, Declared, KeyType, TableKeys, Takes, must, sysctl, table_keys,
};
use crate::scenario::names::IfName;
use crate::scenario::{Scenario, Step, VantagePoint};

/// `sysctl -w KEY=VALUE`.
#[derive(Debug)]
pub(super) struct Sysctl {
    on: VantagePoint,
    /// Dotted key below `net.`.
    key: String,
    value: String,
}

impl Declared for Sysctl {
    const KEYS: TableKeys = table_keys(
        "sysctl",
        "`sysctl -w KEY=VALUE`",
        &[
            must("on", KeyType::Text, ON),
            must("key", KeyType::Text, "below `net.`"),
            must("value", KeyType::Text, "value"),
        ],
    );
    const REMARK: &'static str = "A guest's NIC is named by its `id`";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Link);
        let reader = asked.reader;
        let key = reader.need("key", reader.word("key", sysctl));
        let value = reader.need("value", reader.text("value"));
        Some(Self {
            on: on?.value,
            key: key?.value,
            value: value?.value.to_owned(),
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        let link = self.link().map(|interface| Change::SetsLink {
            on: self.on.clone(),
            interface,
        });
        link.into_iter().collect()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Sysctl {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        let line = format!("sysctl -w {}={}", self.key, self.value);
        ByHand::Line(self.on.clone(), line)
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(self.set(run.places(), by))
    }
}

impl Sysctl {
    /// The link that the key names, if any. A guest's NIC has its name on the host, as everywhere in a scenario.
    fn link(&self) -> Option<IfName> {
        let link = link_of(&self.key)?.replace('/', ".");
        IfName::try_from(link.as_str()).ok()
    }

    async fn set(&self, places: Places<'_>, by: Deadline) -> Result<String, NotDone> {
        let Self { on, value, .. } = self;
        let key = match self.link() {
            Some(link) => {
                let local = places.local_name(on, &link, by).await?;
                for_link(&self.key, local.as_str())
            }
            None => self.key.clone(),
        };
        match places.place(on)? {
            Vantage::Machine(machine) => {
                let (to, value) = (key.clone(), value.clone());
                let written = machine.run(async move { write_sysctl(&to, &value) }).await;
                let written = written.map_err(LabError::from)?;
                written.map_err(|source| LabError::Io {
                    doing: format!("run `sysctl -w {key}={}`", self.value),
                    machine: machine.name().to_owned(),
                    source,
                })?;
            }
            place => {
                // Write the file, since some images have no sysctl(8).
                let path = sysctls::path(&key);
                let line = format!("echo {} > /proc/sys/{path}", quote(value));
                run_shell(&place, &line, by).await?;
            }
        }
        Ok(String::new())
    }
}
