//! The VLANs of bridge ports: `bridge -j vlan show`.

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::array;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;

/// A VLAN of a bridge port: `bridge vlan show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeVlan {
    /// Port, or the bridge itself.
    pub interface: IfName,
    /// VLAN.
    pub vlan: u16,
    /// Whether untagged frames that come in belong to it, when that matters.
    pub pvid: Option<bool>,
    /// Whether its frames go out untagged, when that matters.
    pub untagged: Option<bool>,
    /// The port must not be in it.
    pub absent: bool,
}

impl Declared for BridgeVlan {
    const KEYS: TableKeys = table_keys(
        "bridge_vlan",
        "`bridge vlan` has the port in the VLAN",
        &[
            must("interface", KeyType::INTERFACE, "port"),
            must("vlan", KeyType::Integer(1, 4094), "VLAN"),
            may("pvid", KeyType::Flag, "any", "VLAN of untagged frames"),
            may("untagged", KeyType::Flag, "any", "leaves untagged"),
            ABSENT,
        ],
    );
    const HOLDS: &'static str = "`bridge vlan` has the port in the VLAN";
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("`bridge`"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let absent = asked.not_with_absent(&["pvid", "untagged"]);
        let interface = reader.need("interface", asked.interface());
        let vlan = reader.need("vlan", reader.number::<u16>("vlan"));
        let (pvid, untagged) = (reader.flag("pvid"), reader.flag("untagged"));
        Some(Self {
            interface: interface?,
            vlan: vlan?,
            pvid,
            untagged,
            absent,
        })
    }
}

impl Kind for BridgeVlan {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        self.absent
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let port = at.link(self.interface.as_ref()).await?;
            let ports = at.json(&["bridge", "-j", "vlan", "show"]).await?;
            Ok(judge(&ports, &port, self))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        vec![self.interface.clone()]
    }

    fn lacking(&self) -> Vec<&IfName> {
        vec![&self.interface]
    }
}

/// Judges `bridge -j vlan show`; `name` is the port's name at the vantage.
fn judge(ports: &Value, name: &str, wanted: &BridgeVlan) -> Verdict {
    let (shown, vlan) = (&wanted.interface, u64::from(wanted.vlan));
    let Some(port) = array(ports).find(|port| port["ifname"] == name) else {
        return match wanted.absent {
            true => Verdict::holds(format!("{shown} has no VLANs")),
            false => Verdict::violated(format!("{shown} has no VLANs")),
        };
    };
    // iproute2 prints a range of VLANs as one entry with an end.
    let entry = array(&port["vlans"]).find(|entry| {
        let first = entry["vlan"].as_u64().unwrap_or_default();
        let last = entry["vlanEnd"].as_u64().unwrap_or(first);
        (first..=last).contains(&vlan)
    });
    let Some(entry) = entry else {
        let others: Vec<String> = array(&port["vlans"])
            .map(|entry| entry["vlan"].to_string())
            .collect();
        let got = format!(
            "{shown} is not in VLAN {vlan}, but in {}",
            others.join(", ")
        );
        return match wanted.absent {
            true => Verdict::holds(got),
            false => Verdict::violated(got),
        };
    };
    let has = |flag: &str| array(&entry["flags"]).any(|one| one == flag);
    let (pvid, untagged) = (has("PVID"), has("Egress Untagged"));
    let got = format!(
        "{shown} is in VLAN {vlan}, {}, {}",
        if pvid { "pvid" } else { "not pvid" },
        if untagged { "untagged" } else { "tagged" }
    );
    let right = !wanted.absent
        && wanted.pvid.is_none_or(|wanted| wanted == pvid)
        && wanted.untagged.is_none_or(|wanted| wanted == untagged);
    match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    }
}

/// What is wanted of a port's VLANs, in words.
fn expected(wanted: &BridgeVlan) -> String {
    let not = if wanted.absent { "not " } else { "" };
    let flag = |name: &str, flag: Option<bool>| match flag {
        None => String::new(),
        Some(true) => format!(", {name}"),
        Some(false) => format!(", not {name}"),
    };
    format!(
        "{} {not}in VLAN {}{}{}",
        wanted.interface,
        wanted.vlan,
        flag("pvid", wanted.pvid),
        flag("untagged", wanted.untagged)
    )
}
