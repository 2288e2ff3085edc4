//! Guests of the smallest scenarios, for tests.

use std::path::Path;

use crate::scenario::{Guest, load_text};

/// A guest as the smallest scenario has it.
pub(crate) fn any_guest() -> Guest {
    guest_with("")
}

/// A guest with a TAP.
pub(crate) fn guest_on_a_tap() -> Guest {
    guest_with("interfaces = [{ type = 'tap', id = 'vm-any', mac = '02:00:00:00:00:01' }]\n")
}

fn guest_with(keys: &str) -> Guest {
    let text = format!("version = 1\nsummary = 'x'\n[guests.any]\n{keys}");
    let loaded = load_text(Path::new("any.toml"), text).expect("a valid scenario");
    let scenario = loaded.scenario(None).expect("its green form");
    let mut guests = scenario.guests.into_values();
    guests.next().expect("its guest")
}
