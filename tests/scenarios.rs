//! Every scenario and every variant is one test, with real guests: `simple-network::no-19-docker`.
//!
//! Found at run time, so that a new file needs no rebuild. What this host cannot do is skipped with its reason,
//! and fails under `BRIDGELAB_STRICT=1`.
#![expect(
    clippy::expect_used,
    reason = "a test binary without libtest fails as tests do"
)]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use bridgelab_harness::lab::durations::{Durations, key, user_file};
use bridgelab_harness::report::Report;
use bridgelab_harness::scenario::{load, scenario_names};
use libtest_mimic::{Arguments, Failed, Trial};
use support::identities::distinct;
use support::{bridgelab, root, set_up};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let mut images = BTreeSet::new();
    let trials = trials(&mut images);
    // The runs themselves stand in the queue that all processes of the user share, which knows what each needs; a
    // thread more than the machine bears only waits there.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    arguments.test_threads.get_or_insert(2 * cores);
    if !arguments.list {
        set_up();
        images.iter().for_each(|image| prepare_image(image));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test for each form of each scenario, and the images that their guests use.
fn trials(images: &mut BTreeSet<String>) -> Vec<Trial> {
    let mut forms = Vec::new();
    for found in scenario_names(root()).expect("scenarios can be listed") {
        // An invalid scenario is the business of `model`.
        let Ok(loaded) = load(&found.path) else {
            continue;
        };
        let green = std::iter::once("green".to_owned());
        let variants = loaded.variants().map(ToString::to_string);
        for form in green.chain(variants) {
            let variant = loaded.variants().find(|variant| variant.as_ref() == form);
            if let Ok(scenario) = loaded.scenario(variant) {
                images.extend(scenario.guests.into_values().map(|guest| guest.image));
            }
            forms.push((found.name.clone(), form));
        }
    }
    // Threads take them in this order. Times that cannot be read cost nothing but that.
    let known = user_file().and_then(|file| Durations::load(&file).ok());
    known
        .unwrap_or_default()
        .longest_first(&mut forms, |(name, form)| {
            let title = match form.as_str() {
                "green" => name.clone(),
                variant => format!("{name}/{variant}"),
            };
            // Whichever accelerator it is, the order is nearly the same.
            key(&title, "tcg")
        });
    let trial = |(name, form): (String, String)| {
        Trial::test(format!("{name}::{form}"), move || run(&name, &form))
    };
    forms.into_iter().map(trial).collect()
}

/// Built before the first test, with progress, so that no test's time depends on it.
fn prepare_image(image: &str) {
    let status = bridgelab(&["image", "build", image])
        .stdout(Stdio::null())
        .status();
    // A host that cannot build it gets the reason from each run.
    let status = status.expect("the program under test starts");
    eprintln!("image build {image}: {status}");
}

fn run(name: &str, form: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("report.json");
    let output = bridgelab(&["run", name, "--variant", form, "--json"])
        .arg(&json)
        .env_remove("BRIDGELAB_SETUP")
        .output()?;
    let verdict = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{verdict}");
    match output.status.code() {
        Some(0) => are_themselves(name, &json),
        Some(3) if std::env::var_os("BRIDGELAB_STRICT").is_none_or(|value| value != "1") => {
            eprintln!("skipped: because {verdict}");
            Ok(())
        }
        _ => {
            let progress = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("{}\n{verdict}\n{progress}", output.status).into())
        }
    }
}

/// Guests of one run that started from one template are different machines in everything that tells machines apart. In
/// `two-guests` both do start from one, unless nothing may.
fn are_themselves(name: &str, json: &Path) -> Result<(), Failed> {
    let report: Report = serde_json::from_slice(&fs::read(json)?)?;
    for run in &report.runs {
        let distinct = distinct(run)?;
        let cold = std::env::var_os("BRIDGELAB_COLD").is_some();
        if name == "two-guests" && distinct != 2 && !cold {
            return Err(format!("{distinct} of 2 from a template: {:?}", run.guests).into());
        }
    }
    Ok(())
}
