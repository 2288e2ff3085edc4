//! Other addresses, prefixes and numbers than those that stand somewhere: near enough to be plausible.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// An address, with its prefix length where it has one.
fn address(text: &str) -> Option<(IpAddr, Option<u8>)> {
    match text.parse::<IpNet>() {
        Ok(net) => Some((net.addr(), Some(net.prefix_len()))),
        Err(_) => Some((text.parse().ok()?, None)),
    }
    .filter(|(address, _)| !address.is_unspecified())
}

fn written(address: IpAddr, prefix: Option<u8>) -> String {
    match prefix {
        Some(prefix) => format!("{address}/{prefix}"),
        None => address.to_string(),
    }
}

/// Another host of the same network: `192.168.1.2/24` becomes `192.168.1.103/24`.
pub(super) fn other_host(text: &str) -> Option<String> {
    let (address, prefix) = address(text)?;
    let other: IpAddr = match address {
        IpAddr::V4(address) => {
            let [a, b, c, host] = address.octets();
            let host = ((u16::from(host) + 100) % 250 + 1) as u8;
            Ipv4Addr::new(a, b, c, host).into()
        }
        IpAddr::V6(address) => {
            let mut parts = address.segments();
            parts[7] ^= 0x0c00;
            Ipv6Addr::from(parts).into()
        }
    };
    Some(written(other, prefix))
}

/// The same host of a neighbouring network: `192.168.1.2/24` becomes `192.168.9.2/24`.
pub(super) fn other_network(text: &str) -> Option<String> {
    let (address, prefix) = address(text)?;
    let other: IpAddr = match address {
        IpAddr::V4(address) => {
            let [a, b, c, host] = address.octets();
            Ipv4Addr::new(a, b, c ^ 8, host).into()
        }
        IpAddr::V6(address) => {
            let mut parts = address.segments();
            parts[3] ^= 8;
            Ipv6Addr::from(parts).into()
        }
    };
    Some(written(other, prefix))
}

/// The same address with another prefix length.
pub(super) fn other_prefix(text: &str, change: impl Fn(u8, u8) -> Option<u8>) -> Option<String> {
    let (address, prefix) = address(text)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.filter(|prefix| *prefix > 0)?;
    let other = change(prefix, most).filter(|other| *other != prefix && *other <= most)?;
    Some(written(address, Some(other)))
}

/// The opposite of a boolean, in the same words.
pub(super) fn opposite(text: &str) -> Option<&'static str> {
    Some(match text {
        "yes" => "no",
        "no" => "yes",
        "true" => "false",
        "false" => "true",
        "on" => "off",
        "off" => "on",
        _ => return None,
    })
}

/// A whole number, changed.
pub(super) fn number(text: &str, change: impl Fn(u64) -> u64) -> Option<String> {
    let number: u64 = text.parse().ok()?;
    let other = change(number);
    (other != number).then(|| other.to_string())
}

/// The same name with another last letter or digit. No glob characters are touched: `vm-*` becomes `vn-*`.
pub(super) fn other_character(text: &str) -> Option<String> {
    let alphanumeric = |(_, c): &(usize, char)| c.is_ascii_alphanumeric();
    let (at, c) = text.char_indices().rev().find(alphanumeric)?;
    let other = match c {
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        c => char::from(c as u8 + 1),
    };
    Some(format!("{}{other}{}", &text[..at], &text[at + 1..]))
}

/// A MAC address with another last byte.
pub(super) fn other_mac(text: &str) -> Option<String> {
    let (head, last) = text.rsplit_once(':')?;
    let last = u8::from_str_radix(last, 16).ok()?;
    (head.len() == 14).then(|| format!("{head}:{:02x}", last ^ 0x50))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_is_another_and_still_reads() {
        let longer = |prefix, most| Some((prefix + most) / 2);
        for (found, other) in [
            (other_host("192.168.1.2/24"), "192.168.1.103/24"),
            (other_host("2001:db8::a/64"), "2001:db8::c0a/64"),
            (other_network("192.168.1.1"), "192.168.9.1"),
            (other_network("2001:db8::a/64"), "2001:db8:0:8::a/64"),
            (other_prefix("192.168.1.2/24", longer), "192.168.1.2/28"),
            (other_prefix("fd00::1/64", longer), "fd00::1/96"),
            (opposite("yes").map(str::to_owned), "no"),
            (number("10", |it| it + 1), "11"),
            (other_character("vm-*"), "vn-*"),
            (other_character("br9"), "br0"),
            (other_mac("02:00:00:00:00:01"), "02:00:00:00:00:51"),
        ] {
            assert_eq!(found.as_deref(), Some(other));
        }
        for nothing in [
            other_host("::/0"),
            other_prefix("10.0.0.1", longer),
            other_mac("ether"),
        ] {
            assert_eq!(nothing, None);
        }
        for host in 0..=255u8 {
            let text = format!("10.0.0.{host}/8");
            assert_ne!(other_host(&text), Some(text));
        }
    }
}
