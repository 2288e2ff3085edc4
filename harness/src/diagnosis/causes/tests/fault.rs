//! What a fault is, and the small changes of which faults are made.

use serde_json::json;

use super::lab::{Lab, at, link};
use crate::diagnosis::Code;

/// A fault: what is broken, which checks do not hold then, and what must be found at which link of which machine.
pub(super) type Fault = (
    &'static str,
    fn(&mut Lab),
    &'static [&'static str],
    (Code, &'static str, Option<&'static str>),
);

pub(super) const DESKTOP: &[&str] = &["desktop-ping-guest-v4"];
pub(super) const INTERNET: &[&str] = &["guest-ping-internet-v4"];

pub(super) fn port(lab: &mut Lab, name: &str, flag: &str, value: bool) {
    link(lab, "host", name).linkinfo.port[flag] = json!(value);
}

pub(super) fn down(lab: &mut Lab, machine: &str, name: &str) {
    let flags = &mut link(lab, machine, name).flags;
    flags.retain(|flag| flag != "UP" && flag != "LOWER_UP");
}

pub(super) fn forget(lab: &mut Lab) {
    for state in lab.values_mut() {
        state.neighbours.clear();
    }
}

pub(super) fn take(lab: &mut Lab, machine: &str, link_name: &str, address: &str) {
    let address = address.parse().expect("an address");
    let addresses = &mut link(lab, machine, link_name).addresses;
    addresses.retain(|one| one.local != Some(address));
}

pub(super) fn no_route(lab: &mut Lab, machine: &str, dst: &str) {
    at(lab, machine).routes.retain(|route| route.dst != dst);
}

pub(super) fn sysctl(lab: &mut Lab, machine: &str, path: &str, value: &str) {
    at(lab, machine).sysctls.set(path, value);
}
