//! Why a held lab does not do what it is asked for.

use super::no_vantage::NoVantage;
use crate::check::ProbeError;
use crate::diagnostic::Diagnostic;
use crate::host::finding::Unmet;
use crate::scenario::instances::UnknownForm;
use crate::scenario::names::NameError;

/// Something was asked for that is not done. The words are the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskRefused {
    /// The line asks for nothing that there is.
    #[error("understand what was asked: {0}")]
    Garbled(serde_json::Error),
    /// A command without a word.
    #[error("a command needs words")]
    NoWords,
    /// The name of a place is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// One cannot look from there.
    #[error(transparent)]
    NoVantage(#[from] NoVantage),
    /// A command did not run.
    #[error("{}", Diagnostic::new(.0))]
    Probe(ProbeError),
    /// The check is not in the form that is held.
    #[error("there is no check `{id}`")]
    NoCheck {
        /// Its id.
        id: String,
    },
    /// The step is not in the form that is held.
    #[error("there is no step `{id}`")]
    NoStep {
        /// Its id.
        id: String,
    },
    /// The host computer has not got what the step needs.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    /// Nobody holds the lab any more.
    #[error("the lab is over")]
    Over,
}

/// Keys that were asked for make no valid scenario. The words are those of `bridgelab check`.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskInvalid {
    /// They are no TOML.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// The scenario with them has faults.
    #[error("{rendered}")]
    Scenario {
        /// All faults, each with its lines.
        rendered: String,
    },
    /// The scenario with them has not got the form that is held.
    #[error(transparent)]
    UnknownForm(#[from] UnknownForm),
    /// It has the form's name and not the form.
    #[error("the form is gone")]
    NoForm,
}
