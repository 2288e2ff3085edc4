//! The bytes of frames that steps send.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::icmpv6::NeighborAdvertisementHeader;
use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, Icmpv6Type, PacketBuilder};

use crate::scenario::net::Mac;

/// ff02::1 and its Ethernet address (RFC 4291, 2.7.1; RFC 2464, 7).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// A frame that a step sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Exactly these bytes, from the destination address on.
    Bytes(Vec<u8>),
    /// An ARP request for one's own address, to all (RFC 5227, 3); for an IPv6 address an unsolicited neighbour
    /// advertisement to all nodes (RFC 4861, 7.2.6): who hears it corrects its neighbour entry.
    Announce {
        /// The address.
        address: IpAddr,
        /// Who has it; the link's own address when absent.
        mac: Option<Mac>,
    },
}

/// Builds the frame. `own` is the address of the link that it leaves by.
///
/// # Errors
/// What the packet library says about it.
pub fn bytes(frame: &Frame, own: [u8; 6]) -> Result<Vec<u8>, String> {
    match frame {
        Frame::Bytes(bytes) => Ok(bytes.clone()),
        Frame::Announce { address, mac } => {
            let mac = mac.map_or(own, Mac::octets);
            match address {
                IpAddr::V4(address) => announce_v4(*address, mac),
                IpAddr::V6(address) => announce_v6(*address, mac),
            }
        }
    }
}

/// An ARP announcement: a request for one's own address (RFC 5227, 3).
fn announce_v4(address: Ipv4Addr, mac: [u8; 6]) -> Result<Vec<u8>, String> {
    let arp = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &mac,
        &address.octets(),
        &[0; 6],
        &address.octets(),
    );
    let builder = PacketBuilder::ethernet2(mac, [0xff; 6]);
    let builder = builder.arp(arp.map_err(|error| error.to_string())?);
    let mut frame = Vec::with_capacity(builder.size());
    builder
        .write(&mut frame)
        .map_err(|error| error.to_string())?;
    Ok(frame)
}

/// An unsolicited neighbour advertisement that overrides what was known (RFC 4861, 7.2.6).
fn announce_v6(address: Ipv6Addr, mac: [u8; 6]) -> Result<Vec<u8>, String> {
    let header = NeighborAdvertisementHeader {
        router: false,
        solicited: false,
        r#override: true,
    };
    // The target, and its link-layer address as an option of one unit of eight bytes.
    let mut payload = address.octets().to_vec();
    payload.extend([2, 1]);
    payload.extend(mac);
    let builder = PacketBuilder::ethernet2(mac, ALL_NODES_MAC)
        .ipv6(address.octets(), ALL_NODES.octets(), 255)
        .icmpv6(Icmpv6Type::NeighborAdvertisement(header));
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    builder
        .write(&mut frame, &payload)
        .map_err(|error| error.to_string())?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: [u8; 6] = [2, 0, 0, 0, 0, 9];

    fn announced(address: &str, mac: Option<&str>) -> String {
        let frame = Frame::Announce {
            address: address.parse().expect("an address"),
            mac: mac.map(|mac| mac.parse().expect("a MAC address")),
        };
        let bytes = bytes(&frame, OWN).expect("a frame");
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Byte by byte as RFC 826 and RFC 5227 have it.
    #[test]
    fn an_arp_announcement_asks_everybody_for_its_own_address() {
        assert_eq!(
            announced("192.168.1.3", Some("02:00:00:00:00:01")),
            concat!(
                "ffffffffffff",
                "020000000001",
                "0806",
                "0001",
                "0800",
                "06",
                "04",
                "0001",
                "020000000001",
                "c0a80103",
                "000000000000",
                "c0a80103"
            )
        );
        let own = announced("192.168.1.3", None);
        assert!(own.starts_with("ffffffffffff020000000009"), "{own}");
    }

    /// As RFC 4861, 4.4 has it: the override flag alone, the target and its address.
    #[test]
    fn a_neighbour_advertisement_overrides_at_all_nodes() {
        let frame = announced("2001:db8::b", None);
        let (header, message) = frame.split_at(2 * (14 + 40));
        assert!(
            header.starts_with("33330000000102000000000986dd6000000000203aff20010db8"),
            "{header}"
        );
        assert!(
            header.ends_with("ff020000000000000000000000000001"),
            "{header}"
        );
        let (kind, rest) = message.split_at(4);
        let (_checksum, rest) = rest.split_at(4);
        assert_eq!(kind, "8800");
        assert_eq!(
            rest,
            "2000000020010db800000000000000000000000b0201020000000009"
        );
        // The checksum over everything, its own field included, is zero: RFC 1071.
        let bytes: Vec<u8> = (0..frame.len() / 2)
            .map(|at| u8::from_str_radix(&frame[2 * at..2 * at + 2], 16).expect("digits"))
            .collect();
        let words = |bytes: &[u8]| -> u32 {
            let pairs = bytes.chunks(2);
            pairs
                .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
                .sum()
        };
        let mut sum = words(&bytes[14 + 8..]) + 32 + 58;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        assert_eq!(sum, 0xffff);
    }

    #[test]
    fn bytes_are_sent_as_they_were_written() {
        let frame = Frame::Bytes(vec![1; 20]);
        assert_eq!(bytes(&frame, OWN), Ok(vec![1; 20]));
    }
}
