//! What udev does by `.link` files.

use super::keys::UnitKind;
use super::unit::{Setting, Unit};

/// The section of which udev does nothing but match.
const MATCHING: &str = "Match";

impl Unit {
    /// The settings of a `.link` that change a link.
    pub fn udev_effects(&self) -> impl Iterator<Item = &Setting> {
        let acts = |setting: &&Setting| {
            self.kind == UnitKind::Link
                && setting.section != MATCHING
                && setting.key != "Description"
                && !setting.value.is_empty()
                && self
                    .kind
                    .sections()
                    .get(setting.section.as_str())
                    .is_some_and(|keys| keys.contains_key(setting.key.as_str()))
        };
        self.settings.iter().filter(acts)
    }
}
