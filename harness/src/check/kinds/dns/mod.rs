//! DNS: queries of our own straight to a server, and the answers of resolvectl and busybox nslookup.

mod answer;
mod ask;
mod declared;

use std::net::IpAddr;

use futures_util::FutureExt;

use self::answer::judge;
use super::networkctl;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Asks, Flow, Kind, Looked, Target};
use crate::check::looking::Looking;
use crate::check::{ProbeError, Verdict};
use crate::scenario::provides::Provides;

pub use declared::{Dns, DnsExpect, RecordType};

impl Kind for Dns {
    fn expected(&self) -> String {
        let whom = match (self.server, self.source) {
            (None, _) => "its own resolver".to_owned(),
            (Some(server), None) => server.to_string(),
            (Some(server), Some(source)) => format!("{server} asked from {source}"),
        };
        expected(&self.name, &self.expect, &whom)
    }

    fn holds_by_lack(&self) -> bool {
        self.expect == DnsExpect::Silence
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        let name = ghosts.own().filter(|_| self.server.is_none())?;
        let guest = ghosts.scenario.guests.get(name)?;
        (!Provides::of(&guest.image).networkd)
            .then(|| format!("{name} is a ghost without networkd: it has no resolver of its own"))
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        match (at.ghost, self.server) {
            (true, None) => resolve_as_networkd_says(self, at).boxed_local(),
            _ => look(self, self.server, at).boxed_local(),
        }
    }

    fn flow(&self) -> Option<Flow> {
        Some(Flow {
            asks: Asks::Dns,
            to: self.server,
            source: self.source,
            size: None,
        })
    }

    fn target(&self) -> Option<Target> {
        self.server.map(Target::machine)
    }
}

async fn look(
    wanted: &Dns,
    server: Option<IpAddr>,
    at: &Looking<'_>,
) -> Result<Verdict, ProbeError> {
    let Dns {
        name,
        record,
        source,
        expect,
        ..
    } = wanted;
    let answer = ask::resolve(name, *record, server, *source, at.from, at.by).await?;
    Ok(judge(name, expect, &answer))
}

/// The guest's own resolver, as far as a ghost has one: the servers that its networkd published for it, in order.
///
/// systemd-resolved asks the first of them and goes on to the next when there is no answer.
async fn resolve_as_networkd_says(wanted: &Dns, at: &Looking<'_>) -> Result<Verdict, ProbeError> {
    let published = ["sh", "-c", "cat /run/systemd/netif/links/*"];
    let state = at.exec(&published).await?;
    let mut last = Verdict::violated("networkd has published no DNS server");
    for server in networkctl::dns_servers(&state.stdout) {
        last = look(wanted, Some(server), at).await?;
        last.got = format!(
            "{} (asked {server}, networkd's DNS; no resolved here)",
            last.got
        );
        if last.holds {
            break;
        }
    }
    Ok(last)
}

/// What is wanted, in words.
fn expected(name: &str, expect: &DnsExpect, whom: &str) -> String {
    match expect {
        DnsExpect::Addresses(list) if list.is_empty() => {
            format!("{name} to have no address according to {whom}")
        }
        DnsExpect::Addresses(list) => {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("{name} to be {} according to {whom}", list.join(", "))
        }
        DnsExpect::Rcode(code) => format!("{code} for {name} from {whom}"),
        DnsExpect::Silence => format!("no answer about {name} from {whom}"),
    }
}
