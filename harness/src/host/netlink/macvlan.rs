//! Macvlans and macvtaps.

use std::os::fd::{AsFd, AsRawFd};

use rtnetlink::packet_route::link::{InfoMacVlan, InfoMacVtap, MacVlanMacAddressMode, MacVlanMode};
use rtnetlink::{LinkMacVlan, LinkMacVtap, LinkUnspec};

use super::{LinkError, Netlink};
use crate::plan::LinkEnd;
use crate::scenario::MacvlanMode;
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;

impl Netlink {
    /// `ip link add link LINK name NAME address MAC type macvtap mode MODE`; its index.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words: `EBUSY` when the link is a bridge's port, `EINVAL` beside mode `passthru`.
    pub async fn add_macvtap(
        &self,
        link: &IfName,
        (name, mac): (&IfName, Mac),
        mode: MacvlanMode,
        sources: &[Mac],
    ) -> Result<u32, LinkError> {
        let lower = self.index(link.as_str()).await?;
        let mut message =
            LinkMacVtap::new(name.as_str(), lower, kernel(mode)).address(mac.octets().to_vec());
        if !sources.is_empty() {
            let sources = sources.iter();
            let sources = sources
                .map(|mac| InfoMacVtap::MacAddr(mac.octets()))
                .collect();
            message = message
                .append_info_data(InfoMacVtap::MacAddrMode(MacVlanMacAddressMode::Set))
                .append_info_data(InfoMacVtap::MacAddrData(sources));
        }
        let command = || {
            format!("ip link add link {link} name {name} address {mac} type macvtap mode {mode}")
        };
        self.add_link(message.build(), command).await?;
        self.index(name.as_str()).await
    }

    /// `ip link add link LINK name NAME type macvlan mode MODE`, born in `there` if that is another namespace.
    ///
    /// # Errors
    /// As [`Netlink::add_macvtap`].
    pub async fn add_macvlan(
        &self,
        link: &IfName,
        end: &LinkEnd,
        mode: MacvlanMode,
        sources: &[Mac],
        there: Option<&impl AsFd>,
    ) -> Result<(), LinkError> {
        let lower = self.index(link.as_str()).await?;
        let mut message = LinkMacVlan::new(end.name.as_str(), lower, kernel(mode));
        if let Some(mac) = end.mac {
            message = message.address(mac.octets().to_vec());
        }
        if let Some(mtu) = end.mtu {
            message = message.mtu(mtu);
        }
        if let Some(there) = there {
            message = message.setns_by_fd(there.as_fd().as_raw_fd());
        }
        if !sources.is_empty() {
            let sources = sources.iter();
            let sources = sources
                .map(|mac| InfoMacVlan::MacAddr(mac.octets()))
                .collect();
            message = message
                .append_info_data(InfoMacVlan::MacAddrMode(MacVlanMacAddressMode::Set))
                .append_info_data(InfoMacVlan::MacAddrData(sources));
        }
        let name = &end.name;
        self.add_link(message.build(), || {
            format!("ip link add link {link} name {name} type macvlan mode {mode}")
        })
        .await
    }

    /// `ip link set NAME allmulticast on`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn set_allmulticast(&self, name: &str) -> Result<(), LinkError> {
        let message = LinkUnspec::new_with_name(name).allmulticast(true).build();
        self.set_link(message, || format!("ip link set {name} allmulticast on"))
            .await
    }
}

/// `IFLA_MACVLAN_MODE`.
fn kernel(mode: MacvlanMode) -> MacVlanMode {
    match mode {
        MacvlanMode::Bridge => MacVlanMode::Bridge,
        MacvlanMode::Private => MacVlanMode::Private,
        MacvlanMode::Vepa => MacVlanMode::Vepa,
        MacvlanMode::Passthru => MacVlanMode::Passthrough,
        MacvlanMode::Source => MacVlanMode::Source,
    }
}
