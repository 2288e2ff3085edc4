//! Steps that send crafted frames.

use super::{ByHand, CarryOut, Doing, ON_MACHINE};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::host::inject::Injector;
use crate::lab::error::LabError;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::lab::topology::Lab;
use crate::plan::GuestKind;
use crate::plan::frame::{self, Frame};
use crate::scenario::declare::{
    Asked, Bad, Change, Declared, KeyType, TableKeys, bad, code, ip, may, must, parse_mac,
    table_keys,
};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Scenario, Step, VantagePoint};

/// Sends a crafted frame out of a link of a machine.
#[derive(Debug)]
pub(super) struct Send {
    on: MachineName,
    interface: IfName,
    frame: Frame,
    /// How many times it is sent.
    count: u16,
}

impl Declared for Send {
    const KEYS: TableKeys = table_keys(
        "send",
        "`arping -U`: an ARP announcement, for IPv6 an unsolicited neighbour advertisement; or any frame",
        &[
            must("on", KeyType::Text, ON_MACHINE),
            must("interface", KeyType::INTERFACE, "link"),
            may("hex", KeyType::Text, "none", "a frame without its checksum"),
            may("announce", KeyType::IP, "none", "an address"),
            may("mac", KeyType::MAC, "the link's own", "its MAC address"),
            may("count", KeyType::Integer(1, 10_000), "1", "how often"),
        ],
    );
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.machine();
        let interface = asked.link_of(on.as_ref());
        let frame = read_frame(asked);
        Some(Self {
            on: on?.value,
            interface: interface?,
            frame: frame?,
            count: asked.reader.number("count").unwrap_or(1),
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Send {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        let what = match &self.frame {
            Frame::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Frame::Announce { address, mac } => {
                let mac = mac.map_or_else(|| "its own address".to_owned(), |m| m.to_string());
                format!("an announcement of {address} at {mac}")
            }
        };
        let Self {
            interface, count, ..
        } = self;
        let line = format!("arping -U -c {count} -I {interface}  # sends {what}");
        ByHand::Line(VantagePoint::Machine(self.on.clone()), line)
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, _: Deadline) -> Doing<'r> {
        Box::pin(self.send(&run.testbed.lab))
    }
}

impl Send {
    async fn send(&self, lab: &Lab) -> Result<String, NotDone> {
        let machine = lab.machine(self.on.as_ref())?;
        let link = Injector::open(machine, self.interface.as_ref()).await;
        let link = link.map_err(|error| NotDone::Refused(Diagnostic::new(&error).to_string()))?;
        let bytes = frame::bytes(&self.frame, link.mac()).map_err(NotDone::Refused)?;
        for _ in 0..self.count {
            link.send(&bytes).map_err(|source| LabError::Io {
                doing: format!("send {} bytes out of {}", bytes.len(), self.interface),
                machine: self.on.to_string(),
                source,
            })?;
        }
        Ok(format!("{} bytes", bytes.len()))
    }
}

/// Reads the frame, from `hex` or `announce`, of which there must be exactly one.
fn read_frame(asked: &Asked<'_, '_>) -> Option<Frame> {
    let reader = asked.reader;
    let bytes = reader.word("hex", bytes_of);
    let address = reader.word("announce", ip);
    let mac = reader.word("mac", parse_mac);
    match (reader.entry("hex"), reader.entry("announce")) {
        (None, None) => {
            let message = "`send` needs to say what is sent";
            let label = "neither `hex` nor `announce` is in it";
            asked.fault(reader.place, code::MISSING_KEY, message, label);
            None
        }
        (Some(_), Some(second)) => {
            let message = "`send` has both `hex` and `announce`";
            asked.fault(&second.key, code::CONFLICT, message, "a second frame");
            None
        }
        (Some(_), None) => {
            if let Some(mac) = reader.entry("mac") {
                let (message, label) = ("`mac` without `announce`", "`hex` is the whole frame");
                asked.fault(&mac.key, code::CONFLICT, message, label);
            }
            Some(Frame::Bytes(bytes?.value))
        }
        (None, Some(_)) => Some(Frame::Announce {
            address: address?.value,
            mac: mac.map(|mac| mac.value),
        }),
    }
}

/// Reads a frame in hexadecimal digits, between which blanks and colons are ignored.
fn bytes_of(text: &str) -> Result<Vec<u8>, Bad> {
    let fault = |label: String| {
        let fault = bad("`hex` is not an Ethernet frame", label);
        fault.help("from the destination address on, without the checksum: `ffffffffffff 020000000001 0806 ...`")
    };
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b':')
        .collect();
    let digit = |b: u8| char::from(b).to_digit(16);
    if let Some(other) = digits.iter().find(|b| digit(**b).is_none()) {
        let label = format!("`{}` is not a hexadecimal digit", char::from(*other));
        return Err(fault(label));
    }
    let bytes: Vec<u8> = digits
        .chunks(2)
        .filter_map(|pair| Some((digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?) as u8))
        .collect();
    // The header alone takes 14 bytes, and a jumbo frame holds 9018.
    if digits.len() % 2 == 1 || !(14..=9018).contains(&bytes.len()) {
        return Err(fault(format!(
            "{} digits, must be pairs, for 14 to 9018 bytes",
            digits.len()
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_pairs_of_digits() {
        let header = "ffffffffffff 02:00:00:00:00:01 0806";
        assert_eq!(
            bytes_of(header).unwrap(),
            [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6]
        );
        for bad in ["", "ff", &format!("{header} 0"), &format!("{header} zz")] {
            assert!(bytes_of(bad).is_err(), "{bad}");
        }
    }
}
