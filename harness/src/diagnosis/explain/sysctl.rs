//! Sysctls.

use super::at::{At, Explained};
use super::missing::not_watched;
use crate::check::kinds::Sysctl;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;

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
