//! What single strings mean in a machine's dnsmasq: lifetimes, faults of names, values of options.

use std::time::Duration;

use super::DnsFault;
use super::parse::{bad, duration, one_of};
use super::read::Bad;

/// A lifetime of a prefix.
pub(super) fn lifetime(text: &str) -> Result<Duration, Bad> {
    let fault = |label: &str| bad(format!("`{text}` is not a lifetime"), label);
    match humantime::parse_duration(text) {
        Ok(time) if time.subsec_nanos() != 0 => Err(fault("must be in whole seconds")),
        // RFC 4861 counts it in 32 bits, of which the last means for ever.
        Ok(time) if time.as_secs() >= u64::from(u32::MAX) => Err(fault("too long")),
        Ok(time) => Ok(time),
        Err(_) => Err(fault("not a duration").help("for example `24h` or `30m`")),
    }
}

/// What is wrong with the answer to a name.
pub(super) fn dns_fault(text: &str) -> Result<DnsFault, Bad> {
    let known = [
        ("nxdomain", DnsFault::NxDomain),
        ("servfail", DnsFault::ServFail),
        ("refused", DnsFault::Refused),
        ("no-answer", DnsFault::NoAnswer),
    ];
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return duration(text).map(DnsFault::Late);
    }
    one_of(text, "faults", &known).map_err(|fault| {
        let help = fault.help.clone().unwrap_or_default();
        fault.help(format!("{help} A time such as `2s` makes the answer late."))
    })
}

/// A value of a DHCP option; dnsmasq takes several, with commas between them.
pub(super) fn dhcp_value(text: &str) -> Result<String, Bad> {
    let fits = |c: char| !c.is_control() && c != ',' && c != '"';
    if !text.is_empty() && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not a value of a DHCP option"),
        "not a value",
    );
    Err(fault.help("each value is an element of its own, without commas and quotes"))
}
