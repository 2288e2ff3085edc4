//! One look at the network: runs what a check needs at its vantage and has it judged. One kind of look in each file.

mod dns;
mod http;
mod links;
mod ssh;
mod tcp;
mod vmm;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::{ProbeError, Vantage, Verdict, ip, networkd, ping, router_advert};
use crate::deadline::Deadline;
use crate::host::capture::Capture;
use crate::scenario::CheckKind;
use links::{json, optional_link};

pub use links::link_name;

pub use vmm::Vmm;

/// How long one attempt may wait for the network's answer.
const ANSWER: Duration = Duration::from_secs(3);

/// What checks need to know beyond their vantage.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Captures, by interface name of the machine or the guest's host side.
    pub captures: BTreeMap<String, Capture>,
    /// MAC addresses of guests' NICs, by their name on the host side.
    pub macs: BTreeMap<String, String>,
    /// Frames that came before this are not looked at: a check after a step is about what came after it.
    pub since: Option<SystemTime>,
    /// SSH host keys given to guests, in base64.
    pub host_keys: BTreeMap<String, String>,
    /// The VMMs that were started, by guest.
    pub vmms: BTreeMap<String, Vmm>,
}

/// Looks once.
///
/// # Errors
/// [`ProbeError`] when it was not possible to look.
pub async fn look(
    kind: &CheckKind,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    match kind {
        CheckKind::Ping { to } => {
            let address = to.to_string();
            let mut words = vec!["ping", "-n", "-c", "1", "-W", "1", &address];
            if matches!(from, Vantage::Container { .. }) {
                // busybox has no -n; it never resolves.
                words.remove(1);
            }
            let output = from.exec(&words, by).await?;
            Ok(ping::judge(*to, &output.stdout, &output.stderr))
        }
        CheckKind::Dns {
            name,
            record,
            server,
            expect,
        } => {
            let answer = dns::resolve(name, *record, *server, from, by).await?;
            Ok(super::dns::judge(name, expect, &answer))
        }
        CheckKind::RouterAdvert {
            interface,
            prefix,
            autonomous,
            managed,
            other,
            min_lifetime,
            rdnss,
        } => {
            let capture = surroundings
                .captures
                .get(interface.as_ref())
                .ok_or_else(|| {
                    ProbeError::Impossible(format!(
                        "there is no capture on the wire of `{interface}`"
                    ))
                })?;
            let seen = capture.filter_map(|frame| {
                let counts = surroundings.since.is_none_or(|since| frame.at >= since);
                counts.then(|| router_advert::parse(&frame.bytes)).flatten()
            });
            let wanted = router_advert::Wanted {
                prefix: *prefix,
                autonomous: *autonomous,
                managed: *managed,
                other: *other,
                min_lifetime: *min_lifetime,
                rdnss,
            };
            Ok(router_advert::judge(wanted, &seen))
        }
        CheckKind::RaAccepted { interface, prefix } => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            let links = json(from, &["ip", "-j", "addr"], by).await?;
            let routes = json(from, &["ip", "-j", "-6", "route"], by).await?;
            Ok(ip::judge_ra_accepted(
                &links,
                &routes,
                link.as_deref(),
                *prefix,
            ))
        }
        CheckKind::Tcp { to, port } => tcp::look(*to, *port, from, by).await,
        CheckKind::Http { to, port, expect } => http::look(*to, *port, expect, from, by).await,
        CheckKind::Ssh { to, guest } => {
            let key = surroundings.host_keys.get(guest.as_ref()).ok_or_else(|| {
                ProbeError::Impossible(format!("guest `{guest}` was given no SSH host key"))
            })?;
            ssh::look(*to, key, from, by).await
        }
        CheckKind::Address { interface, address } => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            let links = json(from, &["ip", "-j", "addr"], by).await?;
            Ok(ip::judge_address(&links, link.as_deref(), *address))
        }
        CheckKind::Route { to, via, proto } => {
            let family = if to.addr().is_ipv4() { "-4" } else { "-6" };
            let routes = json(from, &["ip", "-j", family, "route"], by).await?;
            Ok(ip::judge_route(&routes, *to, *via, proto.as_deref()))
        }
        CheckKind::BridgePort { interface, bridge } => {
            let links = json(from, &["ip", "-j", "-d", "link"], by).await?;
            Ok(ip::judge_port(&links, interface.as_ref(), bridge.as_ref()))
        }
        CheckKind::Networkctl {
            interface,
            setup,
            operational,
        } => {
            let link = link_name(interface.as_ref(), from, surroundings, by).await?;
            let line = format!("cat /run/systemd/netif/links/$(cat /sys/class/net/{link}/ifindex)");
            let output = from.exec(&["sh", "-c", &line], by).await?;
            Ok(networkd::judge(
                interface.as_ref(),
                setup.as_deref(),
                operational.as_deref(),
                &output.stdout,
            ))
        }
        CheckKind::WaitOnline { interface } => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            links::wait_online(link.as_deref(), from, by).await
        }
        CheckKind::ContainerVeth { container, bridge } => {
            links::container_veth(container.as_ref(), bridge.as_ref(), from, by).await
        }
        CheckKind::Vmm { guest, refused } => {
            let seen = vmm::look(surroundings.vmms.get(guest.as_ref())).await;
            Ok(super::vmm::judge(refused.as_deref(), &seen))
        }
    }
}
