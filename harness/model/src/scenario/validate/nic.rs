//! What a NIC of a guest is to its VMM: its address, what the VMM is told about it, and the queues of the host's end.

use super::Context;
use super::vmm::Machine;
use crate::scenario::net::Mac;
use crate::scenario::nic_kind::Row;
use crate::scenario::read::{At, Reader};
use crate::scenario::vmm::{Feature, VMM_USER};
use crate::scenario::{HostEnd, NicOptions, TapOpen, parse};

/// Reads a NIC's MAC address: one that an interface may have, unless the scenario asks for any.
pub(crate) fn mac<'a>(reader: &Reader<'a>) -> Option<At<'a, Mac>> {
    let any = reader.flag("invalid_mac").unwrap_or(false);
    let parse = if any { parse::invalid_mac } else { parse::mac };
    let mac = reader.need("mac", reader.word("mac", parse))?;
    if any && mac.value.is_valid() {
        let message = format!("`invalid_mac` of `{}`, which is a valid one", mac.value);
        reader.conflict("invalid_mac", message, "an interface may have it");
    }
    Some(mac)
}

/// Reads what the VMM is told about a NIC.
pub(crate) fn options(
    context: &Context<'_>,
    reader: &Reader<'_>,
    kind: Option<&Row>,
    machine: &Machine<'_>,
) -> NicOptions {
    let checksum = reader.flag("checksum_offload").unwrap_or(true);
    let segmentation = reader.flag("segmentation_offload");
    if segmentation == Some(true) && !checksum {
        let message = "`segmentation_offload` without `checksum_offload`";
        let label = "each segment needs a checksum of its own";
        reader.conflict("segmentation_offload", message, label);
    }
    let nic = NicOptions {
        open: reader
            .meaning("open", &TapOpen::WORDS)
            .map_or_else(|| machine.row().open(), |open| open.value),
        queues: reader.number("queues").unwrap_or(1),
        vhost: reader.flag("vhost").unwrap_or(false),
        mtu: reader.number::<u16>("mtu"),
        checksum_offload: checksum,
        segmentation_offload: segmentation.unwrap_or(checksum),
    };
    let is_a_tap = kind.is_none_or(Row::is_opened_as_a_tap);
    let by_descriptor = nic.open == TapOpen::Fd && is_a_tap;
    let segmentation_off = checksum && !nic.segmentation_offload;
    let asked = [
        ("open", by_descriptor, Feature::TapDescriptor),
        ("queues", nic.queues > 1, Feature::Queues),
        ("vhost", nic.vhost, Feature::Vhost),
        ("mtu", nic.mtu.is_some(), Feature::Mtu),
        ("checksum_offload", !checksum, Feature::Offloads),
        ("segmentation_offload", segmentation_off, Feature::Offloads),
    ];
    for (key, _, feature) in asked.into_iter().filter(|(_, asked, _)| *asked) {
        machine.lacks(context, reader, key, feature);
    }
    nic
}

/// The host's end of a NIC with several queues is made as microvm.nix's `tap-up` makes it, `multi_queue` exactly then.
/// Reports queues that the lab could not open. A VMM that opens its TAPs by name, unasked, gets one that is its user's, as
/// by microvm.nix.
pub(crate) fn queues(
    context: &Context<'_>,
    reader: &Reader<'_>,
    kind: Option<&Row>,
    nic: &NicOptions,
    end: &mut HostEnd,
) {
    let is_a_tap = kind.is_some_and(Row::is_opened_as_a_tap);
    let by_name = nic.open == TapOpen::Name && is_a_tap;
    if by_name && reader.entry("open").is_none() && reader.entry("owner").is_none() {
        end.owner = Some(VMM_USER.to_owned());
    }
    let Some(entry) = reader.entry("multi_queue") else {
        end.multi_queue = nic.queues > 1;
        return;
    };
    // A node of its own can be opened again and again; there the flag is the descriptor's.
    if is_a_tap && nic.open == TapOpen::Fd && nic.queues > 1 && !end.multi_queue {
        let message = format!("{} queues of a TAP without `multi_queue`", nic.queues);
        let label = "the kernel opens such a TAP once";
        let told = context.faults.conflict(&entry.node.place, message, label);
        told.help(
            "with `open = \"name\"` it is the VMM that the kernel refuses, and `vmm` checks that",
        );
    }
}
