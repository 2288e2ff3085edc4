//! How links are made.

use futures_util::future::BoxFuture;

use crate::lab::error::LabError;
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::Link;

/// A link that is made, or why it is not.
pub(in crate::lab) type Making<'l> = BoxFuture<'l, Result<(), LabError>>;

/// How a link is made.
pub(in crate::lab) trait CarryOut: Link {
    /// Makes it, down. Is run on the thread of its machine.
    fn make<'l>(&'l self, there: &'l OnMachine, done: &'l mut Done) -> Making<'l>;
}
