//! `systemd-networkd-wait-online` (systemd-networkd-wait-online.service(8)).

use std::time::{Duration, Instant};

use futures_util::FutureExt;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, table_keys};
use crate::scenario::names::IfName;

/// `systemd-networkd-wait-online` returns success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitOnline {
    /// Only this link (`-i`); `None`: all managed links.
    pub interface: Option<IfName>,
}

impl Declared for WaitOnline {
    const KEYS: TableKeys = table_keys(
        "wait_online",
        "`systemd-networkd-wait-online` succeeds",
        &[may(
            "interface",
            KeyType::INTERFACE,
            "all",
            "only this link",
        )],
    );
    const HOLDS: &'static str = "`systemd-networkd-wait-online` succeeds";
    const LOOKS: Looks = Looks::networkd();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        Some(Self {
            interface: asked.interface(),
        })
    }
}

impl Kind for WaitOnline {
    fn expected(&self) -> String {
        match &self.interface {
            Some(interface) => format!("systemd-networkd-wait-online -i {interface} to return"),
            None => "systemd-networkd-wait-online to return".to_owned(),
        }
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let link = at.any_link(self.interface.as_ref()).await?;
            let seconds = at.by.left().as_secs().clamp(1, 20).to_string();
            let timeout = format!("--timeout={seconds}");
            let program = at.from.wait_online_path();
            let mut words = vec![program.as_str(), timeout.as_str()];
            if let Some(link) = &link {
                words.extend(["-i", link]);
            }
            let started = Instant::now();
            let by = at.by.child(Duration::from_secs(40));
            let output = at.from.exec(&words, by).await?;
            Ok(match output.success() {
                true => Verdict::holds(format!("it returned after {:.1?}", started.elapsed())),
                false => Verdict::violated(output.stderr.trim().to_owned()),
            })
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        self.interface.iter().cloned().collect()
    }
}
