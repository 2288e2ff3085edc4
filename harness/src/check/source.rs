//! The address that a look is sent from, where the check names one.

use std::fmt;
use std::net::IpAddr;

/// Source and destination of what a look sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// Destination.
    pub(super) to: IpAddr,
    /// Its port.
    pub(super) port: u16,
    /// Address to send from; `None`: the kernel's choice.
    pub(super) source: Option<IpAddr>,
}

impl Ends {
    /// Source and destination as the check names them.
    pub(super) const fn new(to: IpAddr, port: u16, source: Option<IpAddr>) -> Self {
        Self { to, port, source }
    }
}

/// `TO port PORT from SOURCE`.
impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}{}", self.to, self.port, from(self.source))
    }
}

/// ` from SOURCE`, or nothing.
pub(super) fn from(source: Option<IpAddr>) -> String {
    source.map_or_else(String::new, |source| format!(" from {source}"))
}

/// ` to SOURCE`, for an answer that must come back there, or nothing.
pub(super) fn back(source: Option<IpAddr>) -> String {
    source.map_or_else(String::new, |source| format!(" to {source}"))
}

/// Adds to the kernel's words why nothing was sent, where the source address is the reason: bind(2) has `EADDRNOTAVAIL` for an
/// address that the machine has not got, and for one that is not past duplicate address detection.
pub(super) fn explained(source: Option<IpAddr>, why: &str) -> String {
    match source {
        Some(source) if why.contains("Cannot assign requested address") => {
            format!("{why}: it has no usable {source}, compare `ip addr`")
        }
        _ => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_source_that_is_not_there_is_explained() {
        let source = Some(IpAddr::from([192, 168, 1, 21]));
        let kernel = std::io::Error::from_raw_os_error(libc::EADDRNOTAVAIL).to_string();
        let told = explained(source, &kernel);
        assert!(told.starts_with("Cannot assign requested address"));
        assert!(told.ends_with(": it has no usable 192.168.1.21, compare `ip addr`"));
        assert_eq!(explained(None, &kernel), kernel);
        assert_eq!(explained(source, "No route to host"), "No route to host");
        assert_eq!(from(source), " from 192.168.1.21");
        assert_eq!(from(None), "");
        assert_eq!(back(source), " to 192.168.1.21");
        assert_eq!(back(None), "");
    }
}
