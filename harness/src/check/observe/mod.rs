//! One look at the network: runs what a check needs at its vantage and has it judged. One kind of look in each file.

mod bridge_tables;
mod container;
mod dns;
mod filters;
mod from_source;
mod http;
mod links;
mod local;
mod packet;
mod ssh;
mod tcp;
mod vmm;

pub use container::ContainerStart;
pub use filters::filter_faults;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::source::Ends;
use super::{
    ProbeError, Vantage, Verdict, address, dad, ip, link, neighbour, networkd, ping, route,
    router_advert,
};
use crate::deadline::Deadline;
use crate::host::capture::Capture;
use crate::host::intake::Intake;
use crate::scenario::CheckKind;
use crate::scenario::check_kind;
use links::{json, optional_link};

pub use links::link_name;

pub use vmm::Vmm;

/// How long one attempt may wait for the network's answer.
const ANSWER: Duration = Duration::from_secs(3);

/// When the traffic began that a check is about.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// That moment; what `since = "check"` of `packet` means.
    pub begun: SystemTime,
    /// Whether nothing from before it counts, whatever the check says.
    pub only: bool,
}

impl Since {
    /// A check that begins now and is about whatever there was.
    pub fn now() -> Self {
        Self {
            begun: SystemTime::now(),
            only: false,
        }
    }

    /// Any time.
    pub const EVER: Self = Self {
        begun: UNIX_EPOCH,
        only: false,
    };
}

/// What checks need to know beyond their vantage.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Captures, by machine or guest and the name of its interface: a TAP by its name on the host, in both.
    pub captures: BTreeMap<(String, String), Capture>,
    /// MAC addresses of guests' NICs, by their name on the host side.
    pub macs: BTreeMap<String, String>,
    /// Frames that came before this are not looked at: a check after a step is about what came after it.
    pub since: Option<SystemTime>,
    /// SSH host keys given to guests, in base64.
    pub host_keys: BTreeMap<String, String>,
    /// The VMMs that were started, by guest.
    pub vmms: BTreeMap<String, Vmm>,
    /// The containers whose start was asked of Docker, by guest and name.
    pub containers: BTreeMap<(String, String), ContainerStart>,
    /// What comes in at the lab's web servers.
    pub intake: Arc<Intake>,
}

impl Surroundings {
    /// The capture on the wire of an interface at a vantage.
    fn capture(&self, from: &Vantage, interface: &str) -> Result<&Capture, ProbeError> {
        let key = (from.owner().to_owned(), interface.to_owned());
        self.captures.get(&key).ok_or_else(|| {
            ProbeError::Impossible(format!("there is no capture on the wire of `{interface}`"))
        })
    }
}

/// Looks once, at something that has no beginning.
///
/// # Errors
/// [`ProbeError`] when it was not possible to look.
pub async fn look(
    kind: &CheckKind,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    look_since(kind, from, surroundings, Since::EVER, by).await
}

/// Looks once, for a check whose traffic began at that time.
///
/// # Errors
/// [`ProbeError`] when it was not possible to look.
pub async fn look_since(
    kind: &CheckKind,
    from: &Vantage,
    surroundings: &Surroundings,
    since: Since,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    links::can_lack(kind, from, surroundings, by).await?;
    match kind {
        CheckKind::Ping(wanted) => {
            let words = ping::command(wanted, from.has_busybox_alone());
            let output = from.exec(&as_words(&words), by).await?;
            let judged = ping::judge(wanted, &output.stdout, &output.stderr);
            judged.map_err(|printed| ProbeError::Output {
                command: words.join(" "),
                printed,
            })
        }
        CheckKind::Dns(check_kind::Dns {
            name,
            record,
            server,
            source,
            expect,
        }) => {
            let answer = dns::resolve(name, *record, *server, *source, from, by).await?;
            Ok(super::dns::judge(name, expect, &answer))
        }
        CheckKind::RouterAdvert(check_kind::RouterAdvert {
            interface,
            prefix,
            autonomous,
            managed,
            other,
            min_lifetime,
            rdnss,
        }) => {
            let capture = surroundings.capture(from, interface.as_ref())?;
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
        CheckKind::RaAccepted(check_kind::RaAccepted { interface, prefix }) => {
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
        CheckKind::Tcp(check_kind::Tcp {
            to,
            port,
            source,
            bytes,
        }) => {
            let ends = Ends::new(*to, *port, *source);
            match bytes {
                None => tcp::look(ends, from, by).await,
                Some(bytes) => {
                    let intake = &surroundings.intake;
                    tcp::look_at_bytes(ends, *bytes, from, intake, by).await
                }
            }
        }
        CheckKind::Http(check_kind::Http {
            to,
            port,
            source,
            expect,
            bytes,
        }) => {
            let ends = Ends::new(*to, *port, *source);
            match bytes {
                None => http::look(ends, expect, from, by).await,
                Some(bytes) => http::look_at_bytes(ends, *bytes, from, by).await,
            }
        }
        CheckKind::Ssh(check_kind::Ssh { to, guest, source }) => {
            let key = surroundings.host_keys.get(guest.as_ref()).ok_or_else(|| {
                ProbeError::Impossible(format!("guest `{guest}` was given no SSH host key"))
            })?;
            ssh::look(*to, *source, key, from, by).await
        }
        CheckKind::Address(check_kind::Address {
            interface,
            address,
            any_of_prefix,
            state,
        }) => {
            let name = optional_link(interface.as_ref(), from, surroundings, by).await?;
            let links = json(from, &["ip", "-j", "addr"], by).await?;
            let name = name.as_deref();
            let mut verdict =
                address::judge_address(&links, name, *address, *any_of_prefix, *state);
            if let (Some(written), Some(name), IpAddr::V6(wanted)) =
                (interface.as_ref(), name, address.addr())
                && verdict.got.contains("is dadfailed")
                && let Ok(capture) = surroundings.capture(from, written.as_ref())
            {
                let own = address::mac_of(&links, name);
                let frames =
                    capture.filter_map(|frame| Some((frame.outgoing, frame.bytes.clone())));
                let frames = frames.iter().map(|(out, bytes)| (*out, bytes.as_slice()));
                if let Some(cause) = dad::cause(frames, wanted, own) {
                    verdict.got = format!("{}; on its wire: {cause}", verdict.got);
                }
            }
            Ok(verdict)
        }
        CheckKind::Route(check_kind::Route {
            to,
            via,
            proto,
            dev,
            metric,
            absent,
        }) => {
            let dev = optional_link(dev.as_ref(), from, surroundings, by).await?;
            let family = if to.addr().is_ipv4() { "-4" } else { "-6" };
            let routes = json(from, &["ip", "-j", family, "route"], by).await?;
            let wanted = route::WantedRoute {
                to: *to,
                via: *via,
                proto: proto.as_deref(),
                dev: dev.as_deref(),
                metric: *metric,
                absent: *absent,
            };
            Ok(route::judge_route(&routes, wanted))
        }
        CheckKind::BridgePort(check_kind::BridgePort { interface, bridge }) => {
            let links = json(from, &["ip", "-j", "-d", "link"], by).await?;
            Ok(ip::judge_port(&links, interface.as_ref(), bridge.as_ref()))
        }
        CheckKind::Networkctl(wanted) => {
            let name = wanted.interface.as_ref();
            let link = link_name(name, from, surroundings, by).await?;
            let words = ["sh", "-c", networkd::READ_LINK, "sh", &link];
            let output = from.exec(&words, by).await?;
            Ok(networkd::judge(name, wanted, &output.stdout))
        }
        CheckKind::WaitOnline(check_kind::WaitOnline { interface }) => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            links::wait_online(link.as_deref(), from, by).await
        }
        CheckKind::ContainerVeth(check_kind::ContainerVeth { container, bridge }) => {
            links::container_veth(container.as_ref(), bridge.as_ref(), from, by).await
        }
        CheckKind::Container(check_kind::Container { name, refused }) => {
            let key = (from.owner().to_owned(), name.to_string());
            let start = surroundings.containers.get(&key);
            let seen = container::look(name.as_ref(), start, from, by).await?;
            Ok(super::container::judge(refused.as_deref(), &seen))
        }
        CheckKind::Link(wanted) => {
            let links = json(from, &["ip", "-j", "-d", "link"], by).await?;
            let name = wanted.interface.as_ref();
            let name = match links::name_in(&links, name, from, surroundings) {
                Ok(name) => name,
                // A NIC that has gone is not looked for in vain.
                Err(_) => name.to_owned(),
            };
            Ok(link::judge(&links, &name, wanted))
        }
        CheckKind::Neighbour(wanted) => {
            let name = optional_link(wanted.interface.as_ref(), from, surroundings, by).await?;
            let family = if wanted.address.is_ipv4() { "-4" } else { "-6" };
            let cache = json(from, &["ip", "-j", family, "neigh"], by).await?;
            Ok(neighbour::judge(&cache, name.as_deref(), wanted))
        }
        CheckKind::Fdb(wanted) => bridge_tables::fdb(wanted, from, surroundings, by).await,
        CheckKind::Mdb(wanted) => bridge_tables::mdb(wanted, from, surroundings, by).await,
        CheckKind::BridgeVlan(wanted) => bridge_tables::vlan(wanted, from, surroundings, by).await,
        CheckKind::Sysctl(check_kind::Sysctl { key, value }) => {
            local::sysctl(key, value, from, surroundings, by).await
        }
        CheckKind::Command(wanted) => local::command(wanted, from, by).await,
        CheckKind::Packet(wanted) => packet::look(wanted, from, surroundings, since, by).await,
        CheckKind::Counter(wanted) => local::counter(wanted, from, by).await,
        CheckKind::Process(wanted) => local::process(wanted, from, by).await,
        CheckKind::Vmm(check_kind::Vmm { guest, refused }) => {
            let seen = vmm::look(surroundings.vmms.get(guest.as_ref())).await;
            Ok(super::vmm::judge(refused.as_deref(), &seen))
        }
    }
}

/// As [`Vantage::exec`] takes them.
fn as_words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
