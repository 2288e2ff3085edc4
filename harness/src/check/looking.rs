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

/// Moment at which the traffic began that a check is about.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// The moment, which `since = "check"` of `packet` means.
    pub begun: SystemTime,
    /// Whether only what came after that moment counts, also where the check does not say so.
    pub only: bool,
}

impl Since {
    /// A check that begins now, and for which everything before counts as well.
    pub fn now() -> Self {
        Self {
            begun: SystemTime::now(),
            only: false,
        }
    }

    /// The beginning of time: everything counts.
    pub const EVER: Self = Self {
        begun: UNIX_EPOCH,
        only: false,
    };
}

/// What checks need to know beyond their vantage.
#[derive(Debug, Clone, Default)]
pub struct CheckContext {
    /// Captures, by machine or guest and by the name of its interface. A TAP's capture is there for both, and both times under
    /// the TAP's name on the host.
    pub captures: BTreeMap<(String, String), Capture>,
    /// MAC addresses of guests' NICs, by the NIC's name on the host side.
    pub macs: BTreeMap<String, String>,
    /// Moment before which frames do not count: a check after a step is about what came after the step.
    pub since: Option<SystemTime>,
    /// SSH host keys given to guests, in base64.
    pub host_keys: BTreeMap<String, String>,
    /// The VMMs that were started, by guest.
    pub vmms: BTreeMap<String, VmmStart>,
    /// The containers whose start was asked of Docker, by guest and name.
    pub containers: BTreeMap<(String, String), ContainerStart>,
    /// Bytes that the lab's web servers have received.
    pub received: Arc<Received>,
}

/// A look.
#[derive(Debug, Clone, Copy)]
pub struct Looking<'a> {
    /// Place that it looks from.
    pub from: &'a Vantage,
    /// Second place, with which `differ` compares the first.
    pub with: Option<&'a Vantage>,
    /// Whether `from` is a ghost: a machine that stands for a guest.
    pub ghost: bool,
    /// What the lab knows: captures, MAC addresses, what was started.
    pub around: &'a CheckContext,
    /// When the traffic began that the check is about.
    pub since: Since,
    /// When the look must be over.
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

    /// Error for a command that did not start at the vantage, or that ended in a way that says nothing about the network.
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

    /// The name of a link at the vantage. A check names a guest's NIC as the host does, which the guest does not know: in a guest
    /// or a ghost, the NIC is found by its MAC address.
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

    /// As [`Looking::link`], for a check that may name no link.
    pub(super) async fn any_link(
        &self,
        name: Option<&IfName>,
    ) -> Result<Option<String>, ProbeError> {
        match name {
            Some(name) => Ok(Some(self.link(name.as_ref()).await?)),
            None => Ok(None),
        }
    }

    /// As [`Looking::link`], by what `ip -j link` printed at the vantage.
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

    /// The MAC address of a guest's NIC, where the vantage is a guest or a ghost.
    fn mac(&self, name: &str) -> Option<&str> {
        let inside = self.ghost || matches!(self.from, Vantage::Guest(_));
        let mac = inside.then(|| self.around.macs.get(name)).flatten();
        mac.map(String::as_str)
    }

    /// Fails where a link does not exist on which the check wants something to be missing. That it is missing there proves nothing:
    /// the link's name may be wrong, or the link may be somewhere else.
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

/// The words, as [`Vantage::exec`] takes them.
pub(super) fn as_words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Error for a tool whose output is not what it usually prints.
pub(super) fn odd(words: &[&str], output: &Output) -> ProbeError {
    ProbeError::Output {
        command: words.join(" "),
        printed: format!("{}{}", output.stdout, output.stderr)
            .trim()
            .to_owned(),
    }
}
