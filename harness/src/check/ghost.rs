//! Looks from a ghost guest: a machine of the lab whose NICs go by the names of the guest's TAPs.

use std::sync::Arc;

use super::{ProbeError, Since, Surroundings, Vantage, Verdict, look, look_since, networkd};
use crate::deadline::Deadline;
use crate::host::netns::Netns;
use crate::scenario::CheckKind;
use crate::scenario::check_kind;
use crate::scenario::names::IfName;

/// Looks once, as [`look_since`] does from a guest.
///
/// # Errors
/// [`ProbeError`] when it was not possible to look.
pub async fn look_from_ghost(
    kind: &CheckKind,
    ghost: &Arc<Netns>,
    surroundings: &Surroundings,
    since: Since,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let from = Vantage::Machine(Arc::clone(ghost));
    if let CheckKind::Dns(check_kind::Dns { server: None, .. }) = kind {
        return resolve(kind, &from, surroundings, by).await;
    }
    let mut kind = kind.clone();
    let interface = match &mut kind {
        CheckKind::RaAccepted(check_kind::RaAccepted { interface, .. })
        | CheckKind::Address(check_kind::Address { interface, .. })
        | CheckKind::WaitOnline(check_kind::WaitOnline { interface }) => interface.as_mut(),
        CheckKind::Networkctl(wanted) => Some(&mut wanted.interface),
        CheckKind::BridgePort(check_kind::BridgePort { interface, .. }) => Some(interface),
        CheckKind::Route(check_kind::Route { dev, .. }) => dev.as_mut(),
        CheckKind::Link(wanted) => Some(&mut wanted.interface),
        CheckKind::Neighbour(wanted) => wanted.interface.as_mut(),
        CheckKind::Fdb(wanted) => wanted.interface.as_mut(),
        CheckKind::Mdb(wanted) => wanted.interface.as_mut(),
        CheckKind::BridgeVlan(wanted) => Some(&mut wanted.interface),
        _ => None,
    };
    if let Some(interface) = interface
        && let Some(mac) = surroundings.macs.get(interface.as_ref())
    {
        *interface = nic_of_ghost(interface, mac, &from, by).await?;
    }
    look_since(&kind, &from, surroundings, since, by).await
}

/// The ghost's NIC with that MAC address, as a guest's is found.
///
/// # Errors
/// [`ProbeError::NoLink`] when it has none.
pub async fn nic_of_ghost(
    id: &IfName,
    mac: &str,
    from: &Vantage,
    by: Deadline,
) -> Result<IfName, ProbeError> {
    let words = ["ip", "-j", "link"];
    let output = from.exec(&words, by).await?;
    let links: serde_json::Value =
        serde_json::from_str(&output.stdout).map_err(|_| ProbeError::Output {
            command: words.join(" "),
            printed: format!("{}{}", output.stdout, output.stderr)
                .trim()
                .to_owned(),
        })?;
    let found = links
        .as_array()
        .into_iter()
        .flatten()
        .find(|link| link["address"] == mac)
        .and_then(|link| link["ifname"].as_str())
        .and_then(|name| IfName::try_from(name).ok());
    found.ok_or_else(|| ProbeError::NoLink {
        name: id.to_string(),
        why: format!("the ghost has no NIC with `{id}`'s MAC address {mac}"),
    })
}

/// The guest's own resolver, as far as a ghost has one: the servers that its networkd published for it, in order.
///
/// systemd-resolved asks the first of them and goes on to the next when there is no answer.
async fn resolve(
    kind: &CheckKind,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let published = ["sh", "-c", "cat /run/systemd/netif/links/*"];
    let state = from.exec(&published, by).await?;
    let mut last = Verdict::violated("networkd has published no DNS server");
    for server in networkd::dns_servers(&state.stdout) {
        let mut asked = kind.clone();
        if let CheckKind::Dns(check_kind::Dns { server: whom, .. }) = &mut asked {
            *whom = Some(server);
        }
        last = look(&asked, from, surroundings, by).await?;
        last.got = format!(
            "{} (asked {server}, networkd's DNS; no resolved here)",
            last.got
        );
        if last.holds {
            break;
        }
    }
    Ok(last)
}
