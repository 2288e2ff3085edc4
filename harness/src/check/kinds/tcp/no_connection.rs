//! Why a port accepts no connection.

use std::time::Duration;

use crate::check::source::{self, Ends};

/// A port did not accept.
#[derive(Debug, thiserror::Error)]
pub(in crate::check::kinds) enum NoConnection {
    /// The kernel says why, by itself or through the tool that tried.
    #[error("no connection to {ends}: {}", source::explained(ends.source, said))]
    Refused {
        /// From where to where.
        ends: Ends,
        /// The kernel's words, or the tool's.
        said: String,
    },
    /// Nothing came back.
    #[error("no connection to {ends} within {waited:?}")]
    Late {
        /// From where to where.
        ends: Ends,
        /// How long it was waited for.
        waited: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn both_ends_are_named_and_a_source_that_is_not_there_is_explained() {
        let (to, source) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 9]));
        let refused = |source, said: &str| {
            let said = said.to_owned();
            let ends = Ends::new(to, 80, source);
            NoConnection::Refused { ends, said }.to_string()
        };
        assert_eq!(
            refused(None, "Connection refused"),
            "no connection to 10.0.0.1 port 80: Connection refused"
        );
        assert_eq!(
            refused(Some(source), "Cannot assign requested address"),
            "no connection to 10.0.0.1 port 80 from 10.0.0.9: Cannot assign requested address: it has no usable 10.0.0.9, \
             compare `ip addr`"
        );
        let late = NoConnection::Late {
            ends: Ends::new(to, 80, None),
            waited: Duration::from_secs(5),
        };
        assert_eq!(
            late.to_string(),
            "no connection to 10.0.0.1 port 80 within 5s"
        );
    }
}
