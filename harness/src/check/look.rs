//! A look at what a check asks for, of whatever kind.

use super::kinds;
use super::looking::Looking;
use super::{ProbeError, Verdict};
use crate::scenario::CheckKind;

impl Looking<'_> {
    /// Looks once at what a check asks for.
    ///
    /// # Errors
    /// [`ProbeError`] when it was not possible to look.
    pub async fn at(&self, kind: &dyn CheckKind) -> Result<Verdict, ProbeError> {
        let kind = kinds::of(kind);
        if kind.holds_by_lack() {
            self.can_lack(&kind.lacking()).await?;
        }
        kind.look(self).await
    }
}
