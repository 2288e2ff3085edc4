//! Host keys of SSH servers, asked for by libssh2 or by `ssh-keyscan -t ed25519 HOST`.

mod ask;

use std::net::IpAddr;

use futures_util::FutureExt;

use crate::check::ghosts::{self, Ghosts};
use crate::check::kind::{Flow, Kind, Looked, Target};
use crate::check::looking::Looking;
use crate::check::{ProbeError, source};
use crate::scenario::check_kind::{Asked, Declared, Looks, SOURCE};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::MachineName;
use crate::scenario::parse;

/// Port of SSH servers.
const PORT: u16 = 22;

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
    const HOLDS: &'static str = "an SSH server answers with that guest's host key";
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

impl Kind for Ssh {
    fn expected(&self) -> String {
        let back = source::back(self.source);
        format!("the SSH host key of {} from {}{back}", self.guest, self.to)
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        Some(ghosts::no_server(self.guest.as_ref()))
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let key = at
                .around
                .host_keys
                .get(self.guest.as_ref())
                .ok_or_else(|| {
                    let why = format!("guest `{}` was given no SSH host key", self.guest);
                    ProbeError::Impossible(why)
                })?;
            ask::look(self.to, self.source, key, at).await
        }
        .boxed_local()
    }

    fn flow(&self) -> Option<Flow> {
        Some(Flow::tcp(self.to, PORT, self.source))
    }

    fn target(&self) -> Option<Target> {
        Some(Target::machine(self.to))
    }
}
