//! NICs of guests, and their ends on the host.

use crate::scenario::file::Value;
use crate::scenario::mutation::keys::TomlKey;
use crate::scenario::mutation::numbers::{other_character, other_mac};
use crate::scenario::mutation::row::{Layer, Operator, Sites};

/// A text of that key of a guest's NIC, as TOML after the change.
fn text(key: &TomlKey, name: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    match &key.value {
        Value::String(text) if key.is(&format!("guests.*.interfaces.*.{name}")) => {
            change(text).map(|other| format!("\"{other}\""))
        }
        _ => None,
    }
}

/// What is written before the closing brace of a guest's first NIC that does not say it yet.
fn more(key: &TomlKey, name: &str, value: &str, kind: &str) -> Option<String> {
    let Value::Table(table) = &key.value else {
        return None;
    };
    let is_nic = key.is("guests.*.interfaces.*") && !table.contains_key(name);
    let of_kind = table.get("type")?.node.value.as_text() == Some(kind);
    (is_nic && of_kind).then(|| format!("{name} = {value}"))
}

/// The NIC with one key more: all of it is written again, since a change replaces the whole value.
fn with(key: &TomlKey, name: &str, value: &str) -> Option<String> {
    let added = more(key, name, value, "tap")?;
    let Value::Table(table) = &key.value else {
        return None;
    };
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(_, entry)| entry.key.span.start);
    let written = entries.iter().map(|(name, entry)| {
        let place = &entry.node.place;
        format!("{name} = {}", &place.source.text[place.span.clone()])
    });
    let all: Vec<String> = written.chain([added]).collect();
    Some(format!("{{ {} }}", all.join(", ")))
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "nic.mac",
        layer: Layer::Nic,
        says: "The last byte of a NIC's MAC address becomes another one.",
        needs_guests: false,
        sites: Sites::Key(|key| text(key, "mac", other_mac)),
    },
    Operator {
        name: "nic.tap-name",
        layer: Layer::Nic,
        says: "The beginning of a TAP's name becomes another one: `vm-test1` becomes `wm-test1`.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            text(key, "id", |name| {
                let other = other_character(&name[..1])?;
                Some(format!("{other}{}", &name[1..]))
            })
        }),
    },
    Operator {
        name: "nic.down",
        layer: Layer::Nic,
        says: "A TAP is not brought up.",
        needs_guests: false,
        sites: Sites::Key(|key| with(key, "up", "false")),
    },
    Operator {
        name: "nic.host-mtu",
        layer: Layer::Nic,
        says: "A TAP has an MTU of 1280 bytes.",
        needs_guests: false,
        sites: Sites::Key(|key| with(key, "host_mtu", "1280")),
    },
    Operator {
        name: "nic.queues",
        layer: Layer::Nic,
        says: "A NIC has two queues, and its TAP one.",
        needs_guests: true,
        sites: Sites::Key(|key| {
            with(key, "multi_queue", "false").map(|nic| nic.replace(" }", ", queues = 2 }"))
        }),
    },
    Operator {
        name: "nic.owner",
        layer: Layer::Nic,
        says: "A TAP is opened by name, and belongs to another user than the VMM.",
        needs_guests: true,
        sites: Sites::Key(|key| {
            with(key, "owner", "\"1\"").map(|nic| nic.replace(" }", ", open = \"name\" }"))
        }),
    },
    Operator {
        name: "nic.mtu",
        layer: Layer::Nic,
        says: "A guest is told an MTU of 9000 bytes, which its TAP has not.",
        needs_guests: true,
        sites: Sites::Key(|key| with(key, "mtu", "9000")),
    },
];
