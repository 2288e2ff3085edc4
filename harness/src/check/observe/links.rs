//! Looking at links, as iproute2, networkd and Docker know them.

use std::time::Duration;

use serde_json::Value;

use super::Surroundings;
use crate::check::vantage::{in_container, says_no_container};
use crate::check::{ProbeError, Vantage, Verdict, ip};
use crate::deadline::Deadline;
use crate::host::networkd::wait_online_path;
use crate::scenario::check_kind;
use crate::scenario::names::IfName;
use crate::scenario::{AddressState, CheckKind};

pub(super) async fn optional_link(
    name: Option<&IfName>,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Option<String>, ProbeError> {
    match name {
        Some(name) => Ok(Some(
            link_name(name.as_ref(), from, surroundings, by).await?,
        )),
        None => Ok(None),
    }
}

/// The name of a link at a vantage. A guest's NIC goes by its name on the host side, which the guest does not know:
/// inside it is found by its MAC address.
///
/// # Errors
/// [`ProbeError`] when the guest cannot be asked, or has no such NIC.
pub async fn link_name(
    name: &str,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<String, ProbeError> {
    let (Vantage::Guest(_), true) = (from, surroundings.macs.contains_key(name)) else {
        return Ok(name.to_owned());
    };
    let links = json(from, &["ip", "-j", "link"], by).await?;
    name_in(&links, name, from, surroundings)
}

/// Whether the links are there that a check wants something to be absent from. Of one that is not there, neither a yes nor a
/// no says anything: its name may be wrong, or it is somewhere else.
///
/// # Errors
/// [`ProbeError::NoLink`] when one of them is not.
pub(super) async fn can_lack(
    kind: &CheckKind,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<(), ProbeError> {
    let named = lacking(kind);
    if named.is_empty() {
        return Ok(());
    }
    let links = json(from, &["ip", "-j", "link"], by).await?;
    for written in named {
        let name = name_in(&links, written.as_ref(), from, surroundings)?;
        if !has_link(&links, &name) {
            let why = format!("there is no {name}, so what it has not got shows nothing");
            let name = written.to_string();
            return Err(ProbeError::NoLink { name, why });
        }
    }
    Ok(())
}

/// Whether there is a link of that name in what `ip -j link` printed.
pub(super) fn has_link(links: &Value, name: &str) -> bool {
    let mut links = links.as_array().into_iter().flatten();
    links.any(|link| link["ifname"] == name)
}

/// The links that a check names, where it holds for the lack of something on them.
fn lacking(kind: &CheckKind) -> Vec<&IfName> {
    let named = match kind {
        CheckKind::Address(check_kind::Address {
            interface,
            state: AddressState::Absent,
            ..
        }) => [interface.as_ref(), None],
        CheckKind::Route(check_kind::Route {
            dev, absent: true, ..
        }) => [dev.as_ref(), None],
        CheckKind::Neighbour(wanted) if wanted.absent => [wanted.interface.as_ref(), None],
        CheckKind::Fdb(wanted) if wanted.absent => {
            [wanted.interface.as_ref(), wanted.bridge.as_ref()]
        }
        CheckKind::Mdb(wanted) if wanted.absent => {
            [wanted.interface.as_ref(), wanted.bridge.as_ref()]
        }
        CheckKind::BridgeVlan(wanted) if wanted.absent => [Some(&wanted.interface), None],
        _ => [None, None],
    };
    named.into_iter().flatten().collect()
}

/// As [`link_name`], from the links of the vantage.
pub(super) fn name_in(
    links: &Value,
    name: &str,
    from: &Vantage,
    surroundings: &Surroundings,
) -> Result<String, ProbeError> {
    let (Vantage::Guest(_), Some(mac)) = (from, surroundings.macs.get(name)) else {
        return Ok(name.to_owned());
    };
    let found = links
        .as_array()
        .into_iter()
        .flatten()
        .find(|link| link["address"] == mac.as_str());
    found
        .and_then(|link| link["ifname"].as_str())
        .map(str::to_owned)
        .ok_or_else(|| ProbeError::NoLink {
            name: name.to_owned(),
            why: format!("the guest has no NIC with `{name}`'s MAC address {mac}"),
        })
}

pub(super) async fn json(
    from: &Vantage,
    words: &[&str],
    by: Deadline,
) -> Result<Value, ProbeError> {
    let output = from.exec_in_net(words, by).await?;
    // iproute2 prints nothing at all for an empty table in some versions.
    if output.success() && output.stdout.trim().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    serde_json::from_str(&output.stdout).map_err(|_| ProbeError::Output {
        command: words.join(" "),
        printed: format!("{}{}", output.stdout, output.stderr)
            .trim()
            .to_owned(),
    })
}

pub(super) async fn wait_online(
    interface: Option<&str>,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let seconds = by.left().as_secs().clamp(1, 20).to_string();
    let timeout = format!("--timeout={seconds}");
    let program = match from {
        Vantage::Machine(_) => wait_online_path().to_string_lossy().into_owned(),
        _ => "/usr/lib/systemd/systemd-networkd-wait-online".to_owned(),
    };
    let mut words = vec![program.as_str(), timeout.as_str()];
    if let Some(interface) = interface {
        words.extend(["-i", interface]);
    }
    let started = std::time::Instant::now();
    let output = from.exec(&words, by.child(Duration::from_secs(40))).await?;
    Ok(if output.success() {
        Verdict::holds(format!("it returned after {:.1?}", started.elapsed()))
    } else {
        Verdict::violated(output.stderr.trim().to_owned())
    })
}

pub(super) async fn container_veth(
    container: &str,
    bridge: &str,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let words = in_container(container, &["cat", "/sys/class/net/eth0/iflink"]);
    let output = from.exec(&words, by).await?;
    if says_no_container(&output) {
        return Err(ProbeError::Absent(output.stderr.trim().to_owned()));
    }
    let Ok(index) = output.stdout.trim().parse() else {
        return Err(ProbeError::Output {
            command: words.join(" "),
            printed: format!("{}{}", output.stdout, output.stderr)
                .trim()
                .to_owned(),
        });
    };
    let links = json(from, &["ip", "-j", "-d", "addr"], by).await?;
    Ok(ip::judge_veth(&links, index, bridge))
}
