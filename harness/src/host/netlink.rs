//! Typed verbs over rtnetlink, one for each `ip` command that the lab needs.
//!
//! A netlink socket belongs to the namespace of the thread that opened it, wherever it is used afterwards; so a
//! [`Netlink`] is opened on its machine's thread and may then be used from anywhere.

mod bridge;
mod macvlan;

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use futures_util::TryStreamExt;
use ipnet::IpNet;
use rtnetlink::packet_core::ErrorMessage;
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkMessage};
use rtnetlink::packet_route::route::RouteScope;
use rtnetlink::sys::AsyncSocket;
use rtnetlink::{Handle, LinkUnspec, LinkVeth, RouteMessageBuilder, new_connection};

use crate::diagnostic::Diagnose;
use crate::plan::LinkEnd;
use crate::scenario::Route;

/// The kernel refused a netlink request.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` on machine `{machine}`: {said}")]
pub struct LinkError {
    /// The equivalent `ip` command.
    pub command: String,
    /// Machine it was meant for.
    pub machine: String,
    /// The kernel's errno and, where it gave one, its own sentence.
    pub said: String,
    /// errno, for callers that tell cases apart.
    pub errno: Option<i32>,
}

impl Diagnose for LinkError {
    fn code(&self) -> &'static str {
        "host.netlink"
    }

    fn help(&self) -> Option<String> {
        (self.errno == Some(nix::libc::EOPNOTSUPP)).then(|| {
            "this kernel lacks the feature: `bridgelab doctor` lists what it has".to_owned()
        })
    }
}

/// A netlink connection into one machine's namespace.
#[derive(Debug, Clone)]
pub struct Netlink {
    machine: String,
    handle: Handle,
}

impl Netlink {
    /// Opens a connection from the calling thread's network namespace and serves it on the current runtime.
    pub(super) fn connect(machine: &str) -> io::Result<Self> {
        let (mut connection, handle, _events) = new_connection()?;
        // Without this option the kernel answers an errno alone, without a sentence.
        if let Err(error) = connection.socket_mut().socket_mut().set_ext_ack(true) {
            tracing::debug!(%error, "no extended netlink errors on this kernel");
        }
        tokio::spawn(connection);
        Ok(Self {
            machine: machine.to_owned(),
            handle,
        })
    }

    /// The machine whose links it works on.
    pub(super) fn machine(&self) -> &str {
        &self.machine
    }

    /// `ip link show NAME`: its index.
    ///
    /// # Errors
    /// [`LinkError`] with `ENODEV` when there is no such link.
    pub async fn index(&self, name: &str) -> Result<u32, LinkError> {
        let said = |e| self.error(format!("ip link show {name}"), &e);
        let mut links = self
            .handle
            .link()
            .get()
            .match_name(name.to_owned())
            .execute();
        match links.try_next().await {
            Ok(Some(link)) => Ok(link.header.index),
            Ok(None) => Err(said(rtnetlink::Error::RequestFailed)),
            Err(e) => Err(said(e)),
        }
    }

    /// `ip link add NAME type veth peer name PEER netns OTHER`: both ends are born where they belong.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn add_veth(
        &self,
        here: &LinkEnd,
        peer: &LinkEnd,
        peer_namespace: &impl AsFd,
    ) -> Result<(), LinkError> {
        let namespace = peer_namespace.as_fd();
        let mut there =
            LinkUnspec::new_with_name(peer.name.as_ref()).setns_by_fd(namespace.as_raw_fd());
        if let Some(mac) = peer.mac {
            there = there.address(mac.octets().to_vec());
        }
        if let Some(mtu) = peer.mtu {
            there = there.mtu(mtu);
        }
        let mut message = LinkVeth::new(here.name.as_ref(), peer.name.as_ref())
            .set_info_data(InfoData::Veth(InfoVeth::Peer(there.build())));
        if let Some(mac) = here.mac {
            message = message.address(mac.octets().to_vec());
        }
        if let Some(mtu) = here.mtu {
            message = message.mtu(mtu);
        }
        let command = || {
            format!(
                "ip link add {} type veth peer name {}",
                here.name, peer.name
            )
        };
        self.add_link(message.build(), command).await
    }

    /// `ip link set NAME up`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn set_up(&self, name: &str) -> Result<(), LinkError> {
        let message = LinkUnspec::new_with_name(name).up().build();
        self.set_link(message, || format!("ip link set {name} up"))
            .await
    }

    /// `ip link set NAME down`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn set_down(&self, name: &str) -> Result<(), LinkError> {
        let message = LinkUnspec::new_with_name(name).down().build();
        self.set_link(message, || format!("ip link set {name} down"))
            .await
    }

    /// `ip link delete NAME`; a link that is not there is no error.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn delete_if_there(&self, name: &str) -> Result<(), LinkError> {
        let index = match self.index(name).await {
            Ok(index) => index,
            Err(gone) if gone.errno == Some(nix::libc::ENODEV) => return Ok(()),
            Err(other) => return Err(other),
        };
        let result = self.handle.link().del(index).execute().await;
        result.map_err(|e| self.error(format!("ip link delete {name}"), &e))
    }

    /// `ip link set PORT master BRIDGE`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn enslave(&self, port: &str, bridge: &str) -> Result<(), LinkError> {
        let master = self.index(bridge).await?;
        let message = LinkUnspec::new_with_name(port).controller(master).build();
        self.set_link(message, || format!("ip link set {port} master {bridge}"))
            .await
    }

    /// `ip addr add ADDRESS dev NAME`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn add_address(&self, name: &str, address: IpNet) -> Result<(), LinkError> {
        let index = self.index(name).await?;
        let request = self
            .handle
            .address()
            .add(index, address.addr(), address.prefix_len());
        let command = || format!("ip addr add {address} dev {name}");
        request
            .execute()
            .await
            .map_err(|e| self.error(command(), &e))
    }

    /// `ip link set NAME mtu MTU`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn set_mtu(&self, name: &str, mtu: u32) -> Result<(), LinkError> {
        let message = LinkUnspec::new_with_name(name).mtu(mtu).build();
        self.set_link(message, || format!("ip link set {name} mtu {mtu}"))
            .await
    }

    /// `ip route add TO [via VIA] [dev DEV] [onlink] [metric METRIC]`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn add_route(&self, route: &Route) -> Result<(), LinkError> {
        let command = || format!("ip route add {route}");
        let invalid = |said: String| LinkError {
            command: command(),
            machine: self.machine.clone(),
            said,
            errno: None,
        };
        let mut message = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(route.to.network(), route.to.prefix_len())
            .map_err(|e| invalid(e.to_string()))?;
        if let Some(via) = route.via {
            message = message.gateway(via).map_err(|e| invalid(e.to_string()))?;
        } else if route.to.addr().is_ipv4() {
            // As `ip` does: a destination without a next hop is on the link. IPv6 routes have no scope.
            message = message.scope(RouteScope::Link);
        }
        if let Some(dev) = &route.dev {
            message = message.output_interface(self.index(dev.as_str()).await?);
        }
        if route.onlink {
            message = message.onlink();
        }
        if let Some(metric) = route.metric {
            message = message.priority(metric);
        }
        let added = self.handle.route().add(message.build()).execute().await;
        added.map_err(|e| self.error(command(), &e))
    }

    async fn add_link(
        &self,
        message: LinkMessage,
        command: impl Fn() -> String,
    ) -> Result<(), LinkError> {
        let result = self.handle.link().add(message).execute().await;
        result.map_err(|e| self.error(command(), &e))
    }

    async fn set_link(
        &self,
        message: LinkMessage,
        command: impl Fn() -> String,
    ) -> Result<(), LinkError> {
        let result = self.handle.link().set(message).execute().await;
        result.map_err(|e| self.error(command(), &e))
    }

    fn error(&self, command: String, error: &rtnetlink::Error) -> LinkError {
        let (said, errno) = match error {
            rtnetlink::Error::NetlinkError(message) => {
                let io = message.to_io();
                let said = match extended_message(message) {
                    Some(sentence) => format!("{io}: {sentence}"),
                    None => io.to_string(),
                };
                (said, io.raw_os_error())
            }
            other => (other.to_string(), None),
        };
        LinkError {
            command,
            machine: self.machine.clone(),
            said,
            errno,
        }
    }
}

/// The kernel's own sentence (`NLMSGERR_ATTR_MSG`) behind the echoed request, if it sent one.
fn extended_message(error: &ErrorMessage) -> Option<String> {
    const NLMSGERR_ATTR_MSG: u16 = 1;
    let bytes = error.header.as_slice();
    let echoed = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    // With `NETLINK_CAP_ACK` off the whole request is echoed, otherwise its 16-byte header alone.
    for start in [echoed.next_multiple_of(4), 16] {
        let mut rest = bytes.get(start..).unwrap_or_default();
        while let (Some(len), Some(kind)) = (half(rest, 0), half(rest, 2)) {
            let len = usize::from(len);
            if len < 4 || len > rest.len() {
                break;
            }
            if kind == NLMSGERR_ATTR_MSG {
                let text = String::from_utf8_lossy(&rest[4..len]);
                return Some(text.trim_end_matches('\0').to_owned());
            }
            rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        }
    }
    None
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
