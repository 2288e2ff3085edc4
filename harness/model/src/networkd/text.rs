//! A unit file's text, in which every warning has its place.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::UnitFile;
use crate::place::{Place, Source};

/// The text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Text(Arc<Source>);

impl Text {
    #[cfg(test)]
    pub(super) fn new(shown: PathBuf, text: String) -> Self {
        Self(Source::new(shown, text, false))
    }

    pub(super) fn of(unit: &UnitFile) -> Self {
        let shown: PathBuf = unit.shown.clone();
        let text = String::from_utf8_lossy(&unit.bytes).into_owned();
        Self(Source::new(shown, text, false))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0.text
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place {
            source: Arc::clone(&self.0),
            span,
        }
    }
}
