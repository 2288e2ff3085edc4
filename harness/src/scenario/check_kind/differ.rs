//! Two places do not share what each must have for itself.

use ipnet::IpNet;

use super::asked::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::provides::Provides;
use crate::scenario::validate::{Context, vantage};
use crate::scenario::{VantagePoint, parse, states};

/// What a place must not share with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differ {
    /// The other place: a machine or a guest.
    pub with: VantagePoint,
    /// What differs.
    pub what: Differing,
}

/// What differs from place to place. Each has at least one, and none has one of the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differing {
    /// Addresses of this prefix that can be used.
    Address(IpNet),
    /// MAC addresses of Ethernet links.
    Mac,
    /// machine-id(5), of which networkd makes DHCP's DUID.
    MachineId,
}

impl Declared for Differ {
    const KEYS: TableKeys = table_keys(
        "differ",
        "both places have some, and none in common. From a machine or a guest",
        &[
            must("with", KeyType::Text, "the other machine or guest"),
            must(
                "what",
                KeyType::Words(&["address", "mac", "machine_id"]),
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
    const LOOKS: Looks = Looks::machine_or_guest(|_| None);

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
        let what = reader.need("what", reader.word("what", states::differing));
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
