//! networkd's own view: the state files behind `networkctl list` (`/run/systemd/netif/links/IFINDEX`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::FutureExt;

use crate::check::Verdict;
use crate::check::ghosts::{self, Ghosts};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;
use crate::scenario::parse::{bad, one_of};
use crate::scenario::read::Bad;

/// networkd's view of a link, as `networkctl status LINK` tells it; a property that is `None` is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networkctl {
    /// Link.
    pub interface: IfName,
    /// SETUP column of `networkctl list`: `configured`, `unmanaged`, ...
    pub setup: Option<String>,
    /// OPERATIONAL column: `routable`, `enslaved`, ...
    pub operational: Option<String>,
    /// "Online state": `online`, `partial`, `offline`.
    pub online: Option<String>,
    /// `RequiredForOnline=` as it counts (systemd.network(5)): `yes`, `no`, or the operational state that it needs.
    pub required_for_online: Option<String>,
    /// "DNS": exactly these servers, in any order, those of leases and advertisements among them.
    pub dns: Option<Vec<IpAddr>>,
    /// "Search Domains": exactly these, in any order.
    pub domains: Option<Vec<String>>,
    /// "Network File": the name of the `.network` file that applies to the link.
    pub file: Option<String>,
}

impl Declared for Networkctl {
    const KEYS: TableKeys = table_keys(
        "networkctl",
        "networkd shows the link so; at least one of these",
        &[
            must("interface", KeyType::INTERFACE, "link"),
            may(
                "setup",
                KeyType::Words(&[
                    "pending",
                    "initialized",
                    "configuring",
                    "configured",
                    "unmanaged",
                    "failed",
                    "linger",
                ]),
                "any",
                "SETUP column of `networkctl list`",
            ),
            may(
                "operational",
                KeyType::Words(&OPERATIONAL),
                "any",
                "OPERATIONAL column of `networkctl list`",
            ),
            may(
                "online",
                KeyType::Words(&["online", "partial", "offline"]),
                "any",
                "\"Online state\" of `networkctl status`",
            ),
            may(
                "required_for_online",
                KeyType::Text,
                "any",
                "`RequiredForOnline=` as it counts: `\"yes\"`, `\"no\"`, or the operational state that it needs",
            ),
            may(
                "dns",
                KeyType::List(&KeyType::IP),
                "any",
                "DNS servers, in any order, those of leases and advertisements among them",
            ),
            may(
                "domains",
                KeyType::List(&KeyType::Text),
                "any",
                "search domains, in any order",
            ),
            may(
                "file",
                KeyType::Text,
                "any",
                "name of the `.network` file that applies to it",
            ),
        ],
    );
    const HOLDS: &'static str =
        "`networkctl status` shows all of them so, [see below](#what-networkd-says)";
    const LOOKS: Looks = Looks::networkd();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        const FACTS: [&str; 7] = [
            "setup",
            "operational",
            "online",
            "required_for_online",
            "dns",
            "domains",
            "file",
        ];
        let interface = reader.need("interface", asked.interface());
        asked.says_something(&FACTS);
        let dns = reader.words("dns", parse::ip).into_iter();
        let dns = dns.map(|server| server.value).collect();
        let domains = reader.words("domains", domain).into_iter();
        let domains = domains.map(|domain| domain.value).collect();
        let fact = |key, parse: fn(&str) -> Result<String, Bad>| {
            reader.word(key, parse).map(|word| word.value)
        };
        let listed = |key| {
            let word = reader.listed_word(key);
            word.map(|word| word.value.to_owned())
        };
        Some(Self {
            interface: interface?,
            setup: listed("setup"),
            operational: listed("operational"),
            online: listed("online"),
            required_for_online: fact("required_for_online", required_for_online),
            dns: reader.entry("dns").map(|_| dns),
            domains: reader.entry("domains").map(|_| domains),
            file: fact("file", file),
        })
    }
}

/// The operational states, from the least to the most.
const OPERATIONAL: [&str; 9] = [
    "missing",
    "off",
    "no-carrier",
    "dormant",
    "degraded-carrier",
    "carrier",
    "degraded",
    "enslaved",
    "routable",
];

/// Operational states that a TAP has by what its VMM does, and a veth when its other end is down.
const CARRIERLESS: [&str; 3] = ["off", "no-carrier", "dormant"];

impl Kind for Networkctl {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        (needs_no_carrier(self) && ghosts.is_tap(&self.interface))
            .then(|| ghosts::carrier_of_a_veth(&self.interface))
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let name = self.interface.as_ref();
            let link = at.link(name).await?;
            let output = at.exec(&["sh", "-c", READ_LINK, "sh", &link]).await?;
            Ok(judge(name, self, &output.stdout))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        vec![self.interface.clone()]
    }
}

/// Whether networkd must see a state that a link with carrier never has.
fn needs_no_carrier(wanted: &Networkctl) -> bool {
    let state = wanted.operational.as_deref();
    state.is_some_and(|state| CARRIERLESS.contains(&state))
        || wanted.online.as_deref() == Some("offline")
}

/// Prints a link's state file, and nothing where networkd has not written one yet; fails where there is no link `$1`.
pub(crate) const READ_LINK: &str = r#"index=$(cat "/sys/class/net/$1/ifindex") || exit 1
cat "/run/systemd/netif/links/$index" || :"#;

/// Whether networkd is still at work on a link, by the link's state file (`link_state_table` of systemd's `networkd-link.c`).
pub(crate) fn is_under_way(file: &str) -> bool {
    let mut lines = file.lines();
    let state = lines.find_map(|line| line.strip_prefix("ADMIN_STATE="));
    state.is_none_or(|state| ["pending", "initialized", "configuring"].contains(&state))
}

/// Judges a link's state file.
fn judge(interface: &str, wanted: &Networkctl, file: &str) -> Verdict {
    let value = |key: &str| {
        file.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or("unknown")
    };
    let (setup, operational) = (value("ADMIN_STATE"), value("OPER_STATE"));
    let mut right = wanted.setup.as_ref().is_none_or(|it| it == setup)
        && wanted
            .operational
            .as_ref()
            .is_none_or(|it| it == operational);
    let mut got = format!("{interface} is {operational} ({setup})");
    let mut fact = |key: &str, seen: String, holds: bool| {
        got.push_str(&format!(", {key} {seen}"));
        right &= holds;
    };
    if let Some(wanted) = &wanted.online {
        let online = value("ONLINE_STATE");
        fact(ONLINE, online.to_owned(), wanted == online);
    }
    if let Some(wanted) = &wanted.required_for_online {
        let required = value("REQUIRED_FOR_ONLINE");
        let state = value("REQUIRED_OPER_STATE_FOR_ONLINE");
        let (seen, holds) = match (wanted.as_str(), required) {
            (wanted @ ("yes" | "no"), required) => (required, wanted == required),
            (wanted, "yes") => (state, wanted == state),
            (_, required) => (required, false),
        };
        fact(REQUIRED, seen.to_owned(), holds);
    }
    if let Some(wanted) = &wanted.dns {
        let servers = dns_servers(file);
        let holds = servers.iter().collect::<BTreeSet<_>>() == wanted.iter().collect();
        fact(DNS, listed(&servers), holds);
    }
    if let Some(wanted) = &wanted.domains {
        let lines = file
            .lines()
            .filter_map(|line| line.strip_prefix("DOMAINS="));
        let domains: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        let holds = domains.iter().copied().collect::<BTreeSet<_>>()
            == wanted.iter().map(String::as_str).collect();
        fact(DOMAINS, listed(&domains), holds);
    }
    if let Some(wanted) = &wanted.file {
        let path = value("NETWORK_FILE");
        let name = path.rsplit('/').next().unwrap_or(path);
        fact(FILE, name.to_owned(), wanted == name);
    }
    match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    }
}

const ONLINE: &str = "online state";
const REQUIRED: &str = "required for online:";
const DNS: &str = "DNS";
const DOMAINS: &str = "search domains";
const FILE: &str = "network file";

/// How networkd should see a link, in words.
fn expected(wanted: &Networkctl) -> String {
    let any = |state: &Option<String>| state.as_deref().unwrap_or("any").to_owned();
    let states = format!("{} ({})", any(&wanted.operational), any(&wanted.setup));
    let mut text = format!("{} to be {states}", wanted.interface);
    let mut tell = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(", {key} {value}"));
        }
    };
    tell(ONLINE, wanted.online.clone());
    tell(REQUIRED, wanted.required_for_online.clone());
    tell(DNS, wanted.dns.as_deref().map(listed));
    tell(DOMAINS, wanted.domains.as_deref().map(listed));
    tell(FILE, wanted.file.clone());
    text
}

fn listed<T: ToString>(values: &[T]) -> String {
    match values {
        [] => "none".to_owned(),
        values => values
            .iter()
            .map(T::to_string)
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// The DNS servers in links' state files, as networkd hands them to systemd-resolved, each once and in order.
pub(super) fn dns_servers(files: &str) -> Vec<IpAddr> {
    let mut servers = Vec::new();
    let lines = files.lines().filter_map(|line| line.strip_prefix("DNS="));
    for word in lines.flat_map(str::split_whitespace) {
        // `ADDRESS[:PORT][%INTERFACE][#NAME]`, with brackets around a v6 address that has a port.
        let plain = word.split(['%', '#']).next().unwrap_or_default();
        let socket = plain
            .parse()
            .map(|socket: std::net::SocketAddr| socket.ip());
        if let Ok(server) = plain.parse().or(socket)
            && !servers.contains(&server)
        {
            servers.push(server);
        }
    }
    servers
}

/// What `RequiredForOnline=` takes: a boolean, an operational state, or two of them with a colon between.
fn required_for_online(text: &str) -> Result<String, Bad> {
    let mut parts = text.split(':');
    let two_states = parts.clone().count() == 2;
    if text == "yes" || text == "no" || two_states && parts.all(|part| OPERATIONAL.contains(&part))
    {
        return Ok(text.to_owned());
    }
    let known = OPERATIONAL.map(|state| (state, state));
    let word = one_of(text, "required_for_online", &known).map(str::to_owned);
    word.map_err(|fault| match text {
        "true" => fault.help("`\"yes\"`"),
        "false" => fault.help("`\"no\"`"),
        _ => fault,
    })
}

/// A search domain.
fn domain(text: &str) -> Result<String, Bad> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(bad(
        format!("{text:?} is not a search domain"),
        "one domain name",
    ))
}

/// The name of a `.network` file, without its folder.
fn file(text: &str) -> Result<String, Bad> {
    let stem = text.strip_suffix(".network").unwrap_or_default();
    if !stem.is_empty() && !stem.contains('/') {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not the name of a .network file"),
        "a name that ends in `.network`, without its folder",
    );
    Err(fault.help("for example `10-lan.network`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_under_way_until_networkd_has_done_with_it() {
        for state in ["pending", "initialized", "configuring"] {
            assert!(is_under_way(&format!("# private\nADMIN_STATE={state}\n")));
        }
        for state in ["configured", "unmanaged", "failed", "linger"] {
            assert!(!is_under_way(&format!("# private\nADMIN_STATE={state}\n")));
        }
        assert!(is_under_way(""), "networkd has not written anything yet");
    }

    #[test]
    fn servers_are_those_that_networkd_published() {
        let files = "OPER_STATE=carrier\nDNS=\n\nADMIN_STATE=configured\nDNS=192.168.1.1 [2001:db8::1]:53%eth0#x 192.168.1.1\nDNSSEC=no\n";
        let servers: Vec<String> = dns_servers(files).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.168.1.1", "2001:db8::1"]);
    }

    fn any() -> Networkctl {
        Networkctl {
            interface: "br0".try_into().expect("a name"),
            setup: None,
            operational: None,
            online: None,
            required_for_online: None,
            dns: None,
            domains: None,
            file: None,
        }
    }

    #[test]
    fn both_columns_count_when_they_matter() {
        let file =
            "# This is private data. Do not parse.\nADMIN_STATE=configuring\nOPER_STATE=routable\n";
        let routable = Networkctl {
            operational: Some("routable".to_owned()),
            ..any()
        };
        assert!(judge("br0", &routable, file).holds);
        let both = Networkctl {
            setup: Some("configured".to_owned()),
            ..routable
        };
        let verdict = judge("br0", &both, file);
        assert_eq!(verdict, Verdict::violated("br0 is routable (configuring)"));
        let verdict = judge("br0", &both, "");
        assert_eq!(verdict, Verdict::violated("br0 is unknown (unknown)"));
    }

    /// systemd 252's file of the page's br0.
    const BR0: &str = include_str!("../fixtures/systemd-252/link-br0");

    #[test]
    fn every_promise_of_a_unit_file_is_seen() {
        let wanted = Networkctl {
            online: Some("online".to_owned()),
            required_for_online: Some("routable".to_owned()),
            dns: Some(vec![
                "2001:db8::1".parse().expect("an address"),
                "192.168.1.1".parse().expect("an address"),
            ]),
            domains: Some(Vec::new()),
            file: Some("10-lan-bridge.network".to_owned()),
            ..any()
        };
        let told = "br0 is routable (configured), online state online, required for online: routable, \
                    DNS 192.168.1.1 2001:db8::1, search domains none, network file 10-lan-bridge.network";
        assert_eq!(judge("br0", &wanted, BR0), Verdict::holds(told));
        let told = "br0 to be any (any), online state online, required for online: routable, \
                    DNS 2001:db8::1 192.168.1.1, search domains none, network file 10-lan-bridge.network";
        assert_eq!(expected(&wanted), told);
        // Notice each line that is missing or has another value.
        for (line, other) in [
            (
                "REQUIRED_OPER_STATE_FOR_ONLINE=routable",
                "REQUIRED_OPER_STATE_FOR_ONLINE=degraded",
            ),
            ("REQUIRED_FOR_ONLINE=yes", "REQUIRED_FOR_ONLINE=no"),
            ("ONLINE_STATE=online", "ONLINE_STATE=offline"),
            ("DNS=192.168.1.1 2001:db8::1", "DNS=2001:db8::1"),
            (
                "DNS=192.168.1.1 2001:db8::1",
                "DNS=192.168.1.1 2001:db8::1 9.9.9.9",
            ),
            ("\nDOMAINS=", "\nDOMAINS=lan"),
            ("10-lan-bridge.network", "10-lan.network"),
        ] {
            let file = BR0.replacen(line, other, 1);
            assert_ne!(file, BR0, "{line}");
            assert!(!judge("br0", &wanted, &file).holds, "{other}");
        }
    }

    #[test]
    fn required_is_a_boolean_or_a_state() {
        let required = |wanted: &str| Networkctl {
            required_for_online: Some(wanted.to_owned()),
            ..any()
        };
        assert!(judge("br0", &required("yes"), BR0).holds);
        let told = "br0 is routable (configured), required for online: yes";
        assert_eq!(judge("br0", &required("no"), BR0), Verdict::violated(told));
        let not = BR0.replace("REQUIRED_FOR_ONLINE=yes", "REQUIRED_FOR_ONLINE=no");
        assert!(judge("br0", &required("no"), &not).holds);
        let told = "br0 is routable (configured), required for online: no";
        assert_eq!(
            judge("br0", &required("routable"), &not),
            Verdict::violated(told)
        );
    }

    #[test]
    fn required_for_online_is_what_the_unit_file_takes() {
        for good in ["yes", "no", "routable", "degraded-carrier:routable"] {
            assert_eq!(required_for_online(good).unwrap(), good);
        }
        for bad in ["", "maybe", "routable:", "a:b", "off:carrier:routable"] {
            assert!(required_for_online(bad).is_err(), "{bad}");
        }
        let help = required_for_online("true").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("`\"yes\"`"));
    }

    #[test]
    fn a_network_file_goes_by_its_name() {
        assert!(file("10-lan.network").is_ok());
        for bad in [
            "/etc/systemd/network/10-lan.network",
            ".network",
            "br0.netdev",
        ] {
            assert!(file(bad).is_err(), "{bad}");
        }
    }
}
