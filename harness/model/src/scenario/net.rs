//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::names::{IfName, MachineName};

/// The group bit: set in multicast and broadcast addresses.
const MULTICAST: u8 = 0x01;
/// Set in addresses that no vendor handed out.
const LOCALLY_ADMINISTERED: u8 = 0x02;

/// The MAC address of one interface: never multicast, never all zero, but for [`Mac::unchecked`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

/// Why a text is not the MAC address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MacError {
    /// Not six pairs of hexadecimal digits with colons between them.
    #[error("`{0}` is not a MAC address")]
    Form(String),
    /// The lowest bit of the first byte is set.
    #[error("`{0}` is a multicast address")]
    Multicast(String),
    /// `00:00:00:00:00:00`.
    #[error("`{0}` is the all-zero address")]
    Zero(String),
}

impl Mac {
    /// A locally administered address that is the same in every run for the same machine and interface.
    pub fn derived(machine: &MachineName, interface: &IfName) -> Self {
        // A NUL is in neither name, so no two pairs hash alike.
        let hash = Sha256::new()
            .chain_update(machine.as_str())
            .chain_update([0])
            .chain_update(interface.as_str())
            .finalize();
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&hash[..6]);
        bytes[0] = (bytes[0] & !MULTICAST) | LOCALLY_ADMINISTERED;
        Self(bytes)
    }

    /// Any six bytes, as a VMM takes them: what a kernel makes of a multicast address is a thing to test.
    ///
    /// # Errors
    /// [`MacError::Form`].
    pub fn unchecked(text: &str) -> Result<Self, MacError> {
        bytes(text).map(Self)
    }

    /// Whether an interface may have it.
    pub fn is_valid(self) -> bool {
        self.0[0] & MULTICAST == 0 && self.0 != [0; 6]
    }

    /// The six bytes in the order they are sent.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let bytes = bytes(text)?;
        if bytes[0] & MULTICAST != 0 {
            return Err(MacError::Multicast(text.to_owned()));
        }
        if bytes == [0; 6] {
            return Err(MacError::Zero(text.to_owned()));
        }
        Ok(Self(bytes))
    }
}

/// The bytes that a text means.
fn bytes(text: &str) -> Result<[u8; 6], MacError> {
    let form = || MacError::Form(text.to_owned());
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts.next().ok_or_else(form)?;
        if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(form());
        }
        *byte = u8::from_str_radix(part, 16).map_err(|_| form())?;
    }
    match parts.next() {
        Some(_) => Err(form()),
        None => Ok(bytes),
    }
}

impl TryFrom<&str> for Mac {
    type Error = MacError;

    fn try_from(text: &str) -> Result<Self, MacError> {
        text.parse()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_itself() {
        let mac: Mac = "02:00:00:00:00:0A".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:00:00:00:0a");
        assert_eq!(mac.octets(), [2, 0, 0, 0, 0, 10]);
    }

    #[test]
    fn refuses_what_no_interface_may_have() {
        for text in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:01:02",
            "2:0:0:0:0:1",
            "02-00-00-00-00-01",
            "02:00:00:00:00:0g",
            "+2:00:00:00:00:01",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(MacError::Form(text.into())));
        }
        for group in ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"] {
            assert_eq!(group.parse::<Mac>(), Err(MacError::Multicast(group.into())));
        }
        let zero = "00:00:00:00:00:00";
        assert_eq!(zero.parse::<Mac>(), Err(MacError::Zero(zero.into())));
    }

    #[test]
    fn derived_addresses_are_stable_valid_and_apart() {
        let machine = |name: &str| MachineName::try_from(name).unwrap();
        let interface = |name: &str| IfName::try_from(name).unwrap();
        let mac = Mac::derived(&machine("router"), &interface("lan0"));
        assert_eq!(mac, Mac::derived(&machine("router"), &interface("lan0")));
        assert_eq!(mac.to_string().parse(), Ok(mac));
        assert_eq!(mac.octets()[0] & 3, LOCALLY_ADMINISTERED);
        assert_ne!(mac, Mac::derived(&machine("router"), &interface("wan0")));
        assert_ne!(
            Mac::derived(&machine("ab"), &interface("c")),
            Mac::derived(&machine("a"), &interface("bc"))
        );
    }
}
