//! Steps that start and stop guests.

use std::time::Duration;

use super::{ByHand, CarryOut, Doing};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::GuestError;
use crate::lab::containers::{note_containers, start_containers};
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::plan::GuestKind;
use crate::scenario::declare::{
    Asked, At, Change, Declared, Key, KeyType, TableKeys, must, table_keys,
};
use crate::scenario::names::MachineName;
use crate::scenario::{Scenario, Step};

const KEYS: &[Key] = &[must("guest", KeyType::NAME, "which")];

/// How long a step that boots a guest may take, unless it says so itself.
const BOOT: Duration = Duration::from_secs(60);

/// `systemctl start microvm@GUEST`: makes its TAPs and boots it.
#[derive(Debug)]
pub(super) struct Start {
    guest: MachineName,
}

impl Declared for Start {
    const KEYS: TableKeys = table_keys("start", "`systemctl start microvm@GUEST`", KEYS);
    const REMARK: &'static str = "";
    const WITHIN: Duration = BOOT;

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let (at, guest) = named(asked)?;
        asked.state.turn_guest(asked.context, &at, true);
        Some(Self { guest })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::Starts(&self.guest)]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Start {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Words(format!("systemctl start microvm@{}", self.guest))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, _: Deadline) -> Doing<'r> {
        Box::pin(start(run, &self.guest))
    }
}

/// `systemctl stop microvm@GUEST`: ends its VMM, and its TAPs go.
#[derive(Debug)]
pub(super) struct Stop {
    guest: MachineName,
}

impl Declared for Stop {
    const KEYS: TableKeys = table_keys("stop", "`systemctl stop microvm@GUEST`", KEYS);
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let (at, guest) = named(asked)?;
        asked.state.turn_guest(asked.context, &at, false);
        Some(Self { guest })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::Stops(&self.guest)]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Stop {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Words(format!("systemctl stop microvm@{}", self.guest))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(stop(run, &self.guest, by))
    }
}

/// `systemctl restart microvm@GUEST`: its TAPs are deleted and made again, as microvm.nix does.
#[derive(Debug)]
pub(super) struct Restart {
    guest: MachineName,
}

impl Declared for Restart {
    const KEYS: TableKeys = table_keys(
        "restart",
        "`systemctl restart microvm@GUEST`: its TAPs are made anew",
        KEYS,
    );
    const REMARK: &'static str = "";
    const WITHIN: Duration = BOOT;

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let (at, guest) = named(asked)?;
        asked.state.turn_guest(asked.context, &at, false);
        asked.state.turn_guest(asked.context, &at, true);
        Some(Self { guest })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::Stops(&self.guest), Change::Starts(&self.guest)]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Restart {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Words(format!("systemctl restart microvm@{}", self.guest))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            stop(run, &self.guest, by).await?;
            start(run, &self.guest).await
        })
    }
}

fn named<'a>(asked: &Asked<'_, 'a>) -> Option<(At<'a, &'a str>, MachineName)> {
    let at = asked.guest()?;
    let guest = MachineName::try_from(at.value).ok()?;
    Some((at, guest))
}

async fn start(run: &mut Run<'_>, guest: &MachineName) -> Result<String, NotDone> {
    let (guests, around) = run.guests();
    guests.start(guest, around).await?;
    let began = start_containers(run.asked, &*run.testbed.guests, Some(guest)).await;
    let began = began.map_err(refused)?;
    note_containers(began, &mut run.observer, &mut run.record);
    Ok(String::new())
}

/// Asks a guest to shut itself down, and pulls its plug if it has not by `by`.
async fn stop(run: &mut Run<'_>, guest: &MachineName, by: Deadline) -> Result<String, NotDone> {
    run.testbed.backgrounds.forget(guest);
    let (guests, around) = run.guests();
    guests.stop(guest, by, around).await?;
    Ok(String::new())
}

/// The step is refused where Docker refused a container; any other error means that the guest could not be asked.
fn refused(error: GuestError) -> NotDone {
    let diagnostic = Diagnostic::new(&error);
    match error {
        GuestError::Container { .. } => NotDone::Refused(diagnostic.to_string()),
        _ => NotDone::Broken(diagnostic),
    }
}
