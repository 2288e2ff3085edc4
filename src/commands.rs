//! The small commands: check, plan, schema, image.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bridgelab_harness::check::filter_faults;
use bridgelab_harness::diagnostic::{Diagnose, Diagnostic};
use bridgelab_harness::host::networkd_asked;
use bridgelab_harness::image::{self, Image, ImageError, Recipe, Store};
use bridgelab_harness::lab;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::instances::GREEN;
use bridgelab_harness::scenario::{
    self, Fault, LoadedScenario, Overrides, Scenario, ScenarioErrors,
};
use bridgelab_harness::visible::visible;

use crate::cli::ImageAction;
use crate::output::{print, say};
use crate::own::{images, tell_of_another};
use crate::signals::Signals;

/// Prints an error with its remedy on stderr.
pub(crate) fn complain(error: &dyn Diagnose) {
    let _ = writeln!(anstream::stderr(), "error: {}", Diagnostic::new(error));
}

/// The folder with `scenarios/`: `$BRIDGELAB_ROOT`; or the working directory, or a folder above it, that has `images/` as
/// well; or the source tree that this program was built from. No program from it is run ([`crate::own`]).
pub(crate) fn root() -> PathBuf {
    if let Some(root) = std::env::var_os("BRIDGELAB_ROOT") {
        return PathBuf::from(root);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let is_root =
        |folder: &&Path| folder.join("images").is_dir() && folder.join("scenarios").is_dir();
    match here.ancestors().find(is_root) {
        Some(root) => root.to_owned(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")),
    }
}

/// Loads a scenario by name or path, or complains.
pub(crate) fn load(wanted: &str) -> Result<(PathBuf, LoadedScenario), i32> {
    load_with(wanted, &[])
}

/// As [`load`], with values that are laid over those of the file.
pub(crate) fn load_with(
    wanted: &str,
    overrides: &[Overrides],
) -> Result<(PathBuf, LoadedScenario), i32> {
    let path = scenario::find(&root(), wanted).map_err(|error| {
        complain(&error);
        exit_code::INVALID
    })?;
    checked(&path, overrides)
        .map(|loaded| (path, loaded))
        .map_err(|errors| {
            let _ = write!(anstream::stderr(), "{}", errors.render(true));
            exit_code::INVALID
        })
}

/// Loads the scenario of a file.
///
/// # Errors
/// What is wrong with the scenario, also with its filters by tcpdump's word.
pub(crate) fn checked(
    path: &Path,
    overrides: &[Overrides],
) -> Result<LoadedScenario, ScenarioErrors> {
    let loaded = scenario::load_with(path, overrides)?;
    match filter_faults(&loaded) {
        None => Ok(loaded),
        Some(errors) => Err(errors),
    }
}

/// The instances that a name means. Where there are none, prints those that exist.
pub(crate) fn named<'a>(loaded: &'a LoadedScenario, form: &str) -> Result<Vec<&'a Scenario>, i32> {
    loaded.named(form).map_err(|error| {
        complain(&error);
        exit_code::INVALID
    })
}

/// Whether a scenario has one of the tags; without tags, every scenario counts.
pub(crate) fn tagged(loaded: &LoadedScenario, tags: &[String]) -> bool {
    tags.is_empty() || tags.iter().any(|tag| loaded.tags().contains(tag))
}

/// Prints the schema, or writes the tables of a README anew.
pub(crate) fn schema(readme: Option<&Path>) -> i32 {
    if let Some(path) = readme {
        let written =
            fs::read_to_string(path).and_then(|text| fs::write(path, scenario::readme(&text)));
        return match written {
            Ok(()) => exit_code::PASSED,
            Err(error) => {
                let _ = writeln!(
                    anstream::stderr(),
                    "error: write the tables of {} anew: {error}",
                    path.display()
                );
                exit_code::INVALID
            }
        };
    }
    let text = serde_json::to_string_pretty(&scenario::schema()).unwrap_or_default();
    say(&text);
    exit_code::PASSED
}

/// Prints warnings about unit files; with `strict`, they are errors.
///
/// # Errors
/// The exit code, when warnings are errors and there are any.
pub(crate) fn warn<'w>(
    warnings: impl IntoIterator<Item = &'w Fault>,
    strict: bool,
) -> Result<(), i32> {
    let as_told = |fault: &Fault| match strict {
        true => fault.clone().as_error(),
        false => fault.clone(),
    };
    let told: Vec<Fault> = warnings.into_iter().map(as_told).collect();
    let _ = write!(anstream::stderr(), "{}", scenario::render(&told, true));
    match strict && !told.is_empty() {
        true => Err(exit_code::INVALID),
        false => Ok(()),
    }
}

/// The warnings of some instances, each once.
pub(crate) fn warnings_of<'s>(forms: impl IntoIterator<Item = &'s Scenario>) -> Vec<&'s Fault> {
    let mut told: Vec<&Fault> = Vec::new();
    for fault in forms.into_iter().flat_map(|form| &form.warnings) {
        let same = |other: &&Fault| {
            (&other.file, &other.span, &other.message) == (&fault.file, &fault.span, &fault.message)
        };
        if !told.iter().any(same) {
            told.push(fault);
        }
    }
    told
}

pub(crate) fn check(scenarios: &[String], strict: bool) -> i32 {
    let mut code = exit_code::PASSED;
    let mut not_asked = None;
    for wanted in scenarios {
        match load(wanted) {
            Ok((path, loaded)) => {
                let mut told = loaded.warnings().to_vec();
                match networkd_asked::warnings(&loaded) {
                    Ok(said) => told.extend(said),
                    Err(why) => not_asked = Some(why),
                }
                let warnings = match told.len() {
                    0 => String::new(),
                    1 => ", 1 warning".to_owned(),
                    more => format!(", {more} warnings"),
                };
                if let Err(failed) = warn(&told, strict) {
                    code = failed;
                    continue;
                }
                let variants = loaded.variants().count();
                let forms = match loaded.forms().count() {
                    forms if forms == variants + 1 => String::new(),
                    forms => format!(", {forms} forms by its matrix"),
                };
                let path = path.display().to_string();
                let path = visible(&path);
                say(&format!(
                    "{path}: valid, {variants} variants{forms}{warnings}"
                ));
            }
            Err(failed) => code = failed,
        }
    }
    if let Some(why) = not_asked {
        // A missing networkd is a fact of this machine, and no error. A networkd that was ended says nothing of machine or
        // files.
        let (word, least) = match why.code == networkd_asked::NO_ANSWER {
            true => ("error", exit_code::BROKEN),
            false => ("note", exit_code::PASSED),
        };
        let _ = writeln!(
            anstream::stderr(),
            "{word}: the values in unit files were not judged, for networkd could not be asked: {why}"
        );
        if code == exit_code::PASSED {
            code = least;
        }
    }
    code
}

pub(crate) fn plan(
    wanted: &str,
    wanted_form: Option<&str>,
    guests: GuestKind,
    strict: bool,
) -> i32 {
    let planned = load(wanted).and_then(|(_, loaded)| {
        let forms = named(&loaded, wanted_form.unwrap_or(GREEN))?;
        warn(warnings_of(forms.iter().copied()), strict)?;
        let plans = forms.into_iter().map(|form| lab::show_plan(form, guests));
        Ok(plans.collect::<Vec<_>>().join("\n"))
    });
    match planned {
        Ok(plans) => {
            print(&plans);
            exit_code::PASSED
        }
        Err(code) => code,
    }
}

/// Prints a picture of one form.
pub(crate) fn draw(
    wanted: &str,
    wanted_form: Option<&str>,
    strict: bool,
    draw: fn(&Scenario) -> String,
) -> i32 {
    let drawn = load(wanted).and_then(|(_, loaded)| {
        let forms = named(&loaded, wanted_form.unwrap_or(GREEN))?;
        warn(warnings_of(forms.iter().copied()), strict)?;
        let [form] = forms.as_slice() else {
            let forms: Vec<String> = forms.iter().map(|form| form.form()).collect();
            let _ = writeln!(
                anstream::stderr(),
                "error: a picture is of one form, and `{wanted}` has {}: {}\n  help: choose one by `--variant`",
                forms.len(),
                forms.join(", ")
            );
            return Err(exit_code::INVALID);
        };
        Ok(draw(form))
    });
    match drawn {
        Ok(picture) => {
            print(&picture);
            exit_code::PASSED
        }
        Err(code) => code,
    }
}

/// The image of a recipe. It is built now if it is missing, with progress on stderr.
pub(crate) fn ready_image(name: &str) -> Result<Image, ImageError> {
    let recipe = Recipe::find(&images(), name)?;
    tell_of_another(name, &recipe);
    let store = Store::new(&Store::cache_folder());
    let begun = Instant::now();
    let mut progress = |text: &str| {
        let _ = writeln!(
            anstream::stderr(),
            "[{:6.1} s] image {name}: {}",
            begun.elapsed().as_secs_f64(),
            visible(text)
        );
    };
    store.get_or_build(&recipe, &mut progress)
}

pub(crate) fn image(action: &ImageAction) -> i32 {
    match do_image(action) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            exit_code::BROKEN
        }
    }
}

fn do_image(action: &ImageAction) -> Result<i32, ImageError> {
    let store = Store::new(&Store::cache_folder());
    match action {
        ImageAction::Build { name } => {
            let signals = match Signals::listen(Box::new(|by| {
                image::stop_building();
                let _ = writeln!(anstream::stderr(), "{}: no image is built", by.word());
                std::process::exit(by.exit_code());
            })) {
                Ok(signals) => signals,
                Err(code) => return Ok(code),
            };
            let built = ready_image(name);
            if built.is_err() {
                signals.settle_unbegun();
            }
            say(&built?.folder.display().to_string());
        }
        ImageAction::List => {
            for recipe in image::recipes(&images())? {
                let state = match store.get(&recipe) {
                    Ok(Some(image)) => image.folder.display().to_string(),
                    Ok(None) => "not built".to_owned(),
                    Err(damaged) => damaged.to_string(),
                };
                say(&format!(
                    "{} {}: {state}",
                    recipe.name,
                    &recipe.digest[..16]
                ));
            }
        }
        ImageAction::Path { name } => match store.get(&Recipe::find(&images(), name)?)? {
            Some(image) => say(&image.folder.display().to_string()),
            None => {
                let _ = writeln!(
                    anstream::stderr(),
                    "error: not built; `bridgelab image build {name}` builds it"
                );
                return Ok(exit_code::FAILED);
            }
        },
    }
    Ok(exit_code::PASSED)
}

/// Body of the hidden image worker.
pub(crate) fn image_worker(mut words: impl Iterator<Item = OsString>) -> i32 {
    let (Some(script), Some(out)) = (words.next(), words.next()) else {
        return exit_code::BROKEN;
    };
    match image::worker_main(Path::new(&script), Path::new(&out)) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            exit_code::BROKEN
        }
    }
}
