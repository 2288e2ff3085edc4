//! Whether a value of a file is the one that is there, or nearly the one that is needed.

use std::net::IpAddr;

use ipnet::IpNet;

/// How near a value is to what is needed: the smaller, the nearer. `None`: it has nothing to do with it.
pub(super) fn distance(value: &str, needed: &str) -> Option<usize> {
    let (value, needed) = (value.trim(), needed.trim());
    if same(value, needed) {
        return Some(0);
    }
    let parts = (address(value), address(needed));
    if let (Some(one), Some(other)) = parts {
        // Addresses of two families are never meant for each other.
        if one.is_ipv4() != other.is_ipv4() {
            return None;
        }
        return Some(1 + strsim::osa_distance(value, needed));
    }
    if parts.0.is_some() != parts.1.is_some() {
        return None;
    }
    Some(1 + strsim::osa_distance(value, needed))
}

/// Whether two values say the same, as far as that is known without the key: words in any case, addresses and prefixes in any
/// spelling, the words of systemd for true and false.
pub(super) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    if let (Some(one), Some(other)) = (truth(one), truth(other)) {
        return one == other;
    }
    match (one.parse::<IpNet>(), other.parse::<IpNet>()) {
        (Ok(one), Ok(other)) => return one == other,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => {}
        (Err(_), Err(_)) => {
            if let (Ok(one), Ok(other)) = (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
                return one == other;
            }
        }
    }
    // The prefix length may be left out of one of the two.
    address(one).is_some()
        && address(one) == address(other)
        && (one.contains('/') != other.contains('/'))
}

/// Whether a value of a key makes what is there: as it is, as one of its words, or by what that key's words mean.
pub(super) fn says_it(key: &str, value: &str, is: &str) -> bool {
    // Words of systemd.network(5) by which a link is not brought up.
    let down = ["down", "always-down", "manual"];
    let mut words = value.split_whitespace();
    same(value, is)
        || words.any(|word| same(word, is))
        || (key == "ActivationPolicy" && is == "down" && down.contains(&value))
}

/// The words of systemd.syntax(7) for truth values.
fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// The address of an address or a prefix.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.split_once('/')
        .map_or(text, |(address, _)| address)
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_say() {
        for (one, other) in [
            ("yes", "true"),
            ("0", "off"),
            ("2001:db8::0b/64", "2001:DB8::b/64"),
            ("192.168.1.3/24", "192.168.1.3"),
            ("br0", "br0"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("yes", "no"),
            ("192.168.1.3/24", "192.168.1.3/25"),
            ("192.168.1.3", "192.168.1.4"),
            ("br0", "br1"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_link_is_down_by_each_policy_that_does_not_bring_it_up() {
        for policy in ["down", "always-down", "manual"] {
            assert!(says_it("ActivationPolicy", policy, "down"), "{policy}");
        }
        assert!(!says_it("ActivationPolicy", "up", "down"));
        assert!(!says_it("Bridge", "manual", "down"));
        assert!(says_it("DNS", "192.168.1.1 192.168.1.9", "192.168.1.9"));
    }

    #[test]
    fn the_nearer_value_is_the_one_that_was_meant() {
        let needed = "192.168.1.3/24";
        let near = distance("192.168.1.4/24", needed);
        assert!(near > Some(0) && near < distance("10.0.0.1/8", needed));
        assert_eq!(distance("2001:db8::b/64", needed), None);
        assert_eq!(distance("br0", needed), None);
    }
}
