//! The plain configuration of guests whose image has no networkd, and what such an image has not got.

use super::routes::same_family;
use super::{Context, image};
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::keys::{GUEST_INTERFACE, ROUTE};
use crate::scenario::provides::Provides;
use crate::scenario::read::Reader;
use crate::scenario::{Guest, GuestInterface, Route, parse};

/// Keys of a guest that go to networkd or Docker, or replace the former.
const UNITS: [&str; 5] = [
    "units",
    "without_units",
    "faulty_units",
    "machine_id",
    "duplicate_machine_id",
];
const PLAIN: [&str; 2] = ["routes", "dns"];
/// The same of its interfaces.
const PLAIN_INTERFACE: [&str; 2] = ["addresses", "accept_ra"];

/// Reads `routes` and `dns` into `guest`, and reports every key that its image has no use for.
pub(crate) fn guest(context: &Context<'_>, reader: &Reader<'_>, guest: &mut Guest) {
    let routes = reader.tables("routes", &ROUTE);
    guest.routes = routes.iter().filter_map(|r| route(context, r)).collect();
    for one in reader.tables("interfaces", &GUEST_INTERFACE) {
        let id = one.entry("id").and_then(|entry| entry.node.value.as_text());
        let (Some(entry), Some(id)) = (one.entry("accept_ra"), id) else {
            continue;
        };
        let key = format!("net.ipv6.conf.{}.accept_ra", id.replace('.', "/"));
        if guest.sysctls.contains_key(&key) {
            let message = format!("`accept_ra` of `{id}` beside its own sysctl");
            let label = format!("`{key}` among the guest's `sysctls` is set in its place");
            let fault = Fault::new(&entry.key, code::CONFLICT, message, label);
            let help = "leave one of the two out".to_owned();
            context.faults.add(fault.help(help));
        }
    }
    let servers = reader.words("dns", parse::ip).into_iter();
    guest.dns = servers.map(|server| server.value).collect();
    let provides = Provides::of(&guest.image);
    let unusable: &[&str] = if provides.networkd { &PLAIN } else { &UNITS };
    for (key, entry) in entries(reader, unusable) {
        if provides.networkd {
            networkd_owns(context, key, provides, entry);
        } else {
            let help = "give its interfaces `addresses`, and the guest `routes` and `dns`";
            lacks(context, key, entry, provides, "networkd", help);
        }
    }
    if image::lacks(&guest.image, "docker.io") {
        for (key, place) in entries(reader, &["containers", "docker"]) {
            let message = format!("`{key}` is not for a guest without Docker");
            let label = "its image is built without `docker.io`".to_owned();
            context
                .faults
                .add(Fault::new(place, code::CONFLICT, message, label));
        }
    }
    if !provides.docker {
        for (key, entry) in entries(reader, &["containers", "docker"]) {
            let help = "containers run in a guest with `image = \"debian\"`";
            lacks(context, key, entry, provides, "Docker", help);
        }
    }
}

fn route(context: &Context<'_>, reader: &Reader<'_>) -> Option<Route> {
    let to = reader.need("to", reader.word("to", parse::prefix));
    let via = reader.need("via", reader.word("via", parse::ip));
    let (to, via) = (to?, via?);
    same_family(context, &to.value, &via);
    Some(Route::via(to.value, via.value))
}

/// Reads `addresses` and `accept_ra` into `interface`, and reports them where networkd sets both.
pub(crate) fn interface(
    context: &Context<'_>,
    reader: &Reader<'_>,
    provides: &Provides,
    interface: &mut GuestInterface,
) {
    let addresses = reader.words("addresses", parse::address).into_iter();
    interface.addresses = addresses.map(|address| address.value).collect();
    interface.accept_ra = reader.flag("accept_ra").unwrap_or(true);
    if provides.networkd {
        for (key, place) in entries(reader, &PLAIN_INTERFACE) {
            networkd_owns(context, key, provides, place);
        }
    }
}

/// Those of the keys that are there, each with its place.
fn entries<'a, 'k>(
    reader: &Reader<'a>,
    keys: &'k [&'k str],
) -> impl Iterator<Item = (&'k str, &'a Place)> {
    let reader = *reader;
    keys.iter()
        .filter_map(move |&key| Some((key, &reader.entry(key)?.key)))
}

fn networkd_owns(context: &Context<'_>, key: &str, provides: &Provides, place: &Place) {
    let image = provides.image;
    let message = format!("`{key}` is not for a guest with the image `{image}`");
    let label = format!("the image `{image}` runs networkd");
    let help = "put it into a `.network` file, in the folder that `units` names";
    context
        .faults
        .add(Fault::new(place, code::CONFLICT, message, label).help(help.to_owned()));
}

fn lacks(
    context: &Context<'_>,
    key: &str,
    place: &Place,
    provides: &Provides,
    what: &str,
    help: &str,
) {
    let image = provides.image;
    let message = format!("`{key}` is not for a guest with the image `{image}`");
    let label = format!("the image `{image}` has no {what}");
    context
        .faults
        .add(Fault::new(place, code::CONFLICT, message, label).help(help.to_owned()));
}
