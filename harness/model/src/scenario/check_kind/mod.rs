//! What the language knows of a kind of check, whose file is in `check::kinds`: its keys, from where it can look, and how its
//! table is read.
//!
//! The kinds stand further to the right, where a kind can look at the network in the same file in which it says what it asks
//! for. Their table comes from there (`CheckKinds`); this room names none of them.

mod asked;
mod keys;

pub(super) use asked::interface_at;
pub use asked::{Asked, Declared, Looks, bounds};
pub use keys::{ABSENT, SOURCE, seen};

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use super::VantagePoint;
use super::keys::TableKeys;
use super::read::Reader;
use super::validate::{Context, From};

/// What a check asks for: the table of one kind, read.
///
/// An `interface` is a name at the check's vantage point. From a guest, one of the guest's own `id`s means the
/// NIC with that MAC address, whatever the guest's kernel calls it.
pub trait CheckKind: Any + Debug + Send + Sync {
    /// The kind's key in a scenario file.
    fn name(&self) -> &'static str;

    /// The capability of the machine that a look takes, by its stable name; `None`: no more than any lab.
    fn needs(&self) -> Option<&'static str>;

    /// The second place that it looks at.
    fn with(&self) -> Option<&VantagePoint>;
}

impl<T: Declared> CheckKind for T {
    fn name(&self) -> &'static str {
        T::KEYS.what
    }

    fn needs(&self) -> Option<&'static str> {
        T::NEEDS
    }

    fn with(&self) -> Option<&VantagePoint> {
        Declared::with(self)
    }
}

impl dyn CheckKind {
    /// The kind itself, where it is that one.
    pub fn downcast_ref<T: CheckKind>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

/// A kind in the table: as a scenario says it.
#[derive(Debug)]
pub struct Listed {
    pub(in crate::scenario) keys: TableKeys,
    pub(in crate::scenario) holds: &'static str,
    looks: Looks,
    read: fn(&Asked<'_, '_>) -> Option<Arc<dyn CheckKind>>,
}

impl Listed {
    /// That of a kind.
    pub const fn of<T: Declared>() -> Self {
        Self {
            keys: T::KEYS,
            holds: T::HOLDS,
            looks: T::LOOKS,
            read: |asked| T::read(asked).map(|kind| Arc::new(kind) as Arc<dyn CheckKind>),
        }
    }
}

/// The table of all kinds. The room that has it submits it once, as a whole, so that its order is the one in which it is
/// written.
pub struct CheckKinds(pub &'static [Listed]);

inventory::collect!(CheckKinds);

/// Every kind, in the order of the table.
pub(in crate::scenario) fn rows() -> impl Iterator<Item = &'static Listed> {
    inventory::iter::<CheckKinds>
        .into_iter()
        .flat_map(|table| table.0)
}

/// The tables of all kinds: exactly one of them stands in each check.
pub fn kinds() -> &'static [TableKeys] {
    static KINDS: OnceLock<Vec<TableKeys>> = OnceLock::new();
    KINDS.get_or_init(|| rows().map(|row| row.keys).collect())
}

/// Reads the table of one kind.
pub(in crate::scenario) fn read<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    kind: &TableKeys,
    from: From<'_, 'a>,
) -> Option<Arc<dyn CheckKind>> {
    let row = rows().find(|row| row.keys.what == kind.what)?;
    row.looks.check(context, kind.what, from);
    (row.read)(&Asked {
        context,
        reader,
        from,
    })
}
