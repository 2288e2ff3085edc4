//! networkd's view of a link, as `networkctl status LINK` tells it; only what is said is compared.

use std::net::IpAddr;

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::networkd_words::OPERATIONAL;
use crate::scenario::read::Bad;
use crate::scenario::{networkd_words, parse};

/// networkd's view of a link, as `networkctl status LINK` tells it; only what is said is compared.
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
        let domains = reader.words("domains", networkd_words::domain).into_iter();
        let domains = domains.map(|domain| domain.value).collect();
        let fact = |key, parse: fn(&str) -> Result<String, Bad>| {
            reader.word(key, parse).map(|word| word.value)
        };
        Some(Self {
            interface: interface?,
            setup: fact("setup", networkd_words::setup),
            operational: fact("operational", networkd_words::operational),
            online: fact("online", networkd_words::online),
            required_for_online: fact("required_for_online", networkd_words::required_for_online),
            dns: reader.entry("dns").map(|_| dns),
            domains: reader.entry("domains").map(|_| domains),
            file: fact("file", networkd_words::file),
        })
    }
}
