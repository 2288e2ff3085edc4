//! The router's dnsmasq: DNS, router advertisements and DHCP from one real daemon.

use std::time::Duration;

use crate::scenario::Dnsmasq;

/// Log line by which dnsmasq says that its sockets are bound.
pub const STARTED: &str = "started, version";

/// Interval of unsolicited router advertisements, in seconds. Guests solicit theirs; this is the fallback.
const RA_INTERVAL: u32 = 10;

/// Lifetime of the advertised prefix, as home routers give it. dnsmasq's own default is for ever.
const PREFIX_LIFETIME: &str = "24h";

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
        "--bind-interfaces",
        // It would change to a user of its own; in a user namespace that user may not exist.
        "--user=root",
        "--group=root",
    ]
    .map(str::to_owned)
    .to_vec();
    command.push(format!("--interface={}", config.interface));
    for (name, addresses) in &config.records {
        let mut record = format!("--host-record={name}");
        for address in addresses {
            record.push(',');
            record.push_str(&address.to_string());
        }
        command.push(record);
    }
    if let Some((first, last)) = config.dhcp {
        let lease = humantime::format_duration(Duration::from_secs(3600)).to_string();
        command.push(format!("--dhcp-range={first},{last},{lease}"));
    }
    if let Some(ra) = &config.ra {
        command.push("--enable-ra".to_owned());
        command.push(format!(
            "--dhcp-range={},ra-only,{},{PREFIX_LIFETIME}",
            ra.prefix.network(),
            ra.prefix.prefix_len()
        ));
        command.push(format!(
            "--ra-param={},{RA_INTERVAL},{}",
            config.interface, ra.lifetime
        ));
        if !ra.rdnss.is_empty() {
            let servers: Vec<String> = ra
                .rdnss
                .iter()
                .map(|server| format!("[{server}]"))
                .collect();
            command.push(format!(
                "--dhcp-option=option6:dns-server,{}",
                servers.join(",")
            ));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scenario::RouterAdvertisement;
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
                prefix: "2001:db8::/64".parse().expect("a prefix"),
                rdnss: vec!["2001:db8::1".parse().expect("an address")],
                lifetime: 1800,
            }),
            dhcp: None,
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
        for (name, config) in [("base", base()), ("no-ra", no_ra), ("dhcp", dhcp)] {
            insta::assert_snapshot!(format!("argv-{name}"), command(&config).join("\n"));
        }
    }
}
