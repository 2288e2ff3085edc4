//! Frames that a bridge keeps of itself: those to 01:80:c2:00:00:0X (IEEE 802.1D, 7.12.6), as LLDP's.

use super::at::{At, Explained};
use crate::check::kinds::Packet;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;
use crate::scenario::VantagePoint;

/// What a filter for LLDP says, and the bit of its group address 01:80:c2:00:00:0e.
const LLDP: (&str, u16) = ("88cc", 1 << 0xe);

/// `packet`: what other frames do is not known.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Packet>()?;
    let text = asked.filter.text.to_lowercase();
    if !text.contains(LLDP.0) && !text.contains("lldp") {
        return None;
    }
    let end = match at.net.guest_of(&asked.interface) {
        Some(guest) => {
            let from = VantagePoint::Guest(guest.clone());
            End::new(
                guest.as_str(),
                at.net.link_name(&from, asked.interface.as_str()),
            )
        }
        None => at.end(asked.interface.as_str()),
    };
    let around = at.net.around(&end);
    let bridges = around.iter().filter_map(|bridge| {
        let link = at.net.link(bridge).filter(|link| link.is_bridge())?;
        let state = at.net.state(&bridge.machine)?;
        let mut ports = state.links.values();
        let by_port = ports.any(|port| {
            let here = port.master.as_deref() == Some(&link.name);
            here && mask(&port.linkinfo.port) & LLDP.1 != 0
        });
        let passes = mask(&link.linkinfo.data) & LLDP.1 != 0 || by_port;
        (!passes).then(|| keeps(bridge, mask(&link.linkinfo.data)))
    });
    Some(Explained::of(bridges.collect()))
}

fn mask(data: &serde_json::Value) -> u16 {
    let value = &data["group_fwd_mask"];
    let text = value.as_str().unwrap_or_default();
    let text = text.trim_start_matches("0x");
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
    number.unwrap_or_else(|| u16::from_str_radix(text, 16).unwrap_or_default())
}

fn keeps(bridge: &End, mask: u16) -> Found {
    let End { machine, link } = bridge;
    let statement =
        format!("{link} of {machine} keeps frames of LLDP: its group_fwd_mask is {mask:#x}");
    Found::link(Code::LinkSetting, bridge, statement)
        .is(format!("{mask:#x}"))
        .needed(format!("{:#x}", LLDP.1))
        .key("group_fwd_mask")
        .seen(
            format!("group_fwd_mask is {mask:#x}"),
            format!("ip -d link show dev {link}"),
        )
}
