//! Links: `link`.

use super::at::{At, Explained};
use super::missing::{absent_link, not_watched};
use super::{carrier, ports};
use crate::check::kinds::Link;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;
use crate::scenario::PortFlag;

/// `link`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Link>()?;
    let end = at.end(asked.interface.as_str());
    if at.state().is_none() {
        return Some(not_watched(end.machine));
    }
    let Some(link) = at.net.link(&end) else {
        return Some(Explained::of(vec![absent_link(&end)]));
    };
    let mut found = Vec::new();
    let mut differs = |code: Code, key: &str, is: &str, needed: &str| {
        if !is.eq_ignore_ascii_case(needed) {
            found.push(setting(&end, code, key, is, needed));
        }
    };
    if asked.absent {
        differs(Code::LinkSetting, "link", "present", "absent");
    }
    if let Some(kind) = &asked.kind {
        differs(Code::LinkKind, "Kind", link.kind(), kind);
    }
    if let Some(mtu) = asked.mtu {
        differs(
            Code::LinkMtu,
            "mtu",
            &link.mtu.to_string(),
            &mtu.to_string(),
        );
    }
    if let Some(mac) = asked.mac {
        differs(Code::LinkMac, "address", &link.mac, &mac.to_string());
    }
    if let (true, Some(master)) = (asked.nomaster, &link.master) {
        differs(Code::PortWrongMaster, "Bridge", master, "no master");
    }
    for (flag, wanted) in &asked.port_flags {
        let mut words = PortFlag::ALL.iter();
        let Some((_, word)) = words.find(|(one, _)| one == flag) else {
            continue;
        };
        if let Some(is) = link.port_flag(word) {
            differs(of_flag(*flag), word, on(is), on(*wanted));
        }
    }
    let up = asked.carrier == Some(true) || asked.flags.iter().any(|flag| flag == "UP");
    let up = up || asked.operstate.as_deref() == Some("up");
    if up {
        found.extend(carrier::not_up(at.net, &end));
    }
    for flag in asked
        .flags
        .iter()
        .filter(|flag| *flag != "UP" && !link.is(flag))
    {
        found.push(setting(&end, Code::LinkSetting, flag, "off", "on"));
    }
    let mut explained = Explained::of(found);
    if let Some(master) = &asked.master {
        let bridge = at.end(master.as_str());
        explained = explained.and(ports::of_bridge(at, &end, &bridge));
    } else if let Some(wanted) = &asked.state {
        let is = link.port_state().unwrap_or("no port");
        if is != wanted {
            let code = Code::PortBlocking;
            explained
                .found
                .push(setting(&end, code, "state", is, wanted));
        }
    }
    if explained.is_empty() {
        // What is left is the kernel's own: what a TAP was made with, or a state of operation.
        let got = at.unheld.got;
        let statement = format!(
            "{} of {} is other than asked for: {got}",
            end.link, end.machine
        );
        let other = Found::link(Code::LinkSetting, &end, statement).is(got);
        explained
            .found
            .push(other.seen(got, format!("ip -d link show dev {}", end.link)));
    }
    Some(explained)
}

fn on(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn of_flag(flag: PortFlag) -> Code {
    match flag {
        PortFlag::Isolated => Code::PortIsolated,
        PortFlag::Learning => Code::PortLearningOff,
        PortFlag::Flood => Code::PortFloodOff,
        PortFlag::BcastFlood => Code::PortBcastOff,
        PortFlag::McastFlood => Code::PortMcastOff,
        _ => Code::LinkSetting,
    }
}

fn setting(end: &End, code: Code, key: &str, is: &str, needed: &str) -> Found {
    let End { machine, link } = end;
    let statement = format!("{key} of {link} on {machine} is {is}, and {needed} is asked for");
    Found::link(code, end, statement)
        .is(is)
        .needed(needed)
        .key(key)
        .seen(
            format!("{link} has {key} {is}"),
            format!("ip -d link show dev {link}"),
        )
}
