//! A run under way: the parts that it consists of.

use tokio::sync::mpsc::UnboundedReceiver;

use super::assignment::Assignment;
use super::checking::Checker;
use super::guests::{Around, GuestRuntime};
use super::observer::Observer;
use super::record::Record;
use super::steps::Places;
use super::testbed::Testbed;

/// What is asked of a held lab, line by line.
pub(super) type Wishes = UnboundedReceiver<String>;

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) asked: Assignment<'a>,
    /// The lab, its guests, and what runs there.
    pub(super) testbed: Testbed,
    /// What checks know and have seen.
    pub(super) observer: Observer,
    /// What is recorded of the run.
    pub(super) record: Record<'a>,
    /// Requests to a held lab; `None`: the lab is not held.
    pub(super) wishes: Option<Wishes>,
}

impl<'a> Run<'a> {
    pub(super) fn new(asked: Assignment<'a>, wishes: Option<Wishes>) -> Self {
        Self {
            asked,
            testbed: Testbed::new(asked),
            observer: Observer::default(),
            record: Record::new(asked),
            wishes,
        }
    }

    /// The guests, and the parts of the run that they change.
    pub(super) fn guests(&mut self) -> (&mut dyn GuestRuntime, Around<'_, 'a>) {
        let Testbed {
            guests, lab, watch, ..
        } = &mut self.testbed;
        let around = Around {
            asked: self.asked,
            lab,
            watch,
            observer: &mut self.observer,
            record: &mut self.record,
        };
        (&mut **guests, around)
    }

    /// A checker for the present state of the run.
    pub(super) fn checker(&self) -> Checker<'_> {
        let blind = self.record.blind();
        Checker::new(self.asked, &self.testbed, &self.observer, blind)
    }

    /// The places where steps are carried out, in the present state of the run.
    pub(super) fn places(&self) -> Places<'_> {
        Places {
            testbed: &self.testbed,
            observer: &self.observer,
        }
    }
}
