//! Gathers which names exist, leniently, before anything is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::known::{Known, KnownGuest, KnownMachine};
use super::unit_folders::UnitFolders;
use crate::networkd::made;
use crate::scenario::beneath::{self, Beneath};
use crate::scenario::file::Table;
use crate::scenario::lookup::{is_off, rows, table, text};
use crate::scenario::machine_link;

/// Gathers the names of a laid tree.
pub(super) fn names<'a>(tree: &'a Table, files: &Beneath, units: &UnitFolders) -> Known<'a> {
    let mut known = Known {
        segments: tables(tree, "segments").map(|(name, _)| name).collect(),
        ..Known::default()
    };
    for (name, machine) in tables(tree, "machines") {
        if !is_off(machine) {
            let machine = known_machine(machine, files, units);
            known.machines.insert(name, machine);
        }
    }
    for (name, guest) in tables(tree, "guests") {
        let taps: BTreeSet<_> = names_in(guest, "interfaces", "id").collect();
        let on = text(guest, "on").unwrap_or("host");
        if let Some(machine) = known.machines.get_mut(on) {
            machine.taps.extend(&taps);
            machine.masters.extend(masters(guest, "id"));
            let nics = rows(guest, "interfaces");
            for link in nics.filter_map(|nic| text(table(nic, "macvtap")?, "link")) {
                *machine.carried.entry(link).or_default() += 1;
            }
        }
        let nics = rows(guest, "interfaces");
        let macs = nics.filter_map(|nic| Some((text(nic, "id")?, text(nic, "mac")?)));
        let guest = KnownGuest {
            taps,
            macs: macs.collect(),
            containers: tables(guest, "containers").map(|(name, _)| name).collect(),
            on,
            image: text(guest, "image"),
            boots: text(guest, "start") != Some("step"),
        };
        known.guests.insert(name, guest);
    }
    add_made_by_steps(&mut known, tree, files);
    known
}

/// Interfaces that steps make.
fn add_made_by_steps<'a>(known: &mut Known<'a>, tree: &'a Table, files: &Beneath) {
    for step in rows(tree, "steps") {
        for (action, entry) in step {
            let Some(keys) = entry.node.value.as_table() else {
                continue;
            };
            let machine = text(keys, "on").and_then(|name| known.machines.get_mut(name));
            match action.as_str() {
                "add_bridge" => {
                    if let (Some(name), Some(machine)) = (text(keys, "name"), machine) {
                        machine.netdevs.insert(name.to_owned());
                    }
                }
                "write_unit" => {
                    let netdev = match (text(keys, "content"), text(keys, "file")) {
                        (Some(content), _) => made(content.as_bytes()),
                        (None, Some(file)) => files
                            .read(Path::new(file), beneath::UNIT)
                            .ok()
                            .and_then(|bytes| made(&bytes)),
                        (None, None) => None,
                    };
                    if let Some(machine) = machine {
                        machine.netdevs.extend(netdev);
                    }
                }
                // Whatever it makes is not known here.
                "run" => {
                    if let Some(machine) = machine {
                        machine.complete = false;
                    }
                }
                "plug" => {
                    if let (Some(id), Some(guest)) = (text(keys, "interface"), text(keys, "guest"))
                    {
                        add_nic(known, tree, guest, id);
                    }
                }
                _ => {}
            }
        }
    }
}

fn add_nic<'a>(known: &mut Known<'a>, tree: &'a Table, guest: &str, id: &'a str) {
    if let Some(guest) = known.guests.get_mut(guest) {
        guest.taps.insert(id);
    }
    let holder = tables(tree, "guests").find(|(name, _)| *name == guest);
    let holder = holder.and_then(|(_, guest)| text(guest, "on"));
    if let Some(machine) = known.machines.get_mut(holder.unwrap_or("host")) {
        machine.taps.insert(id);
    }
}

fn known_machine<'a>(machine: &'a Table, files: &Beneath, units: &UnitFolders) -> KnownMachine<'a> {
    let kinds = machine_link::keys().iter();
    let links = kinds.flat_map(|kind| tables(machine, kind.name));
    let mut carried = BTreeMap::new();
    for link in links.clone().filter_map(|(_, link)| text(link, "link")) {
        *carried.entry(link).or_default() += 1;
    }
    let read = text(machine, "networkd").map(|name| units.read(files, Path::new(name)));
    KnownMachine {
        plugged: names_in(machine, "interfaces", "name").collect(),
        taps: BTreeSet::new(),
        bridges: tables(machine, "bridges").map(|(name, _)| name).collect(),
        made: links.map(|(name, _)| name).collect(),
        carried,
        masters: masters(machine, "name").collect(),
        networkd: machine.contains_key("networkd"),
        dnsmasq: machine.contains_key("dnsmasq"),
        http: machine.contains_key("http"),
        complete: read.as_ref().is_none_or(|read| read.problems.is_empty()),
        netdevs: read.map(|read| read.netdevs.clone()).unwrap_or_default(),
    }
}

/// The bytes of each unit file that machines and guests have; a folder counts for everyone who names it.
pub(crate) fn unit_files(
    tree: &Table,
    files: &Beneath,
    units: &UnitFolders,
) -> impl Iterator<Item = usize> {
    let machines = tables(tree, "machines").filter_map(|(_, one)| text(one, "networkd"));
    let guests = tables(tree, "guests").filter_map(|(_, one)| text(one, "units"));
    machines.chain(guests).flat_map(|folder| {
        let read = units.read(files, Path::new(folder));
        let passed_over = read.passed_over.iter().map(|_| 0);
        let bytes = read.units.iter().map(|unit| unit.bytes.len());
        bytes.chain(passed_over).collect::<Vec<_>>()
    })
}

/// The keys of a table of tables, with their tables; what is no table counts as an empty one.
fn tables<'a>(
    tree: &'a Table,
    key: &str,
) -> impl Iterator<Item = (&'a str, &'a Table)> + Clone + use<'a> {
    static EMPTY: Table = Table::new();
    let named = table(tree, key).unwrap_or(&EMPTY).iter();
    named.map(|(key, entry)| (key.as_str(), entry.node.value.as_table().unwrap_or(&EMPTY)))
}

/// The names in an array of tables.
fn names_in<'a>(table: &'a Table, array: &str, key: &'static str) -> impl Iterator<Item = &'a str> {
    rows(table, array).filter_map(move |table| text(table, key))
}

/// The interfaces that have a `master`, with it; `key` is what holds an interface's name.
fn masters<'a>(table: &'a Table, key: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let rows = rows(table, "interfaces");
    rows.filter_map(move |table| Some((text(table, key)?, text(table, "master")?)))
}
