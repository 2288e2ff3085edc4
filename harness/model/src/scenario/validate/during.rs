//! `during` of checks: whose traffic a check is about.

use std::collections::BTreeMap;

use super::Context;
use super::steps::Timeline;
use crate::scenario::During;
use crate::scenario::names::CheckId;
use crate::scenario::read::{At, Reader};

/// What the checks say about their order, whatever else is wrong with them.
pub(crate) struct Order<'a> {
    checks: BTreeMap<&'a str, Place<'a>>,
}

/// Where a check stands in it.
struct Place<'a> {
    after: Option<&'a str>,
    during: Option<&'a str>,
}

impl<'a> Order<'a> {
    pub(crate) fn of(readers: &[Reader<'a>]) -> Self {
        let checks = readers.iter().filter_map(|reader| {
            let place = Place {
                after: reader.said("after"),
                during: reader.said("during"),
            };
            Some((reader.said("id")?, place))
        });
        Self {
            checks: checks.collect(),
        }
    }

    /// What `during` of a check means; reports one that never comes to pass.
    pub(crate) fn during(
        &self,
        context: &Context<'_>,
        reader: &Reader<'_>,
        timeline: &Timeline,
    ) -> Option<During> {
        let during = reader.text("during")?;
        let (id, after) = (reader.said("id"), reader.said("after"));
        let fault =
            |message: String, label: &str| context.faults.conflict(during.place, message, label);
        let is_step = after == Some(during.value);
        let Some(other) = self.checks.get(during.value) else {
            if is_step && timeline.goes_on(during.value) {
                let message = format!("the traffic of step `{}` is not over then", during.value);
                let help =
                    "without `during` it is about all traffic until the last other check is over";
                fault(message, "its command goes on").help(help);
            }
            if is_step {
                return Some(During::Step);
            }
            let (names, known) = (("check", "checks"), self.checks.keys().copied());
            (context.faults).unknown(&during, names, "", known.chain(after));
            return None;
        };
        if is_step {
            let message = format!("a check and a step are called `{}`", during.value);
            fault(message, "which of them is meant?");
        } else if other.after != after {
            let when = |after: Option<&str>| match after {
                None => "before the first step".to_owned(),
                Some(step) => format!("after step `{step}`"),
            };
            let message = format!(
                "check `{}` is looked at {}, this one {}",
                during.value,
                when(other.after),
                when(after)
            );
            fault(message, "not at the same time").help("`after` of both must be the same");
        } else if self.leads_to(&during, id) {
            let message = match id == Some(during.value) {
                true => "a check cannot wait for itself".to_owned(),
                false => format!("`{}` waits for this check in turn", during.value),
            };
            fault(message, "neither would ever begin");
        }
        CheckId::try_from(during.value).ok().map(During::Check)
    }

    /// Whether what a check waits for waits for that check, by however many others.
    fn leads_to(&self, first: &At<'_, &str>, id: Option<&str>) -> bool {
        let mut next = Some(first.value);
        // A chain that is longer than there are checks goes round without this one.
        for _ in 0..=self.checks.len() {
            if next == id {
                return next.is_some();
            }
            next = next.and_then(|next| self.checks.get(next)?.during);
        }
        false
    }
}
