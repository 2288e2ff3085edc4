//! What a scenario may ask of the machine it runs on, by name.
//!
//! What each name means, and how a machine is asked, is `host::capability`, right of here, which hands in the names.

/// The names of everything that a machine may offer, as a function: some of it comes from other tables.
#[derive(Debug)]
pub struct CapabilityTable(pub fn() -> Vec<&'static str>);

inventory::collect!(CapabilityTable);

/// The names of all capabilities, in the order in which people are told of them.
pub fn capabilities() -> Vec<&'static str> {
    let tables = inventory::iter::<CapabilityTable>.into_iter();
    tables.flat_map(|table| (table.0)()).collect()
}
