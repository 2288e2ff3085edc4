//! A process at the vantage.

use super::asked::{Asked, Declared, Looks};
use super::keys::ABSENT;
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::states;

/// A process at the vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// File name of the program, as in its first argument.
    pub name: String,
    /// User that it must run as, by name or number, when that matters.
    pub user: Option<String>,
    /// There must be none.
    pub absent: bool,
}

impl Declared for Process {
    const KEYS: TableKeys = table_keys(
        "process",
        "the program runs in the vantage's network, as that user",
        &[
            must("name", KeyType::Text, "program"),
            may("user", KeyType::Text, "any", "user"),
            ABSENT,
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let absent = asked.not_with_absent(&["user"]);
        let name = reader.need("name", reader.word("name", states::plain_name));
        let user = reader.word("user", states::plain_name);
        Some(Self {
            name: name?.value,
            user: user.map(|user| user.value),
            absent,
        })
    }
}
