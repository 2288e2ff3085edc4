//! TCP connections, and bytes that are sent over one.

pub(super) mod connect;
pub(super) mod transfer;

use std::time::Duration;

use futures_util::FutureExt;

use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked, Target};
use crate::check::looking::Looking;
use crate::check::source::{self, Ends};
use crate::scenario::check_kind::Tcp;

impl Kind for Tcp {
    fn expected(&self) -> String {
        let (to, port, from) = (self.to, self.port, source::from(self.source));
        match self.bytes {
            None => format!("{to} to accept a connection{from} on port {port}"),
            Some(bytes) => format!("{bytes} bytes{from} to arrive at {to} port {port}"),
        }
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.no_server_at(self.to)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let ends = Ends::new(self.to, self.port, self.source);
            match self.bytes {
                None => connect::look(ends, at).await,
                Some(bytes) => connect::look_at_bytes(ends, bytes, at).await,
            }
        }
        .boxed_local()
    }

    fn target(&self) -> Option<Target> {
        Some(Target::server(self.to))
    }

    fn takes(&self) -> Duration {
        transfer::time(self.bytes)
    }
}
