//! What `run --guests ghost` needs of this machine. It needs no image, no QEMU and no KVM, so no time is spent on them.

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::kvm::Accelerator;
use bridgelab_harness::host::tool::{Tool, locate};
use bridgelab_harness::report::{Outcome, RunReport};

use crate::cli::{Guests, RunArgs};

/// Capabilities without which no run with ghosts is possible.
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

/// Programs that these need. Whether the rest is there shows when a run uses it.
const PROGRAMS: [Tool; 6] = [
    Tool::Ip,
    Tool::Bridge,
    Tool::Networkd,
    Tool::DbusDaemon,
    Tool::Dnsmasq,
    Tool::Ping,
];

/// Codes of errors with which a worker says that this host refused it its namespaces.
const DENIED: [&str; 5] = [
    "host.namespace-denied",
    "host.mount-denied",
    "host.id-map",
    "host.no-subordinate-ids",
    "host.few-ids",
];

/// Whether every program that ghosts need is on this machine. No program is started, since an examination of the machine takes
/// as long as a small run. What else is missing, [`blame_the_host`] finds in the run's own error.
pub(crate) fn programs_are_here() -> bool {
    PROGRAMS.into_iter().all(|tool| locate(tool).is_some())
}

/// The accelerator of a run with ghosts. Nothing is emulated, so that times are as with KVM.
pub(crate) fn accelerator() -> (Accelerator, String) {
    (
        Accelerator::Kvm,
        "network namespaces in place of MicroVMs, by --guests ghost".to_owned(),
    )
}

/// Skips a run with ghosts to which this host refused its namespaces. An examination of the host beforehand would have said
/// the same.
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
