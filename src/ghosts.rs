//! What `run --guests ghost` needs of this machine: no image, no QEMU, no KVM, and no time to look for them.

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::kvm::Accelerator;
use bridgelab_harness::host::tool::{Tool, locate};
use bridgelab_harness::report::{Outcome, RunReport};

use crate::cli::{Guests, RunArgs};

/// What a run with ghosts cannot do without.
pub(crate) const NEEDED: [Capability; 9] = [
    Capability::Namespaces,
    Capability::SubordinateIds,
    Capability::Bridge,
    Capability::Veth,
    Capability::Iproute2,
    Capability::Networkd,
    Capability::DbusDaemon,
    Capability::Dnsmasq,
    Capability::Ping,
];

/// The programs among them; the rest shows when a run uses it.
const PROGRAMS: [Tool; 6] = [
    Tool::Ip,
    Tool::Bridge,
    Tool::Networkd,
    Tool::DbusDaemon,
    Tool::Dnsmasq,
    Tool::Ping,
];

/// Errors by which a worker says that this host does not let it have its namespaces.
const DENIED: [&str; 5] = [
    "host.namespace-denied",
    "host.mount-denied",
    "host.id-map",
    "host.no-subordinate-ids",
    "host.few-ids",
];

/// Whether every program that ghosts need is on this machine. None is started: a whole examination takes as long as
/// a small run. What else is missing, [`blame_the_host`] tells from the run itself.
pub(crate) fn programs_are_here() -> bool {
    PROGRAMS.into_iter().all(|tool| locate(tool).is_some())
}

/// Nothing is accelerated: time is the host's own, as with KVM.
pub(crate) fn accelerator() -> (Accelerator, String) {
    (
        Accelerator::Kvm,
        "network namespaces in place of MicroVMs, by --guests ghost".to_owned(),
    )
}

/// A run with ghosts that this host refused its namespaces is skipped with that reason, as an examination of the host
/// beforehand would have said.
pub(crate) fn blame_the_host(args: &RunArgs, mut report: RunReport) -> RunReport {
    let denied = report
        .problem
        .as_ref()
        .is_some_and(|problem| DENIED.contains(&problem.code.as_str()));
    if args.guests == Guests::Ghost {
        report.accelerator = "ghost".to_owned();
        if report.outcome == Outcome::Broken && denied {
            report.outcome = Outcome::Skipped;
        }
    }
    report
}
