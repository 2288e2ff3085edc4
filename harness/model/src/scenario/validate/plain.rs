//! The plain configuration of guests whose image has no networkd, and what such an image has not got.

use super::routes::same_family;
use super::{Context, image};
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
const DOCKER: [&str; 2] = ["containers", "docker"];
const PLAIN: [&str; 2] = ["routes", "dns"];
/// The same of its interfaces.
const PLAIN_INTERFACE: [&str; 2] = ["addresses", "accept_ra"];

/// Reads `routes` and `dns` into `guest`, and reports every key that its image has no use for.
pub(crate) fn guest(context: &Context<'_>, reader: &Reader<'_>, guest: &mut Guest) {
    let routes = reader.tables("routes", &ROUTE);
    guest.routes = routes.iter().filter_map(|r| route(context, r)).collect();
    for one in reader.tables("interfaces", &GUEST_INTERFACE) {
        let Some(id) = one.said("id") else { continue };
        let key = format!("net.ipv6.conf.{}.accept_ra", id.replace('.', "/"));
        if guest.sysctls.contains_key(&key) {
            let message = format!("`accept_ra` of `{id}` beside its own sysctl");
            let label = format!("`{key}` among the guest's `sysctls` is set in its place");
            (one.conflict("accept_ra", message, label)).help("leave one of the two out");
        }
    }
    guest.dns = reader.values("dns", parse::ip);
    let provides = Provides::of(&guest.image);
    if provides.networkd {
        networkd_owns(reader, &PLAIN, provides);
    } else {
        let help = "give its interfaces `addresses`, and the guest `routes` and `dns`";
        unusable(reader, &UNITS, provides, "has no networkd", help);
    }
    if image::lacks(&guest.image, "docker.io") {
        let message = |key: &str| format!("`{key}` is not for a guest without Docker");
        let label = "its image is built without `docker.io`";
        reader.conflicts(&DOCKER, message, label, None);
    }
    if !provides.docker {
        let help = "containers run in a guest with `image = \"debian\"`";
        unusable(reader, &DOCKER, provides, "has no Docker", help);
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
pub(crate) fn interface(reader: &Reader<'_>, provides: &Provides, interface: &mut GuestInterface) {
    interface.addresses = reader.values("addresses", parse::address);
    interface.accept_ra = reader.flag("accept_ra").unwrap_or(true);
    if provides.networkd {
        networkd_owns(reader, &PLAIN_INTERFACE, provides);
    }
}

fn networkd_owns(reader: &Reader<'_>, keys: &[&str], provides: &Provides) {
    let help = "put it into a `.network` file, in the folder that `units` names";
    unusable(reader, keys, provides, "runs networkd", help);
}

/// Reports keys that an image has no use for.
fn unusable(reader: &Reader<'_>, keys: &[&str], provides: &Provides, why: &str, help: &str) {
    let image = provides.image;
    let message = |key: &str| format!("`{key}` is not for a guest with the image `{image}`");
    let label = format!("the image `{image}` {why}");
    reader.conflicts(keys, message, &label, Some(help));
}
