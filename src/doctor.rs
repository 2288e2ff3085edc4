//! `bridgelab doctor`, and the preparations of `run`: what this machine lacks, installing it, and the accelerator.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use bridgelab_harness::deadline::Deadline;
use bridgelab_harness::host::capability::{Capability, Need};
use bridgelab_harness::host::doctor::{Doctor, DoctorReport, Style};
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::kvm::{
    Accelerator, AcceleratorRequest, KvmVerdict, accelerator_for_nesting, prove_kvm,
    select_accelerator,
};
use bridgelab_harness::host::setup::{self, run_setup};
use bridgelab_harness::host::tool::{Tool, locate};
use bridgelab_harness::hypervisor::CLOUD_HYPERVISOR;
use bridgelab_harness::image::{Recipe, Store};
use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::HypervisorKind;
use clap::Args;
use tokio::runtime::Runtime;

use crate::cli::{Accel, Guests, Lab, RunArgs};
use crate::commands::complain;
use crate::output::say;
use crate::own::images;

/// Options of `bridgelab doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Install what is missing (apt; on other systems the packages are named).
    #[arg(long)]
    setup: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    vmms: VmmArgs,
}

/// Where VMMs are that are not on `PATH`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct VmmArgs {
    /// The cloud-hypervisor to run guests with; without it, the one on PATH.
    #[arg(long, value_name = "PATH", env = "BRIDGELAB_CLOUD_HYPERVISOR")]
    pub(crate) cloud_hypervisor: Option<PathBuf>,
}

impl VmmArgs {
    /// Programs that are used in the place of those on `PATH`. A relative path starts at the working directory.
    pub(crate) fn instead(&self) -> BTreeMap<Tool, PathBuf> {
        let path = self.cloud_hypervisor.as_ref();
        let path = path.map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        path.map(|path| (Tool::Vmm(CLOUD_HYPERVISOR), path))
            .into_iter()
            .collect()
    }

    /// Path of the VMM; `None`: it is not on this machine.
    pub(crate) fn find(&self, kind: HypervisorKind) -> Option<PathBuf> {
        let tool = Tool::Vmm(kind);
        self.instead().remove(&tool).or_else(|| locate(tool))
    }
}

/// Examines the machine. Exit code 3: no run is possible on it; 4: the examination itself did not come to an end.
pub(crate) fn doctor(args: &DoctorArgs) -> i32 {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: start the runtime: {error}");
            return exit_code::BROKEN;
        }
    };
    let report = runtime.block_on(async {
        let report = examine(true, &args.vmms).await;
        if args.setup && install(&report).await {
            examine(true, &args.vmms).await
        } else {
            report
        }
    });
    if args.json {
        say(&serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        let style = if std::io::stdout().is_terminal() {
            Style::Colour
        } else {
            Style::Plain
        };
        say(report.to_text(style).trim_end());
    }
    match report.ready() {
        false => exit_code::HOST_CANNOT,
        true if report.unanswered().is_empty() => exit_code::PASSED,
        true => exit_code::BROKEN,
    }
}

pub(crate) async fn examine(prove: bool, vmms: &VmmArgs) -> DoctorReport {
    let cache = Store::cache_folder();
    let mut doctor = Doctor::new(cache.clone());
    doctor.prove_kvm = prove;
    doctor.instead = vmms.instead();
    if let Ok(recipe) = Recipe::find(&images(), "debian")
        && let Ok(Some(image)) = Store::new(&cache).get(&recipe)
    {
        doctor.kernel = Some(image.kernel());
    }
    doctor.examine(Deadline::secs(60)).await
}

/// Builds with cargo the missing programs that are crates. Returns whether there were any.
pub(crate) fn install_crates<'a>(
    runtime: &Runtime,
    lacking: impl Iterator<Item = &'a Unmet>,
) -> bool {
    let missing: BTreeSet<Capability> = lacking.map(|one| one.capability).collect();
    let missing: Vec<Capability> = missing.into_iter().collect();
    let mut progress = |line: &str| {
        let _ = writeln!(anstream::stderr(), "{line}");
    };
    let made = setup::install_crates(&missing, &mut progress, Deadline::secs(1200));
    runtime.block_on(made).unwrap_or_else(|error| {
        complain(&error);
        false
    })
}

/// Installs what packages provide. Returns whether anything was installed.
async fn install(report: &DoctorReport) -> bool {
    let missing = report.installable();
    if missing.is_empty() {
        return false;
    }
    let mut progress = |line: &str| {
        let _ = writeln!(anstream::stderr(), "{line}");
    };
    match run_setup(
        &missing,
        &report.distribution,
        &mut progress,
        Deadline::secs(1200),
    )
    .await
    {
        Ok(done) => !done.installed.is_empty(),
        Err(error) => {
            complain(&error);
            false
        }
    }
}

/// An accelerator, and why that one.
pub(crate) type Accelerated = (Accelerator, String);

/// What this machine can run scenarios with.
pub(crate) struct Ready {
    /// The accelerator of guests on this machine, or why the one that was asked for is not there.
    pub(crate) here: Result<Accelerated, Unmet>,
    /// The accelerator of a VM that a lab runs in.
    pub(crate) lab_vm: Accelerated,
    /// Whether the proof of KVM was ended before it had a result.
    pub(crate) kvm_unanswered: bool,
}

impl Ready {
    fn with(here: Result<Accelerated, Unmet>) -> Self {
        let lab_vm = match &here {
            Ok((accelerator, why)) => accelerator_for_nesting(*accelerator, why),
            Err(unmet) => accelerator_for_nesting(Accelerator::Tcg, &unmet.reason),
        };
        Self {
            here,
            lab_vm,
            kvm_unanswered: false,
        }
    }
}

/// Makes sure that this machine can run scenarios, and chooses the accelerators. `image` is the image that KVM is proven with;
/// `None`: there are no guests.
///
/// # Errors
/// Everything that is missing, each with its remedy.
pub(crate) fn ready(
    runtime: &Runtime,
    args: &RunArgs,
    image: Option<&str>,
) -> Result<Ready, Vec<Unmet>> {
    if args.guests == Guests::Ghost && args.lab == Lab::Here && crate::ghosts::programs_are_here() {
        return Ok(Ready::with(Ok(crate::ghosts::accelerator())));
    }
    runtime.block_on(async {
        let mut report = examine(false, &args.vmms).await;
        if args.setup && install(&report).await {
            report = examine(false, &args.vmms).await;
        }
        let wanted = |capability: &Capability| match capability.need() {
            _ if args.lab == Lab::Vm && capability.in_lab_vm() => false,
            Need::Run => args.guests == Guests::Vm || crate::ghosts::NEEDED.contains(capability),
            Need::Image => image.is_some(),
            _ => false,
        };
        let needed: Vec<Capability> = Capability::all().into_iter().filter(wanted).collect();
        if let Err(unmet) = report.require(&needed) {
            if let Some(command) = report.setup.as_ref().filter(|_| !report.ready()) {
                let _ = writeln!(
                    anstream::stderr(),
                    "missing parts can be installed by `--setup`, or by: {command}"
                );
            }
            return Err(unmet);
        }
        if args.guests == Guests::Ghost && args.lab == Lab::Here {
            return Ok(Ready::with(Ok(crate::ghosts::accelerator())));
        }
        let Some(image) = image else {
            return Ok(Ready::with(Ok((
                Accelerator::Tcg,
                "there is no guest".to_owned(),
            ))));
        };
        let request = match args.accel {
            Accel::Auto => AcceleratorRequest::Auto,
            Accel::Kvm => AcceleratorRequest::Kvm,
            Accel::Tcg => return Ok(Ready::with(Ok((Accelerator::Tcg, "asked for".to_owned())))),
        };
        // Get the image first, since KVM is proven with the image's own kernel.
        let kernel = crate::commands::ready_image(image)
            .ok()
            .map(|image| image.kernel());
        let qemu = report
            .tools
            .path(Tool::Vmm(HypervisorKind::default()))
            .map_err(|unmet| vec![unmet])?;
        let verdict = prove_kvm(
            qemu,
            kernel.as_deref(),
            Some(&Store::cache_folder()),
            Deadline::secs(15),
        )
        .await;
        match select_accelerator(request, &verdict) {
            Err(unmet) if args.lab == Lab::Here => Err(vec![unmet]),
            here => Ok(Ready {
                kvm_unanswered: matches!(verdict, KvmVerdict::Unanswered { .. }),
                ..Ready::with(here)
            }),
        }
    })
}
