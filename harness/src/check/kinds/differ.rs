//! What two places must not share: addresses, MAC addresses, machine-ids.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::FutureExt;
use ipnet::IpNet;
use serde_json::Value;

use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, entries, text, trouble};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::check::{ProbeError, Verdict};
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::keys::{KeyType, TableKeys, first_of_each, may, must, table_keys};
use crate::scenario::provides::Provides;
use crate::scenario::validate::{Context, vantage};
use crate::scenario::{VantagePoint, parse};

/// What a place must not share with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differ {
    /// The other place: a machine or a guest.
    pub with: VantagePoint,
    /// What differs.
    pub what: Differing,
}

/// What differs from place to place: each place has at least one of these, and no two places have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differing {
    /// Addresses of this prefix that can be used.
    Address(IpNet),
    /// MAC addresses of Ethernet links.
    Mac,
    /// machine-id(5), of which networkd makes DHCP's DUID.
    MachineId,
}

/// Words of `what`. `None`: addresses, whose prefix another key gives.
const WHAT: [(&str, Option<Differing>); 3] = [
    ("address", None),
    ("mac", Some(Differing::Mac)),
    ("machine_id", Some(Differing::MachineId)),
];

impl Declared for Differ {
    const KEYS: TableKeys = table_keys(
        "differ",
        "both places have some, and none in common. From a machine or a guest",
        &[
            must("with", KeyType::Text, "the other machine or guest"),
            must(
                "what",
                KeyType::Words(&first_of_each(&WHAT)),
                "what differs: addresses of `prefix`, MAC addresses of any link, or the machine-id",
            ),
            may(
                "prefix",
                KeyType::PREFIX,
                "none; needed with `what = \"address\"`",
                "addresses that count",
            ),
        ],
    );
    const HOLDS: &'static str = "both places have some, and none in common: addresses of the prefix that can be used, MAC addresses of any Ethernet link, or the machine-id";
    const LOOKS: Looks = Looks::machine_or_guest(|_| None);

    fn with(&self) -> Option<&VantagePoint> {
        Some(&self.with)
    }

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
        } = *asked;
        let fault = |place: &Place, message: String, label: &str| {
            let fault = Fault::new(place, code::CONFLICT, message, label.to_owned());
            context.faults.add(fault);
        };
        let text = reader.need("with", reader.text("with"));
        let with = text.and_then(|text| vantage(context, &text));
        if let (Some(text), Some(with)) = (&text, &with) {
            if let VantagePoint::Container(..) = with {
                let message = "`differ` compares machines and guests".to_owned();
                fault(text.place, message, "a container");
            }
            if from.is_some_and(|from| from.value == *with) {
                let message = format!("`{with}` is compared with itself");
                fault(text.place, message, "must be another place");
            }
        }
        let what = reader.need("what", reader.meaning("what", &WHAT));
        let prefix = reader.word("prefix", parse::prefix);
        let what = match what?.value {
            None => Differing::Address(reader.need("prefix", prefix)?.value),
            Some(other) => {
                if let Some(entry) = reader.entry("prefix") {
                    let message = "`prefix` is of addresses".to_owned();
                    fault(&entry.key, message, "nothing of it is compared");
                }
                other
            }
        };
        if what == Differing::MachineId {
            let places = [
                from.map(|from| (&from.value, from.place)),
                with.as_ref().zip(text.map(|text| text.place)),
            ];
            for (place, at) in places.into_iter().flatten() {
                if !has_machine_id(context, place) {
                    let message = format!("`{place}` has no machine-id of its own");
                    fault(at, message, "only where networkd runs");
                }
            }
        }
        Some(Self { with: with?, what })
    }
}

fn has_machine_id(context: &Context<'_>, place: &VantagePoint) -> bool {
    match place {
        VantagePoint::Machine(name) => {
            let known = context.known.machines.get(name.as_str());
            known.is_some_and(|known| known.networkd)
        }
        VantagePoint::Guest(name) => {
            let known = context.known.guests.get(name.as_str());
            let image = known.and_then(|guest| guest.image);
            Provides::of(image.unwrap_or("debian")).networkd
        }
        VantagePoint::Container(..) => false,
    }
}

impl Kind for Differ {
    fn expected(&self) -> String {
        let what = match &self.what {
            Differing::Address(prefix) => format!("addresses of {prefix}"),
            Differing::Mac => "MAC addresses".to_owned(),
            Differing::MachineId => "a machine-id".to_owned(),
        };
        format!("{what} that {} has not got", self.with)
    }

    /// `false`, since two places that have nothing do not differ: each must have something.
    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let Some(with) = at.with else {
                let why = format!("{} is not looked at", self.with);
                return Err(ProbeError::Impossible(why));
            };
            let there = Looking { from: with, ..*at };
            let own = has_at(&self.what, at).await?;
            let others = has_at(&self.what, &there).await?;
            let (here, there) = (at.from.owner(), with.owner());
            Ok(judge(&self.what, (here, &own), (there, &others)))
        }
        .boxed_local()
    }
}

async fn has_at(what: &Differing, at: &Looking<'_>) -> Result<Has, ProbeError> {
    let command = command(what);
    Ok(match what {
        Differing::Address(prefix) => addresses(&at.json(&command).await?, *prefix),
        Differing::Mac => macs(&at.json(&command).await?),
        Differing::MachineId => machine_id(&at.exec(&command).await?.stdout),
    })
}

/// Addresses or ids of one place, in order, as words.
type Has = BTreeSet<String>;

/// The command that tells what a place has.
const fn command(what: &Differing) -> [&'static str; 3] {
    match what {
        Differing::Address(_) | Differing::Mac => ["ip", "-j", "addr"],
        Differing::MachineId => ["cat", "--", "/etc/machine-id"],
    }
}

/// Addresses of the prefix in `ip -j addr` that have passed duplicate address detection.
fn addresses(links: &Value, prefix: ipnet::IpNet) -> Has {
    let usable = entries(links, None).filter(|(_, entry)| trouble(entry).is_none());
    let locals = usable.filter_map(|(_, entry)| text(entry, "local").parse::<IpAddr>().ok());
    let within = locals.filter(|local| prefix.contains(local));
    within.map(|local| local.to_string()).collect()
}

/// MAC addresses of Ethernet links in `ip -j addr`, each once.
fn macs(links: &Value) -> Has {
    let ethernet = array(links).filter(|link| link["link_type"] == "ether");
    ethernet
        .map(|link| text(link, "address").to_owned())
        .collect()
}

/// machine-id(5): the file's line.
fn machine_id(file: &str) -> Has {
    let id = file.trim();
    (!id.is_empty())
        .then(|| id.to_owned())
        .into_iter()
        .collect()
}

/// Judges that both places have some, and none in common.
fn judge(what: &Differing, (here, own): (&str, &Has), (there, others): (&str, &Has)) -> Verdict {
    let join = |all: &Has| {
        all.iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    for (place, has) in [(here, own), (there, others)] {
        if has.is_empty() {
            return Verdict::violated(match what {
                Differing::Address(prefix) => format!("{place} has no address of {prefix}"),
                Differing::Mac => format!("{place} has no MAC address"),
                Differing::MachineId => format!("{place} has no machine-id"),
            });
        }
    }
    let both: Has = own.intersection(others).cloned().collect();
    match both.is_empty() {
        true => Verdict::holds(format!(
            "{here} has {}; {there} has {}",
            join(own),
            join(others)
        )),
        false => Verdict::violated(format!("{here} and {there} both have {}", join(&both))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::iproute2::tests::addresses as printed;

    fn has(all: &[&str]) -> Has {
        all.iter().map(|&one| one.to_owned()).collect()
    }

    #[test]
    fn what_both_have_is_named_and_what_nobody_has_differs_from_nothing() {
        let prefix = "192.168.1.0/24".parse().expect("a prefix");
        let judged = |own: &[&str], others: &[&str]| {
            let (own, others) = (has(own), has(others));
            judge(
                &Differing::Address(prefix),
                ("test1", &own),
                ("test2", &others),
            )
        };
        assert_eq!(
            judged(&["192.168.1.100"], &["192.168.1.101"]),
            Verdict::holds("test1 has 192.168.1.100; test2 has 192.168.1.101")
        );
        assert_eq!(
            judged(&["192.168.1.100", "192.168.1.7"], &["192.168.1.100"]),
            Verdict::violated("test1 and test2 both have 192.168.1.100")
        );
        let none = Verdict::violated("test2 has no address of 192.168.1.0/24");
        assert_eq!(judged(&["192.168.1.100"], &[]), none);
        let (own, others) = (has(&[]), has(&["0123"]));
        let none = judge(&Differing::MachineId, ("test1", &own), ("test2", &others));
        assert_eq!(none, Verdict::violated("test1 has no machine-id"));
        let none = judge(&Differing::Mac, ("test1", &own), ("test2", &others));
        assert_eq!(none, Verdict::violated("test1 has no MAC address"));
    }

    #[test]
    fn addresses_and_macs_are_read_as_ip_prints_them() {
        let links = printed();
        let of = |prefix: &str| addresses(&links, prefix.parse().expect("a prefix"));
        assert_eq!(of("192.168.1.0/24"), has(&["192.168.1.3"]));
        // An address whose detection is under way does not count yet.
        assert!(!of("2001:db8::/64").contains("2001:db8::c"));
        assert!(of("2001:db8::/64").contains("2001:db8::b"));
        let links = include_str!("../fixtures/iproute2-6.1/addr-dad.json");
        let links: Value = serde_json::from_str(links).expect("what `ip` printed");
        let macs = macs(&links);
        assert!(
            !macs.contains("00:00:00:00:00:00") && !macs.is_empty(),
            "{macs:?}"
        );
        assert_eq!(machine_id("0123\n"), has(&["0123"]));
        assert_eq!(machine_id("\n"), Has::new());
    }
}
