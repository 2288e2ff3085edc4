//! What a step does, as far as whoever reads a scenario must know it.
//!
//! What an action is stands in one file of the room that carries it out, `lab::steps::actions`, which this room does not
//! know: the table of them comes from there by [`inventory`].

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::keys::TableKeys;
use super::names::{IfName, MachineName};
use super::net::Mac;
use super::validate::AskedAction as Asked;
use super::{UnitFile, VantagePoint};

/// What a step does.
///
/// Most have an `on`, which is where: a machine, a guest or a container. In a guest, an interface that is one of the guest's
/// own `id`s is the NIC with that MAC address, whatever the guest's kernel calls it.
pub trait Action: fmt::Debug + Any + Send + Sync {
    /// Its key in a scenario.
    fn key(&self) -> &'static str;

    /// What is otherwise when it is done.
    fn changes(&self) -> Vec<Change<'_>>;

    /// What the machine must offer for it that no plan shows, by the names of `host::capability`. Known before the run, so
    /// that its lab can stand where it is.
    fn needs(&self) -> Vec<&'static str>;
}

/// What is otherwise when a step is done, for whoever reads a scenario without running it.
#[derive(Debug, Clone)]
pub enum Change<'s> {
    /// A guest runs, with the NICs that the scenario gives it.
    Starts(&'s MachineName),
    /// A guest does not run, and its TAPs are gone.
    Stops(&'s MachineName),
    /// A guest has one NIC more, and the machine that holds it a TAP.
    Plugs {
        /// Guest.
        guest: &'s MachineName,
        /// Name of the TAP.
        interface: &'s IfName,
        /// Address of the NIC.
        mac: Mac,
    },
    /// The NIC and the TAP are gone.
    Unplugs {
        /// Guest.
        guest: &'s MachineName,
        /// Name of the TAP.
        interface: &'s IfName,
    },
    /// A machine has a bridge.
    MakesBridge {
        /// Machine.
        on: &'s MachineName,
        /// Name of the bridge.
        name: &'s IfName,
    },
    /// A link is set in something that networkd sets as well: where one runs, the step waits until it is through with the
    /// link.
    SetsLink {
        /// Where.
        on: VantagePoint,
        /// Link.
        interface: IfName,
    },
    /// A link is gone.
    DeletesLink {
        /// Where.
        on: &'s VantagePoint,
        /// Link.
        interface: &'s IfName,
    },
    /// A place has another unit file.
    WritesUnit {
        /// Where.
        on: &'s VantagePoint,
        /// The file.
        unit: &'s UnitFile,
    },
    /// A place has a unit file less.
    RemovesUnit {
        /// Where.
        on: &'s VantagePoint,
    },
    /// Links that the place's unit files make may have come.
    MayMakeLinks {
        /// Where.
        on: &'s VantagePoint,
    },
    /// Nobody knows: a command was run.
    MayChangeAnything {
        /// Where.
        on: &'s VantagePoint,
    },
}

/// What a scenario says of an action, and what it means for those who read the scenario. `lab` has the part that is carried
/// out.
pub trait Declared: fmt::Debug + Send + Sync + Sized + 'static {
    /// Its table: the action's name, what does it by hand, and every key.
    const KEYS: TableKeys;
    /// What `scenarios/README.md` says beside that: sentences without the last full stop, or nothing.
    const REMARK: &'static str;
    /// How long a step may take that does not say.
    const WITHIN: Duration = Duration::from_secs(30);

    /// Reads the table, reports what is wrong with it, and does to the state of the steps what the action will do.
    fn read(asked: &mut Asked<'_, '_>) -> Option<Self>;

    /// As [`Action::changes`].
    fn changes(&self) -> Vec<Change<'_>>;

    /// As [`Action::needs`].
    fn needs(&self) -> Vec<&'static str>;
}

impl<T: Declared> Action for T {
    fn key(&self) -> &'static str {
        T::KEYS.what
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Declared::changes(self)
    }

    fn needs(&self) -> Vec<&'static str> {
        Declared::needs(self)
    }
}

/// How an action is read.
#[derive(Debug)]
pub struct ActionRow {
    pub(crate) keys: TableKeys,
    pub(crate) remark: &'static str,
    pub(super) within: Duration,
    pub(super) read: fn(&mut Asked<'_, '_>) -> Option<Arc<dyn Action>>,
}

impl ActionRow {
    /// That of an action.
    pub const fn of<A: Declared>() -> Self {
        Self {
            keys: A::KEYS,
            remark: A::REMARK,
            within: A::WITHIN,
            read: read::<A>,
        }
    }
}

fn read<A: Declared>(asked: &mut Asked<'_, '_>) -> Option<Arc<dyn Action>> {
    Some(Arc::new(A::read(asked)?))
}

/// All actions, in the order in which messages and the schema name them. There is one table of them.
#[derive(Debug)]
pub struct Actions(pub &'static [ActionRow]);

inventory::collect!(Actions);

/// Every action.
pub(crate) fn rows() -> &'static [ActionRow] {
    let mut tables = inventory::iter::<Actions>.into_iter();
    tables.next().map_or(&[], |table| table.0)
}

/// The tables of all actions: exactly one of them stands in each step.
pub(super) fn keys() -> &'static [TableKeys] {
    static KEYS: OnceLock<Vec<TableKeys>> = OnceLock::new();
    KEYS.get_or_init(|| rows().iter().map(|row| row.keys).collect())
}
