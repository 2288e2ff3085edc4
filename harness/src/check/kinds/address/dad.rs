//! Why duplicate address detection refused an address, as far as frames on its wire tell (RFC 4862, 5.4; RFC 4861, 4.3 and 4.4).

use std::net::Ipv6Addr;

/// Neighbour solicitation.
const SOLICITATION: u8 = 135;
/// Neighbour advertisement.
const ADVERTISEMENT: u8 = 136;

/// Why `address` was refused to the NIC with the MAC address `own`, by the frames on its wire: each with whether it went out.
/// `None`: no frame explains it.
pub(super) fn cause<'f>(
    frames: impl Iterator<Item = (bool, &'f [u8])>,
    address: Ipv6Addr,
    own: &str,
) -> Option<String> {
    let mut own_came = [false; 2];
    for (outgoing, frame) in frames {
        let Some(seen) = Neighbour::of(frame) else {
            continue;
        };
        if seen.target != address {
            continue;
        }
        let from = seen.mac;
        match (seen.kind, from.eq_ignore_ascii_case(own)) {
            (ADVERTISEMENT, false) => return Some(format!("{from} has answered for it")),
            // A NIC does not advertise an address that it was refused: another NIC has the same MAC address.
            (ADVERTISEMENT, true) => {
                return Some(format!("its own MAC address {from} has answered for it"));
            }
            (SOLICITATION, false) if seen.probes => {
                return Some(format!("{from} was about to take it, too"));
            }
            (SOLICITATION, true) if seen.probes => own_came[usize::from(outgoing)] = true,
            _ => {}
        }
    }
    // The NIC's own solicitation was seen going out and coming in.
    let back = own_came == [true; 2];
    back.then(|| format!("a solicitation from its own MAC address {own} came back to it"))
}

/// A message of neighbour discovery about an address.
struct Neighbour {
    /// MAC address of the sender, by the Ethernet header.
    mac: String,
    kind: u8,
    target: Ipv6Addr,
    /// Whether it was sent from `::`, as by a machine that has not got the address yet.
    probes: bool,
}

impl Neighbour {
    fn of(frame: &[u8]) -> Option<Self> {
        let mac: Vec<String> = frame
            .get(6..12)?
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        // A VLAN's tag stands before the type.
        let at = if frame.get(12..14)? == [0x81, 0x00] {
            16
        } else {
            12
        };
        let packet = frame.get(at..)?.strip_prefix(&[0x86, 0xdd])?;
        let (next, source) = (*packet.get(6)?, address(packet, 8)?);
        let message = packet.get(40..).filter(|_| next == 58)?;
        let kind = *message.first()?;
        matches!(kind, SOLICITATION | ADVERTISEMENT).then_some(())?;
        Some(Self {
            mac: mac.join(":"),
            kind,
            target: address(message, 8)?,
            probes: source.is_unspecified(),
        })
    }
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let bytes: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "02:00:00:00:00:01";
    const ADDRESS: &str = "2001:db8::d";

    fn frame(mac: u8, source: &str, kind: u8, target: &str) -> Vec<u8> {
        let parsed = |text: &str| text.parse::<Ipv6Addr>().expect("an address").octets();
        let mut frame = vec![0x33, 0x33, 0xff, 0, 0, 0x0d, 2, 0, 0, 0, 0, mac, 0x86, 0xdd];
        frame.extend([0x60, 0, 0, 0, 0, 24, 58, 255]);
        frame.extend(parsed(source));
        frame.extend(parsed("ff02::1:ff00:d"));
        frame.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
        frame.extend(parsed(target));
        frame
    }

    fn told(frames: &[(bool, Vec<u8>)]) -> Option<String> {
        let frames = frames.iter().map(|(out, frame)| (*out, frame.as_slice()));
        cause(frames, ADDRESS.parse().expect("an address"), OWN)
    }

    #[test]
    fn only_what_was_seen_on_the_wire_is_told() {
        let own = || frame(1, "::", SOLICITATION, ADDRESS);
        // Every machine solicits an address before it takes it: that is no reason to refuse one.
        assert_eq!(told(&[(true, own())]), None);
        assert_eq!(told(&[(true, own()), (true, own())]), None);
        let echo = told(&[(true, own()), (false, own())]).expect("a cause");
        assert!(
            echo.contains("its own MAC address") && echo.contains(OWN),
            "{echo}"
        );
        let other = frame(2, ADDRESS, ADVERTISEMENT, ADDRESS);
        let answered = told(&[(true, own()), (false, other)]).expect("a cause");
        assert_eq!(answered, "02:00:00:00:00:02 has answered for it");
        let clone = frame(1, ADDRESS, ADVERTISEMENT, ADDRESS);
        let answered = told(&[(true, own()), (false, clone)]).expect("a cause");
        assert!(answered.starts_with("its own MAC address"), "{answered}");
        let both = frame(2, "::", SOLICITATION, ADDRESS);
        let both = told(&[(true, own()), (false, both)]).expect("a cause");
        assert_eq!(both, "02:00:00:00:00:02 was about to take it, too");
        // Neither a neighbour that looks for the address nor a solicitation for another address is a reason.
        let asks = frame(2, "2001:db8::1", SOLICITATION, ADDRESS);
        let else_where = frame(2, "::", SOLICITATION, "2001:db8::e");
        assert_eq!(told(&[(false, asks), (false, else_where)]), None);
    }

    #[test]
    fn a_tagged_frame_is_read_and_half_a_frame_is_not() {
        let whole = frame(2, ADDRESS, ADVERTISEMENT, ADDRESS);
        let tagged = [&whole[..12], &[0x81, 0, 0, 7], &whole[12..]].concat();
        assert!(told(&[(false, tagged)]).is_some());
        for length in 0..whole.len() {
            assert_eq!(told(&[(false, whole[..length].to_vec())]), None, "{length}");
        }
    }
}
