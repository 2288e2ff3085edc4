//! Sysctls of links: which link a key is about, and which of them a guest is given when. Pure.
//!
//! The kernel has a folder for each link below `net/ipv{4,6}/conf` and `net/ipv{4,6}/neigh` (`ip-sysctl.rst` of Linux),
//! beside `all` and `default`. What `default` says, a link takes over when it is made.

use crate::scenario::{Guest, GuestInterface};

/// Where the name of a link stands in a key: `net.ipv6.conf.NAME.accept_ra`.
const PLACE: usize = 3;

/// What stands there: a link, `all` or `default`. A dot within a name is a slash, as sysctl(8) has it.
fn named(key: &str) -> Option<&str> {
    let mut parts = key.split('.');
    let of_links = parts.next() == Some("net")
        && matches!(parts.next(), Some("ipv4" | "ipv6"))
        && matches!(parts.next(), Some("conf" | "neigh"));
    parts.next().filter(|_| of_links)
}

/// The link that a sysctl is about: `eno1` of `net.ipv4.conf.eno1.forwarding`.
pub fn link_of(key: &str) -> Option<&str> {
    named(key).filter(|name| !matches!(*name, "all" | "default"))
}

/// Whether it is about links, be it one or all of them.
pub fn is_of_links(key: &str) -> bool {
    named(key).is_some()
}

/// Whether a link takes it over when it is made.
pub fn is_default(key: &str) -> bool {
    named(key) == Some("default")
}

/// The same key for a link of that name.
pub fn for_link(key: &str, link: &str) -> String {
    let written = link.replace('.', "/");
    let parts = key.split('.').enumerate();
    let parts = parts.map(|(at, part)| if at == PLACE { &written } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// Which of its guest's NICs a key names by the `id`, from 0.
pub fn nic_of<'g>(key: &str, guest: &'g Guest) -> Option<(usize, &'g GuestInterface)> {
    let link = link_of(key)?.replace('/', ".");
    let mut nics = guest.interfaces.iter().enumerate();
    nics.find(|(_, nic)| nic.id.as_str() == link)
}

/// What a guest's sysctls say of the `accept_ra` of one of its NICs, by whose `id` they name it.
pub fn accept_ra<'g>(guest: &'g Guest, nic: &GuestInterface) -> Option<&'g str> {
    let key = for_link("net.ipv6.conf.NIC.accept_ra", nic.id.as_str());
    guest.sysctls.get(&key).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctls_of_a_link_are_told_from_the_machine_s() {
        assert_eq!(link_of("net.ipv6.conf.eno1.accept_ra"), Some("eno1"));
        assert_eq!(link_of("net.ipv4.neigh.br0.retrans_time_ms"), Some("br0"));
        for key in [
            "net.ipv6.conf.all.forwarding",
            "net.ipv6.conf.default.accept_dad",
            "net.ipv4.ip_forward",
            "net.bridge.bridge-nf-call-iptables",
            "net.core.conf.eno1.x",
        ] {
            assert_eq!(link_of(key), None, "{key}");
        }
    }
}
