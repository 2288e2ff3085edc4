//! Which VMM: a row of the table of VMMs, whose rows stand in `hypervisor`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::row::{Feature, Vmm};

/// A VMM program: a row of the table, known by its name and ordered as the table is.
#[derive(Clone, Copy)]
pub struct HypervisorKind(&'static Vmm);

/// The table of VMMs. `hypervisor`, right of here, hands in the one that there is.
#[derive(Debug)]
pub struct VmmTable(pub &'static [&'static Vmm]);

inventory::collect!(VmmTable);

impl HypervisorKind {
    /// The VMM of this row.
    pub const fn of(row: &'static Vmm) -> Self {
        Self(row)
    }

    /// All of them, in the table's order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        table().iter().copied().map(Self)
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name == name)
    }

    /// What is known of it.
    pub const fn row(self) -> &'static Vmm {
        self.0
    }

    fn place(self) -> Option<usize> {
        table().iter().position(|row| row.name == self.name)
    }
}

impl Feature {
    /// The VMMs that have it, for people: "`qemu`, `alioth`".
    pub fn owners(self) -> String {
        let owners = HypervisorKind::all().filter(|kind| kind.can(self));
        let owners: Vec<String> = owners.map(|kind| format!("`{kind}`")).collect();
        owners.join(", ")
    }
}

fn table() -> &'static [&'static Vmm] {
    let tables = inventory::iter::<VmmTable>.into_iter();
    tables.map(|table| table.0).next().unwrap_or_default()
}

/// The table's first row: the VMM of guests that name none, of lab VMs and of the proof of KVM, which every machine has.
impl Default for HypervisorKind {
    fn default() -> Self {
        Self(table()[0])
    }
}

impl Deref for HypervisorKind {
    type Target = Vmm;

    fn deref(&self) -> &Vmm {
        self.0
    }
}

impl PartialEq for HypervisorKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for HypervisorKind {}

impl Hash for HypervisorKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Ord for HypervisorKind {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = || self.name.cmp(other.name);
        self.place().cmp(&other.place()).then_with(by_name)
    }
}

impl PartialOrd for HypervisorKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for HypervisorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for HypervisorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Serialize for HypervisorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for HypervisorKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::custom(format!("no VMM is called `{name}`")))
    }
}
