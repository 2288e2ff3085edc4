//! From what was observed to the causes.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};

use crate::diagnosis::{Course, Diagnosis, Facts, Observed, Unheld, diagnose};
use crate::host::networkd_said::UnitSaid;
use crate::lab::assignment::Assignment;
use crate::lab::gathered::note;
use crate::report::CheckReport;
use crate::scenario::Written;
use crate::scenario::names::VariantName;

/// What was seen of a run's checks.
pub(super) struct Seen<'a> {
    /// Reports of the checks that hold, and of those that do not.
    pub(super) held: &'a [&'a CheckReport],
    pub(super) unheld: &'a [&'a CheckReport],
    /// What machines answered.
    pub(super) facts: &'a Facts,
    /// Where packets were seen, by the check's id.
    pub(super) courses: &'a BTreeMap<String, Course>,
    /// What networkd said of unit files.
    pub(super) said: &'a BTreeMap<String, Vec<UnitSaid>>,
}

/// The causes, by all that was observed. A fault in this program's own reasoning costs the causes and no verdict.
pub(super) fn conclude(asked: Assignment<'_>, seen: &Seen<'_>) -> Vec<Diagnosis> {
    let (job, scenario) = (asked.job, asked.scenario);
    let variant = scenario.variant.as_ref().map(VariantName::as_str);
    let written = Written::of(&scenario.path, &job.sources.text, variant);
    let held: Vec<String> = seen.held.iter().map(|one| one.id.clone()).collect();
    let unheld = seen.unheld.iter().filter_map(|report| {
        let mut checks = scenario.checks.iter();
        let check = checks.find(|check| check.id.as_str() == report.id)?;
        Some(Unheld {
            check,
            got: &report.got,
        })
    });
    let unheld: Vec<Unheld<'_>> = unheld.collect();
    let observed = Observed {
        scenario,
        written: &written,
        unheld: &unheld,
        held: &held,
        facts: seen.facts,
        courses: seen.courses,
        said: seen.said,
    };
    let found = panic::catch_unwind(AssertUnwindSafe(|| diagnose(&observed)));
    found.unwrap_or_else(|_| {
        note("diagnosis: the search for the cause ended with a fault of bridgelab".to_owned());
        Vec::new()
    })
}
