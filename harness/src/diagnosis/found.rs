//! A gap as it is found: between which points, and how sure it is.

use super::code::Code;
use super::finding::Evidence;
use super::gap::Gap;
use super::net::End;
use super::point::{Point, Station};

/// A gap, and where a packet stops by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The gap.
    pub(super) gap: Gap,
    /// The last point that the packet comes by, and the first that it does not.
    pub(super) between: Option<(Point, Point)>,
    /// Whether the state alone proves that the check cannot hold so. What only may be the cause counts where nothing is certain.
    pub(super) certain: bool,
}

impl Found {
    /// One at a machine.
    pub(super) fn at(code: Code, machine: &str, statement: impl Into<String>) -> Self {
        Self {
            gap: Gap {
                code,
                machine: machine.to_owned(),
                link: None,
                is: None,
                needed: None,
                key: None,
                statement: statement.into(),
                evidence: Vec::new(),
            },
            between: None,
            certain: true,
        }
    }

    /// One at a link.
    pub(super) fn link(code: Code, end: &End, statement: impl Into<String>) -> Self {
        let mut found = Self::at(code, &end.machine, statement);
        found.gap.link = Some(end.link.clone());
        found
    }

    /// With the link that it is about.
    pub(super) fn on(mut self, link: Option<&str>) -> Self {
        self.gap.link = link.map(str::to_owned);
        self
    }

    /// With what is there.
    pub(super) fn is(mut self, is: impl Into<String>) -> Self {
        self.gap.is = Some(is.into());
        self
    }

    /// With what would have to be there.
    pub(super) fn needed(mut self, needed: impl Into<String>) -> Self {
        self.gap.needed = Some(needed.into());
        self
    }

    /// With the key that it is about.
    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.gap.key = Some(key.into());
        self
    }

    /// With a fact, and the command that shows it at the gap's machine.
    pub(super) fn seen(self, fact: impl Into<String>, command: impl Into<String>) -> Self {
        let machine = self.gap.machine.clone();
        self.seen_at(&machine, fact, command)
    }

    /// With a fact of another machine.
    pub(super) fn seen_at(
        mut self,
        machine: &str,
        fact: impl Into<String>,
        command: impl Into<String>,
    ) -> Self {
        self.gap.evidence.push(Evidence {
            fact: fact.into(),
            machine: machine.to_owned(),
            command: command.into(),
            file: None,
        });
        self
    }

    /// With the points between which the packet stops.
    pub(super) fn between(mut self, last: Point, first: Point) -> Self {
        self.between = Some((last, first));
        self
    }

    /// As one that may be the cause.
    pub(super) fn maybe(mut self) -> Self {
        self.certain = false;
        self
    }
}

/// A station of a machine without a link.
pub(super) fn point(machine: &str, station: Station) -> Point {
    Point {
        machine: machine.to_owned(),
        station,
        link: None,
    }
}

/// A station at a link.
pub(super) fn point_at(end: &End, station: Station) -> Point {
    Point {
        machine: end.machine.clone(),
        station,
        link: Some(end.link.clone()),
    }
}
