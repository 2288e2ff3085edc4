//! The container runs, or Docker refused to start it.

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::MachineName;
use crate::scenario::validate::refused;

/// The container runs, or Docker refused to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Container of the vantage's guest.
    pub name: MachineName,
    /// Words of Docker's when it must have refused it; `None`: it must run.
    pub refused: Option<String>,
}

impl Declared for Container {
    const KEYS: TableKeys = table_keys(
        "container",
        "the container runs; or Docker refused to start it in these words. From the guest",
        &[
            must("name", KeyType::NAME, "container of the guest"),
            may("refused", KeyType::Text, "it must run", "words of Docker's"),
        ],
    );
    const LOOKS: Looks = Looks::docker();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let name = asked.container("name");
        let refused = refused(context, reader, "what Docker must say");
        Some(Self {
            name: name?,
            refused,
        })
    }
}
