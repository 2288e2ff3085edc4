//! What came of router advertisements: `ip -j addr` and `ip -j -6 route`.

use futures_util::FutureExt;
use ipnet::Ipv6Net;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, entries, from_advertisement, text, trouble};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

/// A router advertisement was accepted: an address in `prefix` beside the static ones, past duplicate
/// address detection, and a default route with `proto ra`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaAccepted {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Prefix of the SLAAC address.
    pub prefix: Ipv6Net,
}

impl Declared for RaAccepted {
    const KEYS: TableKeys = table_keys(
        "ra_accepted",
        "there is an address in the prefix beside the static ones, and a default route by advertisement",
        &[
            may("interface", KeyType::INTERFACE, "any", "interface"),
            must("prefix", KeyType::IPV6_PREFIX, "prefix of the address"),
        ],
    );
    const HOLDS: &'static str = "there is an address in the prefix beside the static ones, and a default route by advertisement";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let interface = asked.interface();
        let prefix = reader.need("prefix", reader.word("prefix", parse::prefix_v6));
        Some(Self {
            interface,
            prefix: prefix?.value,
        })
    }
}

impl Kind for RaAccepted {
    fn expected(&self) -> String {
        format!(
            "an address of {} from an advertisement, and a default route with proto ra",
            self.prefix
        )
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let link = at.any_link(self.interface.as_ref()).await?;
            let links = at.json(&["ip", "-j", "addr"]).await?;
            let routes = at.json(&["ip", "-j", "-6", "route"]).await?;
            Ok(judge(&links, &routes, link.as_deref(), self.prefix))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        self.interface.iter().cloned().collect()
    }
}

/// Judges `ip -j addr` and `ip -j -6 route`: an address of the prefix that networkd or the kernel made from an
/// advertisement, and a default route that came from one.
fn judge(links: &Value, routes: &Value, interface: Option<&str>, prefix: Ipv6Net) -> Verdict {
    let address = entries(links, interface).find(|(_, entry)| {
        let local = text(entry, "local").parse::<std::net::Ipv6Addr>();
        local.is_ok_and(|local| prefix.contains(&local)) && from_advertisement(entry)
    });
    let Some((link, entry)) = address else {
        return Verdict::violated(format!("no address of {prefix} from an advertisement"));
    };
    let local = text(entry, "local");
    if let Some(trouble) = trouble(entry) {
        return Verdict::violated(format!("{local} on {link} is {trouble}"));
    }
    let is_ra = |route: &&Value| route["dst"] == "default" && route["protocol"] == "ra";
    match array(routes).find(is_ra) {
        Some(route) => Verdict::holds(format!(
            "{local} on {link}, default via {} proto ra",
            text(route, "gateway")
        )),
        None => Verdict::violated(format!(
            "{local} on {link}, but no default route with proto ra"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::iproute2::tests::addresses;
    use serde_json::json;

    #[test]
    fn a_static_address_is_no_proof_of_an_advertisement() {
        let prefix = "2001:db8::/64".parse().expect("prefix");
        let ra = json!([{"dst": "default", "gateway": "fe80::1", "dev": "eth0", "protocol": "ra"}]);
        assert!(judge(&addresses(), &ra, Some("eth0"), prefix).holds);
        assert!(!judge(&addresses(), &json!([]), Some("eth0"), prefix).holds);
        assert!(!judge(&addresses(), &ra, Some("veth1"), prefix).holds);
        // A router that advertises its prefix for ever leaves no lifetime to see.
        let forever = json!([{"ifname": "br0", "addr_info": [
            {"local": "2001:db8::1:2", "prefixlen": 64, "scope": "global", "mngtmpaddr": true, "noprefixroute": true}
        ]}]);
        assert!(judge(&forever, &ra, None, prefix).holds);
    }
}
