//! Kinds of checks that look at the tables of bridges.

use super::Context;
use super::kinds::{From, interface, interface_at};
use super::state_kinds::not_with_absent;
use crate::scenario::error::{Fault, code};
use crate::scenario::read::Reader;
use crate::scenario::{BridgeVlan, CheckKind, Fdb, Mdb, words};

/// VLANs that frames can have (IEEE 802.1Q).
const VLANS: std::ops::RangeInclusive<u16> = 1..=4094;

pub(super) fn fdb(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let mac = reader.need("mac", reader.word("mac", words::mac));
    let interface = interface(context, reader, from);
    let bridge = interface_at(context, reader, "bridge", from);
    let vlan = reader.number("vlan", VLANS);
    let absent = reader.flag("absent").unwrap_or(false);
    Some(CheckKind::Fdb(Fdb {
        mac: mac?.value,
        interface,
        bridge,
        vlan,
        absent,
    }))
}

pub(super) fn mdb(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let group = reader.need("group", reader.word("group", words::ip));
    if let Some(group) = &group
        && !group.value.is_multicast()
    {
        let message = format!("`{}` is not a multicast group", group.value);
        let label = "not a multicast address".to_owned();
        let help = "for example `239.1.2.3` or `ff02::1:ff00:b`".to_owned();
        let fault = Fault::new(group.place, code::BAD_VALUE, message, label);
        context.faults.add(fault.help(help));
    }
    let interface = interface(context, reader, from);
    let bridge = interface_at(context, reader, "bridge", from);
    let absent = reader.flag("absent").unwrap_or(false);
    Some(CheckKind::Mdb(Mdb {
        group: group?.value,
        interface,
        bridge,
        absent,
    }))
}

pub(super) fn vlan(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let absent = not_with_absent(context, reader, &["pvid", "untagged"]);
    let interface = reader.need("interface", interface(context, reader, from));
    let vlan = reader.need("vlan", reader.number("vlan", VLANS));
    let (pvid, untagged) = (reader.flag("pvid"), reader.flag("untagged"));
    Some(CheckKind::BridgeVlan(BridgeVlan {
        interface: interface?,
        vlan: vlan?,
        pvid,
        untagged,
        absent,
    }))
}
