//! What was asked for on the command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::Scenario;
use bridgelab_harness::scenario::names::VariantName;

use crate::cli::{Guests, RunArgs};
use crate::commands::{complain, load, variant};

/// A scenario form that is to be run.
pub(super) struct Wanted {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) variant: Option<VariantName>,
    pub(super) images: BTreeSet<String>,
    pub(super) scenario: Scenario,
}

impl Wanted {
    /// `scenario` or `scenario/variant`.
    pub(super) fn title(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{variant}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Loads everything that was asked for; with one invalid scenario, nothing is built.
pub(super) fn prepare(args: &RunArgs) -> Result<Vec<Wanted>, i32> {
    let mut all = Vec::new();
    let mut invalid = None;
    for wanted in &args.scenarios {
        let (path, loaded) = match load(wanted) {
            Ok(found) => found,
            Err(code) => {
                invalid = Some(code);
                continue;
            }
        };
        let forms = match args.variant.as_deref() {
            None | Some("green") => {
                let mut forms = vec![None];
                if args.all_variants {
                    forms.extend(loaded.variants().cloned().map(Some));
                }
                forms
            }
            Some(name) => vec![Some(variant(&loaded, name)?)],
        };
        for form in forms {
            let scenario = loaded.scenario(form.as_ref()).map_err(|error| {
                complain(&error);
                exit_code::INVALID
            })?;
            all.push(Wanted {
                path: path.canonicalize().unwrap_or_else(|_| path.clone()),
                name: scenario.name.clone(),
                variant: form,
                images: scenario
                    .guests
                    .values()
                    .filter(|_| args.guests == Guests::Vm)
                    .map(|guest| guest.image.clone())
                    .collect(),
                scenario,
            });
        }
    }
    invalid.map_or(Ok(all), Err)
}
