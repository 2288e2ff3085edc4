//! An SSH server answers with the host key that the harness gave that guest.

use std::net::IpAddr;

use super::asked::{Asked, Declared, Looks};
use super::keys::SOURCE;
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::MachineName;
use crate::scenario::parse;

/// An SSH server answers with the host key that the harness gave that guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// Destination address.
    pub to: IpAddr,
    /// Whose host key it must be.
    pub guest: MachineName,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
}

impl Declared for Ssh {
    const KEYS: TableKeys = table_keys(
        "ssh",
        "an SSH server answers with that guest's host key",
        &[
            must("to", KeyType::IP, "address"),
            must("guest", KeyType::NAME, "whose key it must be"),
            SOURCE,
        ],
    );
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.clients).then_some("SSH client"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let to = reader.need("to", reader.word("to", parse::ip));
        let source = asked.source(to.as_ref());
        let guest = asked.guest();
        Some(Self {
            to: to?.value,
            guest: MachineName::try_from(guest?.value).ok()?,
            source,
        })
    }
}
