//! The command that repeats a run.

use bridgelab_harness::host::capability::strict;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::plan::shell::quote;
use bridgelab_harness::scenario::instances::GREEN;

use super::wanted::Wanted;
use crate::cli::{Accel, Guests, Lab, RunArgs};

/// Options of `bridgelab run` by which a run is repeated. `on` has the guests' accelerator, and whether the lab stood in a VM;
/// `None`: nothing was started, so the options are those that were asked for.
pub(super) fn options(
    args: &RunArgs,
    one: &Wanted,
    on: Option<(Accelerator, bool)>,
) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |these: &[&str]| words.extend(these.iter().map(|word| (*word).to_owned()));
    for value in &one.overrides {
        say(&["--set", &value.to_string()]);
    }
    if args.guests == Guests::Ghost {
        say(&["--guests", "ghost"]);
    }
    if args.cold {
        say(&["--cold"]);
    }
    match (on, args.accel) {
        _ if args.guests == Guests::Ghost => {}
        (Some((accelerator, _)), _) => say(&["--accel", accelerator.name()]),
        (None, Accel::Auto) => {}
        (None, Accel::Kvm) => say(&["--accel", "kvm"]),
        (None, Accel::Tcg) => say(&["--accel", "tcg"]),
    }
    match (on, args.lab) {
        (Some((_, true)), _) | (None, Lab::Vm) => say(&["--lab", "vm"]),
        (None, Lab::Auto) => say(&["--lab", "auto"]),
        _ => {}
    }
    if let Some(program) = &args.vmms.cloud_hypervisor {
        let program = program.canonicalize().unwrap_or_else(|_| program.clone());
        say(&["--cloud-hypervisor", &program.to_string_lossy()]);
    }
    if let Some(all) = args.require_all {
        say(&[&format!("--require-all={all}")]);
    }
    if let Some(images) = crate::own::named_images() {
        say(&["--images", &images.to_string_lossy()]);
    }
    if args.strict {
        say(&["--strict"]);
    }
    words
}

/// The options, with those that came from the environment, so that the new run does not depend on its environment.
pub(super) fn whole(args: &RunArgs, mut options: Vec<String>) -> Vec<String> {
    if args.require_all.is_none() {
        options.push(format!("--require-all={}", strict()));
    }
    options
}

/// The command as a line for a shell.
pub(super) fn command(one: &Wanted, options: &[String]) -> String {
    let mut words = vec!["bridgelab".to_owned(), "run".to_owned()];
    words.push(one.path.to_string_lossy().into_owned());
    let form = one.scenario.own_form();
    if form != GREEN {
        words.extend(["--variant".to_owned(), form]);
    }
    let words = words.iter().chain(options).map(|word| quote(word));
    words.collect::<Vec<_>>().join(" ")
}
