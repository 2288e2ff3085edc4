//! Steps that set links up and down, and delete them.

use super::{ByHand, CarryOut, Doing, LINK};
use crate::check::not_on_the_host;
use crate::deadline::Deadline;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::lab::steps::by_hand::words;
use crate::plan::GuestKind;
use crate::scenario::declare::{Asked, Change, Declared, TableKeys, Takes, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::{Scenario, Step, VantagePoint};

/// `ip link set INTERFACE up`.
#[derive(Debug)]
pub(super) struct LinkUp(Link);

/// `ip link set INTERFACE down`.
#[derive(Debug)]
pub(super) struct LinkDown(Link);

/// `ip link delete INTERFACE`.
#[derive(Debug)]
pub(super) struct DeleteLink(Link);

#[derive(Debug)]
struct Link {
    on: VantagePoint,
    interface: IfName,
}

impl Declared for LinkUp {
    const KEYS: TableKeys = table_keys("link_up", "`ip link set INTERFACE up`", LINK);
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        Link::read(asked).map(Self)
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![self.0.is_set()]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for LinkUp {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        self.0.by_hand(up)
    }

    fn ghost_limit(&self, scenario: &Scenario) -> Option<String> {
        self.0.ghost_limit(scenario)
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(self.0.act(run, up, by))
    }
}

impl Declared for LinkDown {
    const KEYS: TableKeys = table_keys("link_down", "`ip link set INTERFACE down`", LINK);
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        Link::read(asked).map(Self)
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![self.0.is_set()]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for LinkDown {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        self.0.by_hand(down)
    }

    fn ghost_limit(&self, scenario: &Scenario) -> Option<String> {
        self.0.ghost_limit(scenario)
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(self.0.act(run, down, by))
    }
}

impl Declared for DeleteLink {
    const KEYS: TableKeys = table_keys("delete_link", "`ip link delete INTERFACE`", LINK);
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        Link::read(asked).map(Self)
    }

    fn changes(&self) -> Vec<Change<'_>> {
        let Link { on, interface } = &self.0;
        vec![Change::DeletesLink { on, interface }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for DeleteLink {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        self.0.by_hand(delete)
    }

    fn ghost_limit(&self, scenario: &Scenario) -> Option<String> {
        self.0.ghost_limit(scenario)
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(self.0.act(run, delete, by))
    }
}

fn up(interface: &IfName) -> String {
    format!("ip link set {interface} up")
}

fn down(interface: &IfName) -> String {
    format!("ip link set {interface} down")
}

fn delete(interface: &IfName) -> String {
    format!("ip link delete {interface}")
}

impl Link {
    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Link);
        let interface = asked.interface(on.as_ref());
        Some(Self {
            on: on?.value,
            interface: interface?,
        })
    }

    fn is_set(&self) -> Change<'_> {
        Change::SetsLink {
            on: self.on.clone(),
            interface: self.interface.clone(),
        }
    }

    fn by_hand(&self, command: fn(&IfName) -> String) -> ByHand {
        ByHand::Commands(self.on.clone(), vec![words(&command(&self.interface))])
    }

    fn ghost_limit(&self, scenario: &Scenario) -> Option<String> {
        not_on_the_host(scenario, &self.on, &self.interface)
    }

    async fn act(
        &self,
        run: &mut Run<'_>,
        command: fn(&IfName) -> String,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let interface = run
            .places()
            .local_name(&self.on, &self.interface, by)
            .await?;
        let line = words(&command(&interface));
        run.places().run_commands(&self.on, &[line], by).await
    }
}
