//! Docker in guests: its daemon's settings, and containers.

use crate::scenario::file::Value;
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::texts::Texts;

/// A table `docker` for each guest with containers that has none.
fn daemon(texts: Texts<'_>, keys: &str) -> Vec<String> {
    let guests = texts.form.guests.iter();
    let guests = guests.filter(|(_, it)| !it.containers.is_empty() && it.docker.is_none());
    guests
        .map(|(name, _)| format!("[guests.{}.docker]\n{keys}", name.as_str()))
        .collect()
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "docker.daemon-key",
        layer: Layer::Docker,
        says: "A text or boolean of a guest's `docker` becomes another one.",
        needs_guests: true,
        sites: Sites::Key(|key| match &key.value {
            Value::Boolean(truth) if key.is("guests.*.docker.*") => Some((!truth).to_string()),
            Value::String(text) if key.is("guests.*.docker.*") || key.is("guests.*.docker.*.*") => {
                let other = crate::scenario::mutation::numbers::other_host(text)
                    .or_else(|| crate::scenario::mutation::numbers::other_character(text));
                other.map(|other| format!("\"{other}\""))
            }
            _ => None,
        }),
    },
    Operator {
        name: "docker.no-forward-rules",
        layer: Layer::Docker,
        says: "`iptables` of Docker's daemon is off: no NAT for containers.",
        needs_guests: true,
        sites: Sites::Tables(|texts| daemon(texts, "iptables = false")),
    },
    Operator {
        name: "docker.other-bridge-network",
        layer: Layer::Docker,
        says: "Docker's bridge has the network of the LAN.",
        needs_guests: true,
        sites: Sites::Tables(|texts| daemon(texts, "bip = \"192.168.1.129/25\"")),
    },
];
