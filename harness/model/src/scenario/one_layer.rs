//! What one layer says and takes back itself, so that nobody would ever read it. Over a lower layer the same words have their use:
//! `ra = { enabled = false }` takes away what is said below, whatever that is.

use std::collections::BTreeSet;

use super::file::Table;
use super::lookup::{is_off, items, table, tables, with_ids};
use super::read::Faults;

/// Things, by their paths, that a variant says are enabled or not: what a file says of them may count there.
pub(super) type Turned = BTreeSet<String>;

/// The machines and advertisements whose `enabled` some variant of the file says.
pub(super) fn turned(file: &Table) -> Turned {
    let mut turned = Turned::new();
    for (_, variant) in tables(file, "variants") {
        for (name, machine) in tables(variant, "machines") {
            if machine.contains_key("enabled") {
                turned.insert(name.to_owned());
            }
            if ra(machine).is_some_and(|ra| ra.contains_key("enabled")) {
                turned.insert(format!("{name} ra"));
            }
        }
    }
    turned
}

/// Reports it of the file itself.
pub(super) fn of_file(layer: &Table, turned: &Turned, faults: &Faults) {
    machines(layer, None, turned, faults);
    for (_, step) in with_ids(layer, "steps") {
        if let Some(before) = step.get("before") {
            let message = "`before` of a step of the file itself";
            let told = faults.conflict(&before.key, message, "its place is where it stands");
            told.help("move the step");
        }
    }
}

/// Reports it of a variant over what is below it.
pub(super) fn of_variant(layer: &Table, below: &Table, faults: &Faults) {
    machines(layer, Some(below), &Turned::new(), faults);
    let known: BTreeSet<&str> = with_ids(below, "steps").map(|(id, _)| id).collect();
    for (id, step) in with_ids(layer, "steps") {
        if let Some(before) = step.get("before").filter(|_| known.contains(id)) {
            let label = "only a new step is put anywhere";
            let message = format!("`before` of step `{id}`, which the file has already");
            let help = "take it away by `enabled = false`, and give the new one another id";
            faults.conflict(&before.key, message, label).help(help);
        }
    }
}

fn machines(layer: &Table, below: Option<&Table>, turned: &Turned, faults: &Faults) {
    for (name, machine) in tables(layer, "machines") {
        if !turned.contains(name) {
            let what = format!("machine `{name}`, which is taken away here");
            beside_enabled(machine, &what, faults);
        }
        forwarding(name, machine, faults);
        let Some(own) = ra(machine) else { continue };
        if !turned.contains(&format!("{name} ra")) {
            let what = "advertisements that are not sent";
            beside_enabled(own, what, faults);
        }
        let below = below.and_then(|below| {
            let mut known = tables(below, "machines");
            ra(known.find(|(known, _)| *known == name)?.1)
        });
        prefixes(own, below, faults);
    }
}

/// Every key beside `enabled = false`.
fn beside_enabled(table: &Table, what: &str, faults: &Faults) {
    if !is_off(table) {
        return;
    }
    for (key, entry) in table.iter().filter(|(key, _)| *key != "enabled") {
        let message = format!("`{key}` of {what}");
        let help = "`enabled = false` alone takes away what is said in a lower layer";
        let told = faults.conflict(&entry.key, message, "beside `enabled = false`");
        told.help(help);
    }
}

/// `forward` is these two sysctls, and a sysctl that is said comes after it.
fn forwarding(name: &str, machine: &Table, faults: &Faults) {
    let both = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
    if let (Some(entry), Some(sysctls)) = (machine.get("forward"), table(machine, "sysctls"))
        && both.iter().all(|key| sysctls.contains_key(*key))
    {
        let message = format!("`forward` of machine `{name}` beside both of its sysctls");
        let told = faults.conflict(&entry.key, message, "these are set afterwards");
        told.help("leave one of the two out");
    }
}

/// `prefix` beside `prefixes`, which are in its place.
fn prefixes(ra: &Table, below: Option<&Table>, faults: &Faults) {
    let has = |ra: &Table| !items(ra, "prefixes").is_empty();
    let Some(entry) = ra.get("prefix") else {
        return;
    };
    let message = "`prefix` beside `prefixes`";
    if has(ra) {
        let told = faults.conflict(&entry.key, message, "they are in the place of it");
        told.help("make it one of them");
    } else if !ra.contains_key("prefixes") && below.is_some_and(has) {
        let label = "those of the file are in the place of it";
        let help = "`prefixes = []` beside it takes them away";
        faults.conflict(&entry.key, message, label).help(help);
    }
}

fn ra(machine: &Table) -> Option<&Table> {
    table(table(machine, "dnsmasq")?, "ra")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::scenario::load_text;

    const HEAD: &str = "version = 1\nsummary = 'x'\n";

    /// The underlined text and message of each fault.
    fn told(text: &str) -> Vec<(String, String)> {
        let text = format!("{HEAD}{text}");
        match load_text(Path::new("a.toml"), text.clone()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .faults()
                .map(|fault| (text[fault.span.clone()].to_owned(), fault.message.clone()))
                .collect(),
        }
    }

    fn at(underlined: &str, message: &str) -> (String, String) {
        (underlined.to_owned(), message.to_owned())
    }

    #[test]
    fn what_stands_beside_enabled_false_in_one_layer_is_told() {
        let of = |key| at(key, &format!("`{key}` of advertisements that are not sent"));
        let off = "ra = { enabled = false, lifetime = 0, rdnss = ['::1'] }\n";
        let text = format!("machines.router.dnsmasq.{off}");
        assert_eq!(told(&text), [of("lifetime"), of("rdnss")]);
        let text = "[machines.router.dnsmasq.ra]\nenabled = false\nlifetime = 0\n";
        assert_eq!(told(text), [of("lifetime")]);
        let text = format!("variants.x.machines.router.dnsmasq.{off}");
        assert_eq!(told(&text), [of("lifetime"), of("rdnss")]);
        // Over the base, over a file, and where a variant turns it on again.
        for valid in [
            "machines.router.dnsmasq.ra = { enabled = false }\n",
            "machines.router.dnsmasq.ra.lifetime = 0\n\
             variants.x.machines.router.dnsmasq.ra = { enabled = false }\n",
            "machines.router.dnsmasq.ra = { enabled = false, lifetime = 0 }\n\
             variants.x.machines.router.dnsmasq.ra = { enabled = true }\n",
            "machines.desktop.enabled = false\n",
            "machines.desktop = { enabled = false, forward = true }\n\
             variants.x.machines.desktop.enabled = true\n",
        ] {
            assert_eq!(told(valid), [], "{valid}");
        }
        let text = "machines.desktop = { enabled = false, forward = true }\n";
        let message = "`forward` of machine `desktop`, which is taken away here";
        assert_eq!(told(text), [at("forward", message)]);
        assert_eq!(
            told(&format!("variants.x.{text}")),
            [at("forward", message)]
        );
    }

    #[test]
    fn a_prefix_that_prefixes_stand_in_the_place_of_is_told() {
        let ra = "machines.router.dnsmasq.ra";
        let prefixes = "[{ prefix = '2001:db8::/64', deprecated = true }]";
        let fault = [at("prefix", "`prefix` beside `prefixes`")];
        let both = format!("{ra} = {{ prefix = '2001:db8::/64', prefixes = {prefixes} }}\n");
        assert_eq!(told(&both), fault);
        let over =
            format!("{ra}.prefixes = {prefixes}\nvariants.x.{ra}.prefix = '2001:db8:5::/64'\n");
        assert_eq!(told(&over), fault);
        // Those of the base give way, and so do those that are taken away.
        assert_eq!(told(&format!("{ra}.prefixes = {prefixes}\n")), []);
        let taken = format!(
            "{ra}.prefixes = {prefixes}\n\
             variants.x.{ra} = {{ prefix = '2001:db8::/64', prefixes = [] }}\n"
        );
        assert_eq!(told(&taken), []);
    }

    #[test]
    fn forward_is_its_two_sysctls() {
        let text = |sysctls: &str| {
            format!("machines.host = {{ forward = true, sysctls = {{ {sysctls} }} }}\n")
        };
        let four = "'net.ipv4.ip_forward' = '0'";
        let both = format!("{four}, 'net.ipv6.conf.all.forwarding' = '0'");
        let message = "`forward` of machine `host` beside both of its sysctls";
        assert_eq!(told(&text(&both)), [at("forward", message)]);
        assert_eq!(told(&text(four)), []);
        let over = format!("machines.router.sysctls = {{ {both} }}\n");
        assert_eq!(told(&over), [], "the base's `forward` gives way");
    }
}
