//! One look: from where, at what, until when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::iproute2::array;
use super::started::{ContainerStart, VmmStart};
use super::{ProbeError, Vantage};
use crate::deadline::Deadline;
use crate::guest::ssh::Output;
use crate::host::capture::Capture;
use crate::host::received::Received;
use crate::scenario::names::IfName;

/// How long one attempt may wait for the network's answer.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

/// When the traffic began that a check is about.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// That moment; what `since = "check"` of `packet` means.
    pub begun: SystemTime,
    /// Whether nothing from before it counts, whatever the check says.
    pub only: bool,
}

impl Since {
    /// A check that begins now and is about whatever there was.
    pub fn now() -> Self {
        Self {
            begun: SystemTime::now(),
            only: false,
        }
    }

    /// Any time.
    pub const EVER: Self = Self {
        begun: UNIX_EPOCH,
        only: false,
    };
}

/// What checks need to know beyond their vantage.
#[derive(Debug, Clone, Default)]
pub struct CheckContext {
    /// Captures, by machine or guest and the name of its interface: a TAP by its name on the host, in both.
    pub captures: BTreeMap<(String, String), Capture>,
    /// MAC addresses of guests' NICs, by their name on the host side.
    pub macs: BTreeMap<String, String>,
    /// Frames that came before this are not looked at: a check after a step is about what came after it.
    pub since: Option<SystemTime>,
    /// SSH host keys given to guests, in base64.
    pub host_keys: BTreeMap<String, String>,
    /// The VMMs that were started, by guest.
    pub vmms: BTreeMap<String, VmmStart>,
    /// The containers whose start was asked of Docker, by guest and name.
    pub containers: BTreeMap<(String, String), ContainerStart>,
    /// What comes in at the lab's web servers.
    pub received: Arc<Received>,
}

/// A look.
#[derive(Debug, Clone, Copy)]
pub struct Looking<'a> {
    /// From where.
    pub from: &'a Vantage,
    /// The place that it compares that one with.
    pub with: Option<&'a Vantage>,
    /// Whether that is a ghost: a machine that stands for a guest.
    pub ghost: bool,
    /// What there is to know beyond it.
    pub around: &'a CheckContext,
    /// When the traffic began that it is about.
    pub since: Since,
    /// Until when it must be over.
    pub by: Deadline,
}

impl Looking<'_> {
    /// Runs a command at the vantage.
    pub(super) async fn exec(&self, words: &[&str]) -> Result<Output, ProbeError> {
        self.from.exec(words, self.by).await
    }

    /// What a tool with `-j` prints about the vantage's network.
    pub(super) async fn json(&self, words: &[&str]) -> Result<Value, ProbeError> {
        let output = self.from.exec_in_net(words, self.by).await?;
        // iproute2 prints nothing at all for an empty table in some versions.
        if output.success() && output.stdout.trim().is_empty() {
            return Ok(Value::Array(Vec::new()));
        }
        serde_json::from_str(&output.stdout).map_err(|_| odd(words, &output))
    }

    /// A command did not start there, or ended in a way that says nothing about the network.
    pub(super) fn not_started(&self, words: &[String], why: String) -> ProbeError {
        ProbeError::Tool {
            command: words.join(" "),
            machine: self.from.owner().to_owned(),
            why,
        }
    }

    /// The capture on the wire of an interface.
    pub(super) fn capture(&self, interface: &IfName) -> Result<&Capture, ProbeError> {
        let key = (self.from.owner().to_owned(), interface.to_string());
        self.around.captures.get(&key).ok_or_else(|| {
            ProbeError::Impossible(format!("there is no capture on the wire of `{interface}`"))
        })
    }

    /// The name of a link at the vantage. A guest's NIC goes by its name on the host side, which the guest does not know:
    /// inside it is found by its MAC address, also by that of a ghost.
    ///
    /// # Errors
    /// [`ProbeError`] when the vantage cannot be asked, or has no such NIC.
    pub async fn link(&self, name: &str) -> Result<String, ProbeError> {
        if self.mac(name).is_none() {
            return Ok(name.to_owned());
        }
        let links = self.json(&["ip", "-j", "link"]).await?;
        self.link_in(&links, name)
    }

    /// As [`Looking::link`], of a check that may leave it open.
    pub(super) async fn any_link(
        &self,
        name: Option<&IfName>,
    ) -> Result<Option<String>, ProbeError> {
        match name {
            Some(name) => Ok(Some(self.link(name.as_ref()).await?)),
            None => Ok(None),
        }
    }

    /// As [`Looking::link`], from the links of the vantage.
    pub(super) fn link_in(&self, links: &Value, name: &str) -> Result<String, ProbeError> {
        let Some(mac) = self.mac(name) else {
            return Ok(name.to_owned());
        };
        let found = array(links).find(|link| link["address"] == mac);
        let found = found.and_then(|link| link["ifname"].as_str());
        found.map(str::to_owned).ok_or_else(|| {
            let whose = if self.ghost { "ghost" } else { "guest" };
            let why = format!("the {whose} has no NIC with `{name}`'s MAC address {mac}");
            let name = name.to_owned();
            ProbeError::NoLink { name, why }
        })
    }

    /// The MAC address of a guest's NIC that is seen from inside.
    fn mac(&self, name: &str) -> Option<&str> {
        let inside = self.ghost || matches!(self.from, Vantage::Guest(_));
        let mac = inside.then(|| self.around.macs.get(name)).flatten();
        mac.map(String::as_str)
    }

    /// Whether the links are there that a check wants something to be absent from. Of one that is not there, neither a yes
    /// nor a no says anything: its name may be wrong, or it is somewhere else.
    pub(super) async fn can_lack(&self, named: &[&IfName]) -> Result<(), ProbeError> {
        if named.is_empty() {
            return Ok(());
        }
        let links = self.json(&["ip", "-j", "link"]).await?;
        for written in named {
            let name = self.link_in(&links, written.as_ref())?;
            if !has_link(&links, &name) {
                let why = format!("there is no {name}, so what it has not got shows nothing");
                let name = written.to_string();
                return Err(ProbeError::NoLink { name, why });
            }
        }
        Ok(())
    }
}

/// Whether there is a link of that name in what `ip -j link` printed.
pub(super) fn has_link(links: &Value, name: &str) -> bool {
    array(links).any(|link| link["ifname"] == name)
}

/// As [`Vantage::exec`] takes them.
pub(super) fn as_words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// A tool printed something else than it prints.
pub(super) fn odd(words: &[&str], output: &Output) -> ProbeError {
    ProbeError::Output {
        command: words.join(" "),
        printed: format!("{}{}", output.stdout, output.stderr)
            .trim()
            .to_owned(),
    }
}
