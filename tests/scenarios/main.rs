//! Every instance of every scenario is one test, with real guests: `simple-network::no-19-docker::qemu` is scenario, variant
//! and hypervisor, followed by the values of the file's matrix (`::vcpu=2`).
//!
//! The tests are found at run time, so that a new file needs no rebuild. A test that this host cannot run is ignored with the
//! reason, and fails under `BRIDGELAB_STRICT=1`. Listing the tests (`--list`, as cargo-nextest asks for them) only reads
//! files. Under cargo-nextest each test is a process of its own, and prepares only what it needs.
#![expect(
    clippy::expect_used,
    reason = "a test binary without libtest fails as tests do"
)]

mod identities;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use bridgelab_harness::host::capability::strict;
use bridgelab_harness::lab::durations::{Durations, key, user_file};
use bridgelab_harness::report::{Report, exit_code};
use bridgelab_harness::scenario::{load, scenario_names};
use identities::distinct;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::turn::Turn;
use support::{bridgelab, root, set_up};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Take more threads than the machine can bear runs: the runs wait in the queue of all processes of the user, which knows
    // what each of them needs.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    arguments.test_threads.get_or_insert(2 * cores);
    let forms = forms();
    if !arguments.list {
        let is_run = |form: &&Form| !arguments.is_filtered_out(&form.trial());
        let images: BTreeSet<_> = forms
            .iter()
            .filter(is_run)
            .flat_map(|form| &form.images)
            .collect();
        if forms.iter().any(|form| is_run(&form)) {
            set_up();
        }
        images.into_iter().for_each(|image| prepare_image(image));
    }
    let trials = forms.iter().map(Form::trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// An instance of a scenario, as it is run and as its test is called.
struct Form {
    scenario: String,
    form: String,
    test: String,
    /// Title under which its time is remembered.
    title: String,
    images: BTreeSet<String>,
}

impl Form {
    fn trial(&self) -> Trial {
        let (scenario, form) = (self.scenario.clone(), self.form.clone());
        let test = self.test.clone();
        Trial::ignorable_test(&self.test, move || {
            let _turn = Turn::named(&test);
            run(&scenario, &form)
        })
    }
}

fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    for found in scenario_names(root()).expect("scenarios can be listed") {
        // Invalid scenarios are tested by `model`.
        let Ok(loaded) = load(&found.path) else {
            continue;
        };
        forms.extend(loaded.forms().map(|form| {
            Form {
                scenario: found.name.clone(),
                form: form.form(),
                test: form.test_name(&found.name),
                title: match form.form_if_any() {
                    None => form.name.clone(),
                    Some(variant) => format!("{}/{variant}", form.name),
                },
                images: form
                    .guests
                    .values()
                    .map(|guest| guest.image.clone())
                    .collect(),
            }
        }));
    }
    // Sort them, since threads take them in this order. Times that cannot be read only cost the order.
    let known = user_file().and_then(|file| Durations::load(&file).ok());
    // The order is nearly the same with each accelerator.
    let known = known.unwrap_or_default();
    known.longest_first(&mut forms, |form| key(&form.title, "tcg"));
    forms
}

/// Builds an image before the first test, with progress, so that no test's time depends on it.
fn prepare_image(image: &str) {
    let status = bridgelab(&["image", "build", image])
        .stdout(Stdio::null())
        .status();
    // Go on where this host cannot build it: each run then says why.
    let status = status.expect("the program under test starts");
    eprintln!("image build {image}: {status}");
}

fn run(name: &str, form: &str) -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("report.json");
    // Require everything where skips fail, since real guests show everything.
    let whole = format!("--require-all={}", strict());
    let output = bridgelab(&["run", name, "--variant", form, &whole, "--json"])
        .arg(&json)
        .env_remove("BRIDGELAB_SETUP")
        .output()?;
    let verdict = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(exit_code::PASSED) => {
            eprintln!("{verdict}");
            are_themselves(name, form, &json).map(|()| Completion::Completed)
        }
        Some(exit_code::HOST_CANNOT) if !strict() => Ok(Completion::ignored_with(reason(&verdict))),
        _ => {
            let progress = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("{}\n{verdict}\n{progress}", output.status).into())
        }
    }
}

/// Why a run was skipped: the lines of the verdict between the first one and the help.
fn reason(verdict: &str) -> String {
    let lines = verdict.lines().skip(1).map(str::trim);
    let lines =
        lines.take_while(|line| !line.starts_with("help: ") && !line.starts_with("again: "));
    lines.collect::<Vec<_>>().join("; ")
}

/// Compares guests of one run that started from one template: they must differ in everything by which machines are told apart.
/// In `two-guests`, both must have started from one unless templates are switched off.
fn are_themselves(name: &str, form: &str, json: &Path) -> Result<(), Failed> {
    // The variant is about this.
    let meant: &[&str] = match (name, form) {
        ("addresses/cloned-machine-id", "cloned") => &["machine_id"],
        _ => &[],
    };
    let report: Report = serde_json::from_slice(&fs::read(json)?)?;
    for run in &report.runs {
        let distinct = distinct(run, meant)?;
        let cold = std::env::var_os("BRIDGELAB_COLD").is_some();
        if name == "two-guests" && distinct != 2 && !cold {
            return Err(format!("{distinct} of 2 from a template: {:?}", run.guests).into());
        }
    }
    Ok(())
}
