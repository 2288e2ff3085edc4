//! What the language knows of a kind of link that a machine without networkd may have beside its bridges: the key of machines
//! under which such links stand, and how the table of one is read.
//!
//! The kinds stand further to the right, in the files in which such links are made (`lab::links`). Their table comes from there
//! by [`inventory`]; this room names none of them.

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use ipnet::IpNet;

use super::MacvlanMode;
use super::keys::{Key, KeyType, TableKeys, map};
use super::names::{IfName, MachineName};
use super::net::Mac;
use super::parse;
use super::read::{At, Reader};
use super::validate::{Context, carried_alone, carrier, in_machine};

/// A link of a machine without networkd.
pub trait MachineLink: Any + Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &IfName;

    /// `TYPE` of ip-link(8), which is what unit files call its `Kind=`.
    fn kind(&self) -> &'static str;

    /// Its addresses.
    fn addresses(&self) -> &[IpNet];
}

/// What a scenario says of a kind.
pub trait Declared: MachineLink + Sized {
    /// The key of a machine, a table of such links by their names, and its documentation.
    const KEY: (&'static str, &'static str);
    /// The table of one.
    const KEYS: TableKeys;

    /// Reads it, and reports what is wrong with it.
    fn read(asked: &Asked<'_, '_>) -> Option<Self>;
}

/// The table of one link.
pub struct Asked<'r, 'a> {
    context: &'r Context<'a>,
    /// The table.
    pub reader: &'r Reader<'a>,
    machine: &'r str,
    name: &'r str,
}

impl Asked<'_, '_> {
    /// The machine and the name of the link. Bad ones are reported where they stand.
    pub fn names(&self) -> Option<(MachineName, IfName)> {
        let machine = MachineName::try_from(self.machine);
        Some((machine.ok()?, IfName::try_from(self.name).ok()?))
    }

    /// `mac`, unless `duplicate_mac` says otherwise nobody else's, and `addresses`, which nobody else in the machine has.
    pub fn own(&self) -> (Option<Mac>, Vec<IpNet>) {
        let owner = format!("`{}` of machine `{}`", self.name, self.machine);
        let scope = in_machine(self.machine);
        self.context
            .claims
            .of_interface(self.reader, &scope, &owner)
    }

    /// The link that `link` names, which this one is put on.
    pub fn carrier(&self) -> Option<IfName> {
        carrier(self.context, self.reader, self.machine)
    }

    /// Reports a mode that bears no other link on the same one.
    pub fn alone(&self, mode: &At<'_, MacvlanMode>) {
        carried_alone(self.context, self.reader, self.machine, mode);
    }
}

/// A kind in the table.
pub struct Row {
    key: Key,
    keys: &'static TableKeys,
    read: fn(&Asked<'_, '_>) -> Option<Arc<dyn MachineLink>>,
}

impl Row {
    /// That of a kind.
    pub const fn of<L: Declared>() -> Self {
        let table = const { &KeyType::Table(const { &L::KEYS }) };
        Self {
            key: map(L::KEY.0, table, L::KEY.1),
            keys: const { &L::KEYS },
            read: |asked| Some(Arc::new(L::read(asked)?)),
        }
    }
}

/// The table of all kinds. The room that has it submits it once, as a whole, so that its order is the one in which it is
/// written.
pub struct MachineLinks(pub &'static [Row]);

inventory::collect!(MachineLinks);

fn rows() -> impl Iterator<Item = &'static Row> + Clone {
    inventory::iter::<MachineLinks>
        .into_iter()
        .flat_map(|table| table.0)
}

/// The keys of machines that come with the kinds.
pub(super) fn keys() -> &'static [&'static Key] {
    static KEYS: OnceLock<Vec<&'static Key>> = OnceLock::new();
    KEYS.get_or_init(|| rows().map(|row| &row.key).collect())
}

/// Reads all of a machine's, kind by kind, and of each by their names.
pub(super) fn read<'a>(
    context: &Context<'a>,
    machine: &Reader<'a>,
    on: &str,
) -> Vec<Arc<dyn MachineLink>> {
    let mut all = Vec::new();
    for row in rows() {
        let links = machine.named(row.key.name, parse::if_name, |key, node| {
            (context.claims).interface_name(key.value, on, key.place, row.keys.what);
            (row.read)(&Asked {
                context,
                reader: &Reader::of(node, key.value, row.keys, context.faults)?,
                machine: on,
                name: key.value,
            })
        });
        all.extend(links.into_values());
    }
    all
}
