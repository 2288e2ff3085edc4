//! What was asked for on the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bridgelab_harness::lab::Sources;
use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::instances::GREEN;
use bridgelab_harness::scenario::{LoadedScenario, Overrides, Scenario, scenario_names};

use crate::cli::{Guests, RunArgs};
use crate::commands::{complain, load_with, named, root, tagged, warn, warnings_of};

/// An instance of a scenario that is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// `None`: the file as it stands.
    pub(super) form: Option<String>,
    pub(super) images: BTreeSet<String>,
    pub(super) scenario: Scenario,
    /// Values that are laid over those of the file.
    pub(super) overrides: Vec<Overrides>,
    /// Text and digests of the scenario's files when the run was asked for.
    pub(super) sources: Arc<Sources>,
    /// Checks that have less time than the scenario gives them, by id.
    pub(super) within: BTreeMap<String, Duration>,
    /// What the run is called while it goes on, where several are of one form.
    called: Option<String>,
}

impl Wanted {
    pub(crate) fn new(
        path: &Path,
        form: &Scenario,
        guests: Guests,
        overrides: &[Overrides],
        sources: &Arc<Sources>,
    ) -> Self {
        let images = form
            .guests
            .values()
            .filter(|_| guests == Guests::Vm)
            .map(|guest| guest.image.clone());
        Self {
            path: path.canonicalize().unwrap_or_else(|_| path.to_owned()),
            name: form.name.clone(),
            form: form.form_if_any(),
            images: images.collect(),
            scenario: form.clone(),
            overrides: overrides.to_vec(),
            sources: Arc::clone(sources),
            within: BTreeMap::new(),
            called: None,
        }
    }

    /// The same, with another name while it goes on, and with less time for some checks.
    pub(crate) fn called(self, called: &str, within: &BTreeMap<String, Duration>) -> Self {
        Self {
            within: within.clone(),
            called: Some(called.to_owned()),
            ..self
        }
    }

    /// `scenario` or `scenario/form`.
    pub(super) fn title(&self) -> String {
        if let Some(called) = &self.called {
            return called.clone();
        }
        match &self.form {
            Some(form) => format!("{}/{form}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Text and digests of a scenario's files as they are now.
///
/// # Errors
/// Which of the files cannot be read, and why.
pub(crate) fn read(path: &Path, loaded: &LoadedScenario) -> Result<Arc<Sources>, String> {
    let sources = Sources::read(path, loaded.text());
    let sources = sources.map_err(|error| format!("read what `{}` names: {error}", path.display()));
    sources.map(Arc::new)
}

/// Loads everything that was asked for. If one scenario is invalid, nothing is built.
pub(super) fn prepare(args: &RunArgs) -> Result<Vec<Wanted>, i32> {
    let mut all = Vec::new();
    let mut invalid = None;
    for (path, loaded) in chosen(args, &mut invalid)? {
        let forms: Vec<&Scenario> = match args.variant.as_deref() {
            None if args.all_variants => loaded.forms().collect(),
            form => named(&loaded, form.unwrap_or(GREEN))?,
        };
        if let Err(code) = warn(warnings_of(forms.iter().copied()), args.strict) {
            invalid = Some(code);
        }
        let sources = read(&path, &loaded).map_err(|why| {
            let _ = writeln!(anstream::stderr(), "error: {why}");
            exit_code::BROKEN
        })?;
        for form in forms {
            let overrides = args.overrides();
            let wanted = Wanted::new(&path, form, args.guests, &overrides, &sources);
            all.push(wanted);
        }
    }
    if args.hold && invalid.is_none() && all.len() != 1 {
        let forms = all.len();
        let _ = writeln!(
            anstream::stderr(),
            "error: one form can be held at a time, and these are {forms}"
        );
        return Err(exit_code::INVALID);
    }
    invalid.map_or(Ok(all), Err)
}

/// The scenarios that were named, or all of them, as far as they have one of the tags.
fn chosen(
    args: &RunArgs,
    invalid: &mut Option<i32>,
) -> Result<Vec<(PathBuf, LoadedScenario)>, i32> {
    let wanted = if args.scenarios.is_empty() {
        let all = scenario_names(&root()).map_err(|error| {
            complain(&error);
            exit_code::BROKEN
        })?;
        all.into_iter().map(|scenario| scenario.name).collect()
    } else {
        args.scenarios.clone()
    };
    let mut found = Vec::new();
    for wanted in &wanted {
        match load_with(wanted, &args.overrides()) {
            Ok((path, loaded)) if tagged(&loaded, &args.tag) => found.push((path, loaded)),
            Ok(_) => {}
            Err(code) => *invalid = Some(code),
        }
    }
    if found.is_empty() && invalid.is_none() {
        let _ = writeln!(
            anstream::stderr(),
            "error: no scenario has the tag {}; `bridgelab list` shows the tags",
            args.tag.join(" or ")
        );
        return Err(exit_code::INVALID);
    }
    Ok(found)
}
