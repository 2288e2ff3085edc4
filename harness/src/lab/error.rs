//! What goes wrong while a lab is built or changed.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::Diagnose;
use crate::guest::LayerError;
use crate::host::capture::CaptureError;
use crate::host::firewall::FirewallError;
use crate::host::isolate::IsolateError;
use crate::host::macvtap::MacvtapError;
use crate::host::netlink::LinkError;
use crate::host::netns::NetnsError;
use crate::host::service::ServiceError;
use crate::host::tap::TapError;

/// An operation of the plan failed, or a change by a step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Making a machine or running on it.
    #[error("run the lab's machines")]
    Netns(#[from] NetnsError),
    /// A link, address or route.
    #[error("set up the lab's links")]
    Link(#[from] LinkError),
    /// A capture.
    #[error("capture on the lab's links")]
    Capture(#[from] CaptureError),
    /// A daemon.
    #[error("run the lab's daemons")]
    Service(#[from] ServiceError),
    /// A TAP.
    #[error("make the lab's TAPs")]
    Tap(#[from] TapError),
    /// A macvtap.
    #[error("make the lab's macvtaps")]
    Macvtap(#[from] MacvtapError),
    /// A ruleset.
    #[error("load the lab's rulesets")]
    Firewall(#[from] FirewallError),
    /// A sysctl, a server or a folder.
    #[error("{doing} on machine `{machine}`")]
    Io {
        /// What was being done.
        doing: String,
        /// Machine.
        machine: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The file for a guest's writes to its disk.
    #[error("make the disk `{}` on machine `{machine}`", layer.display())]
    Disk {
        /// The file.
        layer: PathBuf,
        /// Guest.
        machine: String,
        /// Why.
        source: LayerError,
    },
    /// A template was not bound to where its guest is started from.
    #[error("bind the template `{}`", template.display())]
    Template {
        /// Its folder.
        template: PathBuf,
        /// Why.
        source: IsolateError,
    },
    /// A guest.
    #[error("bring up the guests")]
    Guest(#[from] crate::guest::GuestError),
    /// The plan names a machine that it did not make: a bug in the plan.
    #[error("find machine `{machine}` in the lab")]
    NoMachine {
        /// Machine.
        machine: String,
    },
}

impl Diagnose for LabError {
    fn code(&self) -> &'static str {
        match self {
            Self::Netns(e) => e.code(),
            Self::Link(e) => e.code(),
            Self::Capture(e) => e.code(),
            Self::Service(e) => e.code(),
            Self::Tap(e) => e.code(),
            Self::Macvtap(e) => e.code(),
            Self::Firewall(e) => e.code(),
            Self::Guest(e) => e.code(),
            Self::Template { source, .. } => source.code(),
            Self::Io { .. } | Self::Disk { .. } => "lab.io",
            Self::NoMachine { .. } => "lab.no-machine",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Netns(e) => e.help(),
            Self::Link(e) => e.help(),
            Self::Capture(e) => e.help(),
            Self::Service(e) => e.help(),
            Self::Tap(e) => e.help(),
            Self::Macvtap(e) => e.help(),
            Self::Firewall(e) => e.help(),
            Self::Guest(e) => e.help(),
            Self::Template { source, .. } => source.help(),
            Self::Io { .. } | Self::Disk { .. } | Self::NoMachine { .. } => None,
        }
    }
}
