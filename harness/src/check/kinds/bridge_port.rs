//! Forwarding ports of bridges: `ip -j -d link`.

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::array;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::IfName;

/// `bridge link`: the interface is a port of the bridge and forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgePort {
    /// Port.
    pub interface: IfName,
    /// Its master.
    pub bridge: IfName,
}

impl Declared for BridgePort {
    const KEYS: TableKeys = table_keys(
        "bridge_port",
        "the interface is a forwarding port of the bridge",
        &[
            must("interface", KeyType::INTERFACE, "port"),
            must("bridge", KeyType::INTERFACE, "its master"),
        ],
    );
    const HOLDS: &'static str = "the interface is a forwarding port of the bridge";
    const LOOKS: Looks = Looks::machine_or_guest(|_| None);

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let port = reader.need("interface", asked.interface());
        let bridge = reader.need("bridge", asked.interface_at("bridge"));
        Some(Self {
            interface: port?,
            bridge: bridge?,
        })
    }
}

impl Kind for BridgePort {
    fn expected(&self) -> String {
        format!(
            "{} to be a forwarding port of {}",
            self.interface, self.bridge
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
            let port = at.link(self.interface.as_ref()).await?;
            let links = at.json(&["ip", "-j", "-d", "link"]).await?;
            Ok(judge(&links, &port, self.bridge.as_ref()))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        vec![self.interface.clone()]
    }
}

/// Judges `ip -j -d link`: the interface is a forwarding port of the bridge.
fn judge(links: &Value, interface: &str, bridge: &str) -> Verdict {
    let Some(link) = array(links).find(|link| link["ifname"] == interface) else {
        return Verdict::violated(format!("there is no {interface}"));
    };
    let Some(master) = link.get("master").and_then(Value::as_str) else {
        return Verdict::violated(format!("{interface} has no master"));
    };
    let state = link["linkinfo"]["info_slave_data"]["state"]
        .as_str()
        .unwrap_or("unknown");
    let got = format!("{interface} is a port of {master}, {state}");
    if master == bridge && state == "forwarding" {
        Verdict::holds(got)
    } else {
        Verdict::violated(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_needs_its_master_and_must_forward() {
        let links = json!([
            {"ifname": "vm-test1", "master": "br0", "linkinfo": {"info_slave_data": {"state": "forwarding"}}},
            {"ifname": "vm-test2", "master": "br0", "linkinfo": {"info_slave_data": {"state": "learning"}}},
            {"ifname": "my-microvm"}
        ]);
        assert!(judge(&links, "vm-test1", "br0").holds);
        assert!(!judge(&links, "vm-test1", "br1").holds);
        assert_eq!(
            judge(&links, "vm-test2", "br0").got,
            "vm-test2 is a port of br0, learning"
        );
        assert_eq!(
            judge(&links, "my-microvm", "br0").got,
            "my-microvm has no master"
        );
        assert_eq!(judge(&links, "vm-test9", "br0").got, "there is no vm-test9");
    }
}
