//! The veths of containers, by their index in `ip -j -d addr` of their guest.

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::{self, Ghosts};
use crate::check::iproute2::{array, from_advertisement, text};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::{Looking, odd};
use crate::check::vantage::in_container;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::{IfName, MachineName};

/// The container's veth in the guest is a port of Docker's bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerVeth {
    /// Container of the vantage's guest.
    pub container: MachineName,
    /// Bridge it must be a port of.
    pub bridge: IfName,
}

impl Declared for ContainerVeth {
    const KEYS: TableKeys = table_keys(
        "container_veth",
        "the container's veth is a port of the bridge; from the guest",
        &[
            must("container", KeyType::NAME, "container of the guest"),
            must("bridge", KeyType::INTERFACE, "Docker's bridge"),
        ],
    );
    const HOLDS: &'static str = "the container's veth is a port of the bridge; from the guest";
    const LOOKS: Looks = Looks::docker();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let container = asked.container("container");
        let bridge = reader.need("bridge", asked.interface_at("bridge"));
        Some(Self {
            container: container?,
            bridge: bridge?,
        })
    }
}

impl Kind for ContainerVeth {
    fn expected(&self) -> String {
        format!(
            "the veth of container {} to be a port of {}",
            self.container, self.bridge
        )
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.own().map(ghosts::no_docker)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let words = in_container(
                self.container.as_ref(),
                &["cat", "/sys/class/net/eth0/iflink"],
            );
            let output = at.exec(&words).await?;
            let index = output
                .stdout
                .trim()
                .parse()
                .map_err(|_| odd(&words, &output))?;
            let links = at.json(&["ip", "-j", "-d", "addr"]).await?;
            Ok(judge(&links, index, self.bridge.as_ref()))
        }
        .boxed_local()
    }
}

/// Judges a container's veth by its index in `ip -j -d addr` of the guest.
fn judge(links: &Value, index: u64, bridge: &str) -> Verdict {
    let Some(link) = array(links).find(|link| link["ifindex"] == index) else {
        return Verdict::violated(format!("there is no interface {index} in the guest"));
    };
    let name = text(link, "ifname");
    let master = link.get("master").and_then(Value::as_str);
    if master == Some(bridge) {
        return Verdict::holds(format!("{name} is a port of {bridge}"));
    }
    let carried: Vec<String> = array(&link["addr_info"])
        .filter(|entry| entry["scope"] == "global" && !from_advertisement(entry))
        .map(|entry| format!("{}/{}", text(entry, "local"), entry["prefixlen"]))
        .collect();
    let master = master.map_or_else(
        || "has no master".to_owned(),
        |master| format!("is a port of {master}"),
    );
    if carried.is_empty() {
        Verdict::violated(format!("{name} {master}"))
    } else {
        Verdict::violated(format!(
            "{name} {master} and carries {}",
            carried.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::iproute2::tests::addresses;

    #[test]
    fn a_stolen_veth_is_told_with_what_it_carries() {
        assert!(judge(&addresses(), 6, "docker0").holds);
        assert_eq!(
            judge(&addresses(), 5, "docker0").got,
            "veth1 has no master and carries 192.168.1.3/24"
        );
    }
}
