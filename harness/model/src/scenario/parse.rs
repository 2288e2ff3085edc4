//! What single strings mean: names, addresses, prefixes, durations, and a few closed sets.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};

use super::HypervisorKind;
use super::contents::DOCKER_NETWORKS;
use super::error::Bad;
use super::error::code;
use super::names::{CheckId, IfName, IfNameError, NameError};
use super::needs::capabilities;
use super::net::{Mac, MacError};
use crate::did_you_mean::suggest;

/// The longest a check may wait; more is a typing error, and sums of deadlines must not overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The longest timer of a bridge that anybody means.
const LONGEST_TIMER: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with a word: the whole message, and what stands below the word.
pub fn bad(message: impl Into<String>, label: impl Into<String>) -> Bad {
    Bad {
        code: code::BAD_VALUE,
        message: message.into(),
        label: label.into(),
        help: None,
    }
}

/// What is no such thing as is wanted; `shown` has the quotation marks.
fn not(shown: impl Display, what: &str) -> Bad {
    bad(format!("{shown} is not {what}"), format!("not {what}"))
}

impl Bad {
    /// With what the reader can do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Self { help, ..self }
    }
}

/// Name of an interface, or what is wrong with it.
pub fn if_name(text: &str) -> Result<IfName, Bad> {
    IfName::try_from(text).map_err(|error| Bad {
        code: code::BAD_NAME,
        label: match &error {
            IfNameError::TooLong { name, .. } => format!("{} bytes", name.len()),
            _ => "not an interface name".to_owned(),
        },
        help: error
            .suggestion()
            .map(|shorter| format!("a name that fits: `{shorter}`")),
        message: error.to_string(),
    })
}

/// A name of ours: of a machine, a variant, a check, a step.
pub fn our_name<T>(text: &str) -> Result<T, Bad>
where
    T: for<'n> TryFrom<&'n str, Error = NameError>,
{
    T::try_from(text).map_err(|error| {
        let lower = match &error {
            NameError::Forbidden { name, .. } => Some(name.to_lowercase().replace(['_', ' '], "-")),
            _ => None,
        };
        let lower = lower.filter(|lower| CheckId::try_from(lower.as_str()).is_ok());
        Bad {
            code: code::BAD_NAME,
            message: error.to_string(),
            label: "not a name".to_owned(),
            help: lower.map(|lower| format!("for example `{lower}`")),
        }
    })
}

/// MAC address of one card, or what is wrong with it.
pub fn mac(text: &str) -> Result<Mac, Bad> {
    text.parse::<Mac>().map_err(|error| {
        let help = match &error {
            MacError::Form(_) => "six pairs of hexadecimal digits: `02:00:00:00:00:01`",
            MacError::Multicast(_) => {
                "an interface's address has an even first byte: `02:00:00:00:00:01`; for a guest whose NIC shall have \
                 just this one, say `invalid_mac = true` beside it"
            }
            MacError::Zero(_) => "a locally administered address starts with `02`",
        };
        bad(error.to_string(), "not the address of an interface").help(help)
    })
}

/// machine-id(5): 32 hexadecimal digits, not all zero.
pub(crate) fn machine_id(text: &str) -> Result<String, Bad> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() == 32 && text.bytes().all(digit) && text.bytes().any(|b| b != b'0') {
        return Ok(text.to_owned());
    }
    let fault = not(format_args!("{text:?}"), "a machine-id");
    Err(fault.help("32 digits of `0` to `9` and `a` to `f`, not all zero: machine-id(5)"))
}

/// A MAC address that no interface may have, for a test of just that.
pub(crate) fn invalid_mac(text: &str) -> Result<Mac, Bad> {
    Mac::unchecked(text).map_err(|error| {
        let help = "six pairs of hexadecimal digits: `03:00:00:00:00:01`";
        bad(error.to_string(), "not a MAC address").help(help)
    })
}

/// IPv4 or IPv6 address without a prefix length, or what is wrong with it.
pub fn ip(text: &str) -> Result<IpAddr, Bad> {
    text.parse().map_err(|_| {
        let fault = not(format_args!("`{text}`"), "an IP address");
        match text.split_once('/') {
            Some((address, _)) if address.parse::<IpAddr>().is_ok() => {
                fault.help(format!("without the prefix length: `{address}`"))
            }
            _ => fault,
        }
    })
}

pub(crate) fn ipv4(text: &str) -> Result<Ipv4Addr, Bad> {
    (text.parse()).map_err(|_| not(format_args!("`{text}`"), "an IPv4 address"))
}

/// IPv6 address, or what is wrong with it.
pub fn ipv6(text: &str) -> Result<Ipv6Addr, Bad> {
    (text.parse()).map_err(|_| not(format_args!("`{text}`"), "an IPv6 address"))
}

/// An address with its prefix length; host bits are what it is about.
pub fn address(text: &str) -> Result<IpNet, Bad> {
    text.parse().map_err(|_| {
        let what = "an address with a prefix length";
        let fault = not(format_args!("`{text}`"), what);
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => fault.help(format!("for example `{text}/24`")),
            Ok(IpAddr::V6(_)) => fault.help(format!("for example `{text}/64`")),
            Err(_) => fault.help("for example `192.168.1.2/24` or `2001:db8::a/64`"),
        }
    })
}

/// A prefix: no bits set beyond its length.
pub fn prefix(text: &str) -> Result<IpNet, Bad> {
    let net = address(text).map_err(|as_address| {
        let fault = not(format_args!("`{text}`"), "a prefix");
        match as_address.help {
            Some(help) if text.parse::<IpAddr>().is_ok() => fault.help(help),
            _ => fault.help("for example `192.168.1.0/24` or `2001:db8::/64`"),
        }
    })?;
    if net == net.trunc() {
        return Ok(net);
    }
    let fault = bad(
        format!("prefix `{text}` has host bits set"),
        "host bits are set",
    );
    Err(fault.help(format!("the prefix is `{}`", net.trunc())))
}

/// IPv6 prefix, or what is wrong with it.
pub fn prefix_v6(text: &str) -> Result<Ipv6Net, Bad> {
    match prefix(text)? {
        IpNet::V6(net) => Ok(net),
        IpNet::V4(_) => Err(not(format_args!("`{text}`"), "an IPv6 prefix")),
    }
}

/// A host name as DNS takes it; nothing that could break out of a configuration line, and no label that begins or ends with a
/// dash (RFC 1123, 2.1): tools would take the first for an option.
pub fn dns_name(text: &str) -> Result<String, Bad> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| {
        let dash = label.starts_with('-') || label.ends_with('-');
        (1..=63).contains(&label.len()) && label.bytes().all(letter) && !dash
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    let fault = not(format_args!("{text:?}"), "a host name");
    Err(fault.help("for example `www.internet.test`, without a dot at the end"))
}

/// The dotted key of a sysctl below `net.`.
pub fn sysctl(text: &str) -> Result<String, Bad> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let part = |part: &str| !part.is_empty() && part.bytes().all(letter);
    if text.starts_with("net.") && text.split('.').all(part) {
        return Ok(text.to_owned());
    }
    let message = format!("{text:?} is not a sysctl of the network");
    let fault = bad(message, "not below `net.`");
    Err(fault.help("for example `\"net.ipv4.ip_forward\" = \"1\"`, with the key in quotes"))
}

/// The name of a package of Debian (deb-control(5)).
pub(crate) fn package(text: &str) -> Result<String, Bad> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let rest = |b: u8| letter(b) || matches!(b, b'+' | b'-' | b'.');
    if text.len() > 1 && text.bytes().next().is_some_and(letter) && text.bytes().all(rest) {
        return Ok(text.to_owned());
    }
    let message = format!("{text:?} is not the name of a package");
    Err(bad(message, "not a package").help("for example `ethtool`"))
}

/// The name of an image: no path, no option, no white space.
pub(crate) fn image(text: &str) -> Result<String, Bad> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':');
    if starts && text.bytes().all(letter) && !text.contains("..") {
        return Ok(text.to_owned());
    }
    Err(not(format_args!("{text:?}"), "the name of an image"))
}

/// `--publish` of docker-run(1), with the port outside named.
pub(crate) fn published_port(text: &str) -> Result<String, Bad> {
    let (rest, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let number = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let mut parts = rest.rsplitn(3, ':');
    let inside = parts.next().is_some_and(number);
    let outside = parts.next().is_some_and(number);
    let address = parts.next().is_none_or(|text| {
        let v6 = text.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
        v6.unwrap_or(text).parse::<IpAddr>().is_ok()
    });
    if inside && outside && address && matches!(protocol, "tcp" | "udp" | "sctp") {
        return Ok(text.to_owned());
    }
    let fault = not(format_args!("`{text}`"), "a published port");
    Err(fault.help("for example `8080:80` or `192.168.1.3:53:53/udp`"))
}

/// A network that Docker has by itself, or the name of the bridge that one is made with.
pub(crate) fn docker_network(text: &str) -> Result<String, Bad> {
    if DOCKER_NETWORKS.contains(&text) {
        return Ok(text.to_owned());
    }
    if_name(text).map(|name| name.to_string())
}

/// How long a check may take.
pub fn duration(text: &str) -> Result<Duration, Bad> {
    let fault = |label: &str| bad(format!("`{text}` is not a time to wait"), label);
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err(fault("must be more than zero")),
        Ok(time) if time > LONGEST_WAIT => Err(fault("must be at most `1h`")),
        Ok(time) => Ok(time),
        Err(_) => Err(fault("not a duration").help("for example `30s` or `1m 30s`")),
    }
}

/// A bridge's timer. The kernel counts them in hundredths of a second.
pub(crate) fn timer(text: &str) -> Result<Duration, Bad> {
    let fault = |label: &str| bad(format!("`{text}` is not a bridge's timer"), label);
    match humantime::parse_duration(text) {
        Ok(time) if time.subsec_nanos() % 10_000_000 != 0 => {
            Err(fault("must be in hundredths of a second"))
        }
        Ok(time) if time > LONGEST_TIMER => Err(fault("must be at most `1day`")),
        Ok(time) => Ok(time),
        Err(_) => Err(fault("not a duration").help("for example `15s` or `200ms`")),
    }
}

/// Whom a TAP belongs to: a user's name or number.
pub(crate) fn user(text: &str) -> Result<String, Bad> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let known = text.starts_with(first)
        && text.len() <= 32
        && text.bytes().all(letter)
        && (!digits || text.parse::<u32>().is_ok_and(|id| id != u32::MAX));
    if known {
        return Ok(text.to_owned());
    }
    let fault = not(format_args!("{text:?}"), "a user");
    Err(fault.help("a user's name or number, for example `\"root\"` or `\"65534\"`"))
}

/// A name of a program or a user, without path or option.
pub fn plain_name(text: &str) -> Result<String, Bad> {
    if is_plain(text) {
        return Ok(text.to_owned());
    }
    Err(bad(
        format!("{text:?} is not a plain name"),
        "letters, digits, `.`, `_`, `+` and `-`, none of the last three first",
    ))
}

/// Whether a text is such a name.
pub fn is_plain(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 64
        && text.bytes().all(letter)
}

/// One of a closed set of words.
pub fn one_of<T: Copy>(text: &str, key: &str, words: &[(&'static str, T)]) -> Result<T, Bad> {
    if let Some(&(_, value)) = words.iter().find(|&&(word, _)| word == text) {
        return Ok(value);
    }
    let known = words.iter().map(|&(word, _)| word);
    let fault = bad(format!("`{key}` cannot be `{text}`"), "not a known word");
    Err(fault.help(suggest(text, "known words", known)))
}

pub(crate) fn hypervisor(text: &str) -> Result<HypervisorKind, Bad> {
    let known: Vec<_> = HypervisorKind::all()
        .map(|kind| (kind.row().name, kind))
        .collect();
    one_of(text, "hypervisor", &known)
}

/// The name of something that a machine may offer.
pub(crate) fn capability(text: &str) -> Result<String, Bad> {
    let names = capabilities().into_iter();
    let names: Vec<_> = names.map(|name| (name, name)).collect();
    one_of(text, "needs", &names).map(str::to_owned)
}

/// The `proto` of a route, as `ip route` prints it.
pub fn route_proto(text: &str) -> Result<String, Bad> {
    let protos = ["kernel", "boot", "static", "ra", "dhcp", "redirect"];
    one_of(text, "proto", &protos.map(|proto| (proto, proto))).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_no_path() {
        assert!(plain_name("qemu-system-x86_64").is_ok());
        assert!(plain_name("/bin/sh").is_err());
    }

    #[test]
    fn host_bits_belong_to_addresses_and_not_to_prefixes() {
        assert!(address("192.168.1.2/24").is_ok());
        assert!(prefix("192.168.1.0/24").is_ok());
        assert!(prefix("::/0").is_ok());
        let fault = prefix("2001:db8::a/64").unwrap_err();
        assert_eq!(fault.help.as_deref(), Some("the prefix is `2001:db8::/64`"));
        assert!(prefix_v6("10.0.0.0/8").is_err());
        assert!(address("192.168.1.2/33").is_err());
        assert!(ip("192.168.1.2/24").is_err());
    }

    #[test]
    fn waits_have_an_end() {
        assert_eq!(duration("1m 30s").unwrap(), Duration::from_secs(90));
        for text in ["", "0s", "2h", "thirty", "-1s", "99999999999999999999y"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn timers_are_what_the_kernel_can_count() {
        assert_eq!(timer("0s").unwrap(), Duration::ZERO);
        assert_eq!(timer("210ms").unwrap(), Duration::from_millis(210));
        for text in ["", "15", "5ms", "2days", "-1s"] {
            assert!(timer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn users_are_names_or_numbers() {
        for name in ["root", "_apt", "systemd-network", "0", "65534"] {
            assert_eq!(user(name).unwrap(), name);
        }
        for name in ["", "-a", "a b", "4294967295", "1x", "a:b"] {
            assert!(user(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn nothing_breaks_out_of_a_configuration_file() {
        for name in [
            "",
            ".",
            "a..b",
            "a.",
            "a b",
            "a\nb",
            "a/b",
            "a,b",
            &"a".repeat(64),
        ] {
            assert!(dns_name(name).is_err(), "{name:?}");
        }
        assert!(dns_name("_sip.tcp.example.test").is_ok());
        for key in [
            "kernel.panic",
            "net.",
            "net..a",
            "net.a/b",
            "net.a b",
            "net",
        ] {
            assert!(sysctl(key).is_err(), "{key:?}");
        }
        for name in ["", "-v", "../a", "a b", "a;b"] {
            assert!(image(name).is_err(), "{name:?}");
        }
    }
}
