//! Changes of links, addresses and routes on machines, as the kernel tells them by rtnetlink's multicast groups.
//!
//! Equivalent: `ip monitor link address route` on every machine, rtnetlink(7).

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::StreamExt;
use rtnetlink::packet_core::NetlinkPayload;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::{MulticastGroup, new_multicast_connection};
use tokio::sync::watch;

use super::daemon::{Keeper, Kept};
use super::netns::{Netns, NetnsError};

/// Groups whose messages wake those who wait for a fact about a network.
const GROUPS: [MulticastGroup; 5] = [
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
];

/// Where an address is among the machines that are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// On none of them, as far as the kernel known.
    Nowhere,
    /// On this machine, in duplicate address detection or refused by it (RFC 4862, 5.4).
    Tentative(String),
    /// On this machine, in use.
    Up(String),
}

/// The followed machines' addresses, and a counter that grows with each change of a link, address or route.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    known: Arc<Mutex<Known>>,
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    /// By machine, interface index and address: whether it is tentative.
    addresses: BTreeMap<(String, u32, IpAddr), bool>,
    /// By machine.
    last_detection: BTreeMap<String, Instant>,
    /// Whether the kernel dropped messages because a socket was full.
    lost: bool,
}

impl Changes {
    /// Follows a machine until it ends. Only what changes from now on is known: call it before the first address.
    ///
    /// # Errors
    /// When the machine has ended, or its netlink socket cannot be opened.
    pub async fn follow(
        &self,
        machine: &Netns,
        keeper: &Keeper,
    ) -> Result<io::Result<()>, NetnsError> {
        let keeper = keeper.on(machine.name());
        let (changes, name) = (self.clone(), machine.name().to_owned());
        machine
            .run(async move {
                let (connection, _, mut messages) = new_multicast_connection(&GROUPS)?;
                tokio::spawn(connection);
                keeper.work(Kept::Monitor, async move {
                    while let Some((message, _)) = messages.next().await {
                        changes.hear(&name, &message.payload);
                    }
                    io::Error::from(io::ErrorKind::UnexpectedEof)
                });
                Ok(())
            })
            .await
    }

    /// A counter that grows with each change on a followed machine.
    pub fn count(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// Where `address` is. `None` when that is not known for certain: the kernel had to drop a message.
    pub fn whereabouts(&self, address: IpAddr) -> Option<Whereabouts> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.lost {
            return None;
        }
        let mut found = Whereabouts::Nowhere;
        for ((machine, _, known), tentative) in &known.addresses {
            match (*known == address, tentative) {
                (true, false) => return Some(Whereabouts::Up(machine.clone())),
                (true, true) => found = Whereabouts::Tentative(machine.clone()),
                (false, _) => {}
            }
        }
        Some(found)
    }

    /// Forgets a machine that has ended.
    pub fn forget(&self, machine: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.addresses.retain(|(on, ..), _| on != machine);
        known.last_detection.remove(machine);
    }

    /// When duplicate address detection last let an address of `machine` through.
    pub fn last_detection(&self, machine: &str) -> Option<Instant> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.last_detection.get(machine).copied()
    }

    fn hear(&self, machine: &str, payload: &NetlinkPayload<RouteNetlinkMessage>) {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            match payload {
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(message)) => {
                    known.add(machine, message);
                }
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(message)) => {
                    if let Some(address) = address(message) {
                        let key = (machine.to_owned(), message.header.index, address);
                        known.addresses.remove(&key);
                    }
                }
                NetlinkPayload::Overrun(_) => known.lost = true,
                _ => {}
            }
        }
        self.count.send_modify(|count| *count += 1);
    }
}

impl Known {
    fn add(&mut self, machine: &str, message: &AddressMessage) {
        let Some(address) = address(message) else {
            return;
        };
        let unusable = AddressFlags::Tentative | AddressFlags::Dadfailed;
        let tentative = message.attributes.iter().any(
            |attribute| matches!(attribute, AddressAttribute::Flags(flags) if flags.intersects(unusable)),
        );
        let key = (machine.to_owned(), message.header.index, address);
        if self.addresses.insert(key, tentative) == Some(true) && !tentative {
            self.last_detection
                .insert(machine.to_owned(), Instant::now());
        }
    }
}

/// `IFA_LOCAL` where there is one: on point-to-point links `IFA_ADDRESS` is the other end.
fn address(message: &AddressMessage) -> Option<IpAddr> {
    let attributes = || message.attributes.iter();
    let local = attributes().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    local.or_else(|| {
        attributes().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(address: &str, flags: AddressFlags) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.index = 2;
        let address: IpAddr = address.parse().expect("an address");
        message.attributes = vec![
            AddressAttribute::Address(address),
            AddressAttribute::Flags(flags),
        ];
        message
    }

    #[test]
    fn an_address_is_up_only_after_its_detection() {
        let changes = Changes::default();
        let mut count = changes.count();
        let hear = |message| {
            let message = RouteNetlinkMessage::NewAddress(message);
            changes.hear("host", &NetlinkPayload::InnerMessage(message));
        };
        let address: IpAddr = "2001:db8::a".parse().expect("an address");
        assert_eq!(changes.whereabouts(address), Some(Whereabouts::Nowhere));
        hear(message("2001:db8::a", AddressFlags::Tentative));
        let host = || "host".to_owned();
        assert_eq!(
            changes.whereabouts(address),
            Some(Whereabouts::Tentative(host()))
        );
        assert_eq!(changes.last_detection("host"), None);
        hear(message("2001:db8::a", AddressFlags::Permanent));
        assert_eq!(changes.whereabouts(address), Some(Whereabouts::Up(host())));
        assert!(changes.last_detection("host").is_some());
        assert_eq!(*count.borrow_and_update(), 2);
        let gone = RouteNetlinkMessage::DelAddress(message("2001:db8::a", AddressFlags::Permanent));
        changes.hear("host", &NetlinkPayload::InnerMessage(gone));
        assert_eq!(changes.whereabouts(address), Some(Whereabouts::Nowhere));
    }

    #[test]
    fn addresses_go_with_their_machine() {
        let changes = Changes::default();
        for machine in ["host", "test1"] {
            let known =
                RouteNetlinkMessage::NewAddress(message("fe80::1", AddressFlags::Permanent));
            changes.hear(machine, &NetlinkPayload::InnerMessage(known));
        }
        let address: IpAddr = "fe80::1".parse().expect("an address");
        changes.forget("host");
        let left = Whereabouts::Up("test1".to_owned());
        assert_eq!(changes.whereabouts(address), Some(left));
        changes.forget("test1");
        assert_eq!(changes.whereabouts(address), Some(Whereabouts::Nowhere));
    }
}
