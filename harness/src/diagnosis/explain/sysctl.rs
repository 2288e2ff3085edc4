//! Sysctls.

use super::at::{At, Explained};
use super::missing::not_watched;
use crate::check::kinds::Sysctl;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};

/// `sysctl`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Sysctl>()?;
    let machine = at.machine();
    if at.state().is_none() {
        return Some(not_watched(machine));
    }
    let value = at
        .state()
        .and_then(|state| state.sysctls.dotted(&asked.key));
    // What was not among the questions, the check itself has read.
    let is = value
        .or_else(|| at.unheld.got.rsplit(" = ").next())
        .unwrap_or_default();
    let (key, needed) = (&asked.key, &asked.value);
    let statement = format!("{key} of {machine} is {is}, and {needed} is asked for");
    let found = Found::at(Code::SysctlValue, &machine, statement)
        .is(is)
        .needed(needed)
        .key(key)
        .seen(format!("{key} = {is}"), format!("sysctl {key}"));
    Some(Explained::of(vec![found]))
}

/// A link on which IPv6 is off, by the sysctl of all links or by its own (`disable_ipv6` of `ip-sysctl.rst`).
pub(super) fn no_ipv6(net: &Net<'_>, end: &End) -> Option<Found> {
    let state = net.state(&end.machine)?;
    let End { machine, link } = end;
    let off =
        |name: &&str| state.sysctls.get(&format!("ipv6/conf/{name}/disable_ipv6")) == Some("1");
    let of = ["all", link.as_str()].into_iter().find(off)?;
    let key = format!("net.ipv6.conf.{of}.disable_ipv6");
    let statement = format!("{machine} has no IPv6 on {link}: {key} is 1");
    Some(
        Found::link(Code::SysctlIgnores, end, statement)
            .is("1")
            .needed("0")
            .seen(format!("{key} = 1"), format!("sysctl {key}"))
            .key(key),
    )
}
