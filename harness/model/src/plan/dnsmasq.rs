//! The router's dnsmasq: DNS, router advertisements and DHCP from one real daemon.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::scenario::{AdvertisedPrefix, DnsFault, Dnsmasq, RouterAdvertisement};

/// Log line by which dnsmasq says that its sockets are bound.
pub const STARTED: &str = "started, version";

/// Port on the machine's loopback where the responder answers what dnsmasq itself cannot: failures, silence, lateness.
pub const RESPONDER_PORT: u16 = 5300;

/// Interval of unsolicited router advertisements, in seconds. Guests solicit theirs; this is the fallback.
const RA_INTERVAL: u32 = 10;

/// dnsmasq's command line for a machine (dnsmasq(8)).
///
/// It reads no file of the machine it runs on: only these names, this range and this prefix.
pub fn command(config: &Dnsmasq) -> Vec<String> {
    let mut command: Vec<String> = [
        "dnsmasq",
        "--keep-in-foreground",
        "--log-facility=-",
        "--log-queries",
        "--log-dhcp",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--no-resolv",
        "--no-ping",
        "--leasefile-ro",
        "--pid-file",
        // Not `--bind-interfaces`: the interface may be one that networkd makes later.
        "--bind-dynamic",
        // It would change to a user of its own; in a user namespace that user may not exist.
        "--user=root",
        "--group=root",
    ]
    .map(str::to_owned)
    .to_vec();
    command.push(format!("--interface={}", config.interface));
    for (name, addresses) in &config.records {
        if config.faults.contains_key(name) {
            continue;
        }
        command.extend(host_records(name, addresses));
    }
    for (name, fault) in &config.faults {
        match fault {
            // A name that it is to know by itself, and does not.
            DnsFault::NxDomain => command.push(format!("--local=/{name}/")),
            // As of every name that it knows nothing about.
            DnsFault::Refused => {}
            DnsFault::ServFail | DnsFault::NoAnswer | DnsFault::Late(_) => {
                command.push(format!("--server=/{name}/127.0.0.1#{RESPONDER_PORT}"));
            }
        }
    }
    if let Some((first, last)) = config.dhcp {
        let lease = humantime::format_duration(Duration::from_secs(3600)).to_string();
        command.push(format!("--dhcp-range={first},{last},{lease}"));
    }
    for (option, values) in &config.dhcp_options {
        let name = match option.parse::<u8>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("option:{option}"),
        };
        let words = std::iter::once(name).chain(values.iter().cloned());
        let words: Vec<String> = words.collect();
        command.push(format!("--dhcp-option={}", words.join(",")));
    }
    if let Some(ra) = &config.ra {
        command.push("--enable-ra".to_owned());
        command.extend(ra.prefixes.iter().map(|prefix| range(ra, prefix)));
        command.push(format!(
            "--ra-param={},{RA_INTERVAL},{}",
            config.interface, ra.lifetime
        ));
        // Without the option it would advertise itself as DNS server; with an empty one it advertises none.
        let mut servers = "--dhcp-option=option6:dns-server".to_owned();
        for server in &ra.rdnss {
            servers.push_str(&format!(",[{server}]"));
        }
        command.push(servers);
    }
    command
}

/// A name's addresses: dnsmasq takes one IPv4 and one IPv6 address in each `--host-record`, of more only the last, and puts
/// all records of a name together in its answers.
fn host_records(name: &str, addresses: &[IpAddr]) -> Vec<String> {
    let (v4, v6): (Vec<&IpAddr>, Vec<&IpAddr>) = addresses.iter().partition(|one| one.is_ipv4());
    let lines = v4.len().max(v6.len()).max(1);
    let line = |at: usize| {
        let both = [v4.get(at), v6.get(at)].into_iter().flatten();
        let addresses: String = both.map(|address| format!(",{address}")).collect();
        format!("--host-record={name}{addresses}")
    };
    (0..lines).map(line).collect()
}

/// A prefix with its flags: dnsmasq(8) has them as words of a DHCPv6 range.
fn range(ra: &RouterAdvertisement, advertised: &AdvertisedPrefix) -> String {
    let prefix = advertised.prefix;
    let network = u128::from(prefix.network());
    let host = |number: u128| Ipv6Addr::from(network | number);
    let (addresses, mode) = match (advertised.autonomous, ra.managed, ra.other) {
        (true, true, _) => (Some((host(0x1000), host(0x1fff))), Some("slaac")),
        (false, ..) => (Some((host(0x1000), host(0x1fff))), None),
        (true, false, true) => (None, Some("ra-stateless")),
        (true, false, false) => (None, Some("ra-only")),
    };
    let mut words = match addresses {
        Some((first, last)) => format!("--dhcp-range={first},{last}"),
        None => format!("--dhcp-range={}", prefix.network()),
    };
    for word in mode
        .into_iter()
        .chain((!advertised.on_link).then_some("off-link"))
    {
        words.push_str(&format!(",{word}"));
    }
    let lifetime = if advertised.deprecated {
        "deprecated".to_owned()
    } else {
        lifetime(advertised.lifetime)
    };
    format!("{words},{},{lifetime}", prefix.prefix_len())
}

/// A lifetime as dnsmasq takes it: `24h`, `30m`, `90`.
fn lifetime(time: Duration) -> String {
    match time.as_secs() {
        hours if hours % 3600 == 0 => format!("{}h", hours / 3600),
        minutes if minutes % 60 == 0 => format!("{}m", minutes / 60),
        seconds => seconds.to_string(),
    }
}

/// What the machine's responder says to the queries that dnsmasq passes on to it: name, fault, and the right answer.
pub fn responses(config: &Dnsmasq) -> BTreeMap<String, (DnsFault, Vec<IpAddr>)> {
    let faults = config.faults.iter().filter(|(_, fault)| {
        matches!(
            fault,
            DnsFault::ServFail | DnsFault::NoAnswer | DnsFault::Late(_)
        )
    });
    let right = |name: &String| config.records.get(name).cloned().unwrap_or_default();
    faults
        .map(|(name, fault)| (name.clone(), (*fault, right(name))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::names::IfName;

    /// The base topology's router.
    fn base() -> Dnsmasq {
        let addresses = |list: [&str; 2]| list.map(|a| a.parse().expect("an address")).to_vec();
        let www = addresses(["203.0.113.80", "2001:db8:ffff::80"]);
        let router = addresses(["192.168.1.1", "2001:db8::1"]);
        Dnsmasq {
            interface: IfName::try_from("lan0").expect("a name"),
            records: BTreeMap::from([
                ("www.internet.test".to_owned(), www),
                ("router.lan.test".to_owned(), router),
            ]),
            ra: Some(RouterAdvertisement {
                prefixes: vec![AdvertisedPrefix::usual(
                    "2001:db8::/64".parse().expect("a prefix"),
                )],
                managed: false,
                other: false,
                rdnss: vec!["2001:db8::1".parse().expect("an address")],
                lifetime: 1800,
            }),
            dhcp: None,
            dhcp_options: BTreeMap::new(),
            faults: BTreeMap::new(),
        }
    }

    #[test]
    fn every_address_of_a_name_is_in_a_record() {
        let addresses = [
            "192.0.2.1",
            "2001:db8::1",
            "192.0.2.2",
            "192.0.2.3",
            "2001:db8::2",
        ];
        let addresses = addresses.map(|one| one.parse().expect("an address"));
        let lines = [
            "--host-record=www.test,192.0.2.1,2001:db8::1",
            "--host-record=www.test,192.0.2.2,2001:db8::2",
            "--host-record=www.test,192.0.2.3",
        ];
        assert_eq!(host_records("www.test", &addresses), lines);
        let v6 = &addresses[1..2];
        assert_eq!(
            host_records("v6.test", v6),
            ["--host-record=v6.test,2001:db8::1"]
        );
        assert_eq!(host_records("none.test", &[]), ["--host-record=none.test"]);
    }

    /// dnsmasq(8), `--dhcp-range`: each flag of an advertisement is a word of the range, or its absence.
    #[test]
    fn every_flag_of_an_advertisement_is_a_word_of_the_range() {
        let usual = AdvertisedPrefix::usual("fd00:1::/64".parse().expect("a prefix"));
        let ra = |managed, other| RouterAdvertisement {
            prefixes: Vec::new(),
            rdnss: Vec::new(),
            lifetime: 0,
            managed,
            other,
        };
        let slaac = |autonomous| AdvertisedPrefix {
            autonomous,
            ..usual.clone()
        };
        let deprecated = AdvertisedPrefix {
            deprecated: true,
            on_link: false,
            ..usual.clone()
        };
        let short = AdvertisedPrefix {
            lifetime: Duration::from_secs(150),
            ..usual.clone()
        };
        for (flags, prefix, words) in [
            ((false, false), slaac(true), "fd00:1::,ra-only,64,24h"),
            ((false, true), slaac(true), "fd00:1::,ra-stateless,64,24h"),
            (
                (true, true),
                slaac(true),
                "fd00:1::1000,fd00:1::1fff,slaac,64,24h",
            ),
            (
                (true, true),
                slaac(false),
                "fd00:1::1000,fd00:1::1fff,64,24h",
            ),
            (
                (false, false),
                deprecated,
                "fd00:1::,ra-only,off-link,64,deprecated",
            ),
            ((false, false), short, "fd00:1::,ra-only,64,150"),
        ] {
            let range = range(&ra(flags.0, flags.1), &prefix);
            assert_eq!(range, format!("--dhcp-range={words}"));
        }
    }

    #[test]
    fn what_is_served_is_what_the_command_line_says() {
        let no_ra = Dnsmasq { ra: None, ..base() };
        let range = ["192.168.1.100", "192.168.1.200"].map(|a| a.parse().expect("an address"));
        let dhcp = Dnsmasq {
            dhcp: Some(range.into()),
            ..base()
        };
        let dhcp = Dnsmasq {
            dhcp_options: BTreeMap::from([
                ("router".to_owned(), Vec::new()),
                ("mtu".to_owned(), vec!["1400".to_owned()]),
                (
                    "121".to_owned(),
                    ["10.0.0.0/8", "192.168.1.9"].map(str::to_owned).to_vec(),
                ),
            ]),
            ..dhcp
        };
        let faults = Dnsmasq {
            faults: BTreeMap::from([
                ("www.internet.test".to_owned(), DnsFault::ServFail),
                (
                    "router.lan.test".to_owned(),
                    DnsFault::Late(Duration::from_secs(2)),
                ),
                ("gone.test".to_owned(), DnsFault::NxDomain),
                ("mute.test".to_owned(), DnsFault::NoAnswer),
            ]),
            ra: None,
            ..base()
        };
        let configs = [
            ("base", base()),
            ("no-ra", no_ra),
            ("dhcp", dhcp),
            ("faults", faults),
        ];
        for (name, config) in configs {
            insta::assert_snapshot!(format!("argv-{name}"), command(&config).join("\n"));
        }
    }
}
