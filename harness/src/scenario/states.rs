//! The closed sets of words of the kernel's and iproute2's states, and the words of commands and filters.

use super::check_kind::Differing;
use super::parse::{bad, one_of};
use super::read::Bad;
use super::{AddressState, Firewall};

fn word(text: &str, key: &str, words: &[&'static str]) -> Result<String, Bad> {
    let words: Vec<_> = words.iter().map(|&word| (word, word)).collect();
    one_of(text, key, &words).map(str::to_owned)
}

/// Operational state of a link (RFC 2863), in lower case.
pub(super) fn operstate(text: &str) -> Result<String, Bad> {
    let states = [
        "up",
        "down",
        "lowerlayerdown",
        "dormant",
        "testing",
        "notpresent",
        "unknown",
    ];
    word(text, "operstate", &states)
}

/// State of a bridge port, as `bridge link` prints it.
pub(super) fn port_state(text: &str) -> Result<String, Bad> {
    let states = [
        "disabled",
        "listening",
        "learning",
        "forwarding",
        "blocking",
    ];
    word(text, "state", &states)
}

/// State of a neighbour, as `ip neigh` prints it, in lower case.
pub(super) fn neighbour_state(text: &str) -> Result<String, Bad> {
    let states = [
        "incomplete",
        "reachable",
        "stale",
        "delay",
        "probe",
        "failed",
        "noarp",
        "permanent",
    ];
    word(text, "state", &states)
}

/// A flag of a link, as `ip link` prints it.
pub(super) fn link_flag(text: &str) -> Result<String, Bad> {
    let flags = [
        "UP",
        "LOWER_UP",
        "NO-CARRIER",
        "BROADCAST",
        "MULTICAST",
        "ALLMULTI",
        "PROMISC",
        "NOARP",
        "POINTOPOINT",
        "LOOPBACK",
        "MASTER",
        "SLAVE",
        "DORMANT",
    ];
    word(text, "flags", &flags)
}

/// Kind of a link, as `ip -d link` prints it. New ones are made all the time, so any word will do.
pub(super) fn link_kind(text: &str) -> Result<String, Bad> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if !text.is_empty() && text.len() <= 32 && text.bytes().all(letter) {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not a kind of link"),
        "not a kind of link",
    );
    Err(fault.help("for example `bridge`, `veth`, `tun`, `macvtap` or `vlan`"))
}

pub(super) fn address_state(text: &str) -> Result<AddressState, Bad> {
    let states = [
        ("usable", AddressState::Usable),
        ("absent", AddressState::Absent),
        ("tentative", AddressState::Tentative),
        ("dadfailed", AddressState::DadFailed),
        ("deprecated", AddressState::Deprecated),
    ];
    one_of(text, "state", &states)
}

/// A response code of DNS, or `none` for no response at all.
pub(super) fn rcode(text: &str) -> Result<String, Bad> {
    let codes = [
        "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "none",
    ];
    word(text, "rcode", &codes).map_err(|fault| match text {
        "NOERROR" => {
            fault.help("`expect` has the answer; `expect = []`: the name has no such record")
        }
        _ => fault,
    })
}

/// What `packet` counts from; `true`: from the check's beginning.
pub(super) fn since(text: &str) -> Result<bool, Bad> {
    one_of(text, "since", &[("start", false), ("check", true)])
}

/// What two places must not share; the prefix of addresses is read apart.
pub(super) fn differing(text: &str) -> Result<Option<Differing>, Bad> {
    let all = [
        ("address", None),
        ("mac", Some(Differing::Mac)),
        ("machine_id", Some(Differing::MachineId)),
    ];
    one_of(text, "what", &all)
}

pub(super) fn firewall(text: &str) -> Result<Firewall, Bad> {
    let tools = [
        ("nft", Firewall::Nft),
        ("iptables", Firewall::Iptables),
        ("ip6tables", Firewall::Ip6tables),
    ];
    one_of(text, "tool", &tools)
}

/// A table of nft with its family, or one of iptables; no option, nothing that a shell would see.
pub(super) fn firewall_table(text: &str) -> Result<String, Bad> {
    let families = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
    let parts: Vec<&str> = text.split(' ').collect();
    let good = match parts.as_slice() {
        [family, table] => families.contains(family) && plain(table),
        [table] => plain(table),
        _ => false,
    };
    if good {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not a table of a firewall"),
        "not a table",
    );
    Err(fault.help("`filter` of iptables, `inet filter` of nft"))
}

pub(super) fn firewall_chain(text: &str) -> Result<String, Bad> {
    if plain(text) {
        return Ok(text.to_owned());
    }
    Err(bad(
        format!("{text:?} is not a chain of a firewall"),
        "not a chain",
    ))
}

/// A name of a program or a user, without path or option.
pub(super) fn plain_name(text: &str) -> Result<String, Bad> {
    if plain(text) {
        return Ok(text.to_owned());
    }
    Err(bad(
        format!("{text:?} is not a plain name"),
        "letters, digits, `.`, `_`, `+` and `-`, none of the last three first",
    ))
}

fn plain(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 64
        && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_command_line() {
        for text in ["", "-F", "a b c", "inet", "inet -x", "a;b", "$(x)", "a\nb"] {
            let is_table = firewall_table(text).is_ok();
            assert_eq!(is_table, text == "inet", "{text:?}");
        }
        assert!(firewall_table("inet filter").is_ok());
        assert!(plain_name("qemu-system-x86_64").is_ok());
        assert!(plain_name("/bin/sh").is_err());
    }

    #[test]
    fn an_answer_without_error_is_said_by_its_addresses() {
        assert!(rcode("NXDOMAIN").is_ok() && rcode("none").is_ok());
        let fault = rcode("NOERROR").expect_err("no error to name");
        assert!(fault.help.is_some_and(|help| help.contains("expect")));
    }
}
