//! What may be used only once: names, ids and addresses.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::scenario::error::code;
use crate::scenario::file::Place;
use crate::scenario::keys::requires;
use crate::scenario::names::NameError;
use crate::scenario::net::Mac;
use crate::scenario::parse;
use crate::scenario::read::{At, Faults, Reader};

/// Where a value was used, and by whom.
type Use<'a> = (&'a Place, String);

/// Uses of values that must be unique, and of those that must not.
#[derive(Debug, Default)]
pub struct Claims<'a> {
    unique: RefCell<BTreeMap<(String, String), Vec<Use<'a>>>>,
    shared: RefCell<Vec<(String, &'a Place)>>,
}

impl<'a> Claims<'a> {
    /// Notes that `owner` uses a value; `thing` names it, `scope` says within what it must be unique.
    pub(crate) fn claim(&self, thing: String, scope: &str, place: &'a Place, owner: String) {
        let mut uses = self.unique.borrow_mut();
        uses.entry((thing, scope.to_owned()))
            .or_default()
            .push((place, owner));
    }

    /// Notes the name of an interface, which no other of that machine may have.
    pub(crate) fn interface_name(&self, name: &str, machine: &str, place: &'a Place, owner: &str) {
        let thing = format!("interface name `{name}`");
        let scope = format!(" in machine `{machine}`");
        self.claim(thing, &scope, place, owner.to_owned());
    }

    /// Notes a MAC address, which nobody else of the scenario may have.
    pub fn mac(&self, mac: &At<'a, Mac>, owner: &str) {
        self.claim(mac_named(mac.value), "", mac.place, owner.to_owned());
    }

    /// Notes the MAC address of what `reader` reads: shared on purpose where that says `duplicate_mac`.
    pub(crate) fn mac_of(&self, reader: &Reader<'a>, mac: &At<'a, Mac>, owner: &str) {
        let thing = mac_named(mac.value);
        self.own(reader, "duplicate_mac", thing, mac.place, owner);
    }

    /// Reads `mac` and `addresses` of an interface, which nobody else may have: the addresses within `scope`.
    pub(crate) fn of_interface(
        &self,
        reader: &Reader<'a>,
        scope: &str,
        owner: &str,
    ) -> (Option<Mac>, Vec<IpNet>) {
        let mac = reader.word("mac", parse::mac);
        if let Some(mac) = &mac {
            self.mac_of(reader, mac, owner);
        }
        reader.requires(&requires::DUPLICATE_MAC);
        let addresses = reader.words("addresses", parse::address);
        for address in &addresses {
            let thing = format!("address `{}`", address.value.addr());
            self.claim(thing, scope, address.place, owner.to_owned());
        }
        let addresses = addresses.iter().map(|address| address.value);
        (mac.map(|mac| mac.value), addresses.collect())
    }

    /// Reads the `id` of a check or a step, which no other may have.
    pub(crate) fn id<T>(&self, reader: &Reader<'a>, what: &str) -> Option<T>
    where
        T: for<'n> TryFrom<&'n str, Error = NameError>,
    {
        let id = reader.need("id", reader.text("id"))?;
        let owner = format!("the {what} in line {}", id.place.position().0);
        self.claim(format!("{what} id `{}`", id.value), "", id.place, owner);
        Some(reader.word("id", parse::our_name)?.value)
    }

    /// Notes the machine-id(5) of what `reader` reads: shared on purpose where that says `duplicate_machine_id`.
    pub(crate) fn machine_id(&self, reader: &Reader<'a>, owner: &str) -> Option<String> {
        reader.requires(&requires::DUPLICATE_ID);
        let id = reader.word("machine_id", parse::machine_id)?;
        let thing = format!("machine-id `{}`", id.value);
        self.own(reader, "duplicate_machine_id", thing, id.place, owner);
        Some(id.value)
    }

    fn own(&self, reader: &Reader<'a>, key: &str, thing: String, place: &'a Place, owner: &str) {
        let shared = reader.flag(key).unwrap_or(false);
        match reader.entry(key) {
            Some(entry) if shared => self.shared.borrow_mut().push((thing, &entry.key)),
            _ => self.claim(thing, "", place, owner.to_owned()),
        }
    }

    /// Reports every use but the first of what was used more than once, and what nobody else uses although it says so.
    pub(crate) fn report(self, faults: &Faults) {
        let unique = self.unique.into_inner();
        for (thing, place) in self.shared.into_inner() {
            if !unique.keys().any(|(used, _)| *used == thing) {
                let message = format!("nobody else has the {thing}");
                faults.conflict(place, message, "says that another has it");
            }
        }
        for ((thing, scope), mut uses) in unique {
            uses.sort_by_key(|(place, _)| place.order());
            let mut uses = uses.into_iter();
            let Some((_, first)) = uses.next() else {
                continue;
            };
            for (place, _) in uses {
                let message = format!("{thing} is used twice{scope}");
                let label = format!("first used by {first}");
                faults.report(place, code::DUPLICATE, message, label);
            }
        }
    }
}

/// Shared or not, it is the same thing by this name.
fn mac_named(mac: Mac) -> String {
    format!("MAC address `{mac}`")
}
