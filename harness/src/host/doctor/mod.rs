//! The whole machine in one report: what is here, what is not, and what mends it.

mod report;
mod resources;
mod text;

pub use text::Style;

pub use report::DoctorReport;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;

use super::capability::Capability;
use super::finding::{Finding, Status, Unmet};
use super::isolate::users;
use super::kvm::{KvmVerdict, known_kvm, prove_kvm};
use super::modules::kernel_release;
use super::probe::{ProbeCommand, Sysctls, findings, probe};
use super::setup::{Distribution, setup_command};
use super::tool::{Tool, Tools};
use crate::deadline::Deadline;
use crate::scenario::HypervisorKind;

/// Time for the probe, which takes a tenth of a second unless the machine is overloaded.
const PROBE_TIME: Duration = Duration::from_secs(10);
/// Time for the proof of KVM: a stock kernel boots up to its root in a second under a real KVM.
const KVM_TIME: Duration = Duration::from_secs(10);
/// Where the archive keys are; trixie and later use the second name.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// What to examine, and with what.
#[derive(Debug, Clone)]
pub struct Doctor {
    /// How to start the process that tries the kernel's features.
    pub probe: ProbeCommand,
    /// Folder of images, templates and remembered verdicts.
    pub cache: PathBuf,
    /// A kernel to prove KVM with: the guest image's, if one has been built.
    pub kernel: Option<PathBuf>,
    /// Programs that the user wants taken from elsewhere than `PATH`.
    pub instead: BTreeMap<Tool, PathBuf>,
    /// Whether to boot a guest under KVM; without it KVM stays unproven unless a fact rules it out.
    pub prove_kvm: bool,
}

impl Doctor {
    /// Examines this program's machine with everything from its usual place.
    pub fn new(cache: PathBuf) -> Self {
        Self {
            probe: ProbeCommand::this_program(),
            cache,
            kernel: None,
            instead: BTreeMap::new(),
            prove_kvm: true,
        }
    }

    /// Looks at everything. Takes well under a second, apart from a first proof of KVM.
    pub async fn examine(&self, by: Deadline) -> DoctorReport {
        let distribution = Distribution::detect();
        let root = geteuid().is_root();
        let (tools, probed) = tokio::join!(
            Tools::find(&self.instead, &distribution, by),
            probe(&self.probe, by.child(PROBE_TIME))
        );
        let kvm = self.kvm(&tools, by.child(KVM_TIME)).await;
        let mut found = findings(&probed, Sysctls::read(), &distribution, root);
        found.extend(programs(&tools));
        found.push(keyring(&distribution));
        found.push(kvm_finding(&kvm));
        found.push(resources::memory());
        found.push(resources::disk(&self.cache));
        found.sort_by_key(|finding| finding.capability);
        DoctorReport {
            schema: DoctorReport::SCHEMA,
            kernel: kernel_release(),
            architecture: std::env::consts::ARCH,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            root,
            shares_user_namespace: root.then(users::refused).flatten(),
            setup: setup_command(&installable(&found, &tools), &distribution),
            distribution,
            findings: found,
            kvm,
            tools,
        }
    }

    async fn kvm(&self, tools: &Tools, by: Deadline) -> KvmVerdict {
        let qemu = match tools.path(Tool::Vmm(HypervisorKind::default())) {
            Ok(qemu) => qemu,
            Err(unmet) if unmet.unanswered => {
                return KvmVerdict::Unanswered {
                    reason: unmet.reason,
                };
            }
            Err(unmet) => {
                return KvmVerdict::Unproven {
                    reason: unmet.reason,
                };
            }
        };
        if self.prove_kvm {
            return prove_kvm(qemu, self.kernel.as_deref(), Some(&self.cache), by).await;
        }
        known_kvm(qemu, Some(&self.cache)).unwrap_or_else(|| KvmVerdict::Unproven {
            reason: "no guest was to be started for it".to_owned(),
        })
    }
}

impl DoctorReport {
    /// See [`DoctorReport::schema`].
    pub const SCHEMA: u32 = 2;

    /// What was found about `capability`.
    pub fn finding(&self, capability: Capability) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|finding| finding.capability == capability)
    }

    /// What `run` cannot do without and is absent.
    pub fn missing(&self) -> Vec<&Finding> {
        let absent = |finding: &&Finding| matches!(finding.status, Status::Absent { .. });
        self.required().filter(absent).collect()
    }

    /// What `run` cannot do without and of which nothing is known.
    pub fn unanswered(&self) -> Vec<&Finding> {
        let unknown = |finding: &&Finding| matches!(finding.status, Status::Unanswered { .. });
        self.required().filter(unknown).collect()
    }

    fn required(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.capability.required())
    }

    /// Capabilities that are absent and that a package may bring, required ones and small ones: what to hand to
    /// `run_setup`.
    pub fn installable(&self) -> Vec<Capability> {
        installable(&self.findings, &self.tools)
    }

    /// Whether `run` can work at all, as far as was answered.
    pub fn ready(&self) -> bool {
        self.missing().is_empty()
    }

    /// Whether all of `needed` are here.
    ///
    /// # Errors
    /// One [`Unmet`] for each that is not.
    pub fn require(&self, needed: &[Capability]) -> Result<(), Vec<Unmet>> {
        let unmet: Vec<Unmet> = needed
            .iter()
            .filter_map(|one| self.finding(*one)?.unmet())
            .collect();
        if unmet.is_empty() { Ok(()) } else { Err(unmet) }
    }

    /// As a table for people.
    pub fn to_text(&self, style: Style) -> String {
        text::render(self, style)
    }
}

/// One finding for each program; a capability of several programs is as good as its worst.
fn programs(tools: &Tools) -> Vec<Finding> {
    let mut found: BTreeMap<Capability, Finding> = BTreeMap::new();
    for tool in Tool::all() {
        let capability = tool.capability();
        // Subordinate ids are reported on by the probe, which really uses them.
        if capability == Capability::SubordinateIds {
            continue;
        }
        let one = match tools.get(tool) {
            Ok(here) => Finding::present(
                capability,
                here.version.clone(),
                here.path.display().to_string(),
            ),
            Err(unmet) if unmet.unanswered => Finding::unanswered(capability, unmet.reason),
            Err(unmet) => Finding::absent(capability, unmet.reason, unmet.remedy),
        };
        // An absent program counts more than one of which nothing is known.
        let rank = |finding: &Finding| match finding.status {
            Status::Present { .. } => 0,
            Status::Unanswered { .. } => 1,
            Status::Absent { .. } => 2,
        };
        let known = found.get(&capability);
        if known.is_none_or(|known| rank(known) < rank(&one)) {
            found.insert(capability, one);
        }
    }
    found.into_values().collect()
}

fn keyring(distribution: &Distribution) -> Finding {
    let capability = Capability::DebianKeyring;
    match KEYRINGS.into_iter().find(|path| Path::new(path).exists()) {
        Some(path) => Finding::present(capability, None, path),
        None => Finding::absent(
            capability,
            format!("no {}", KEYRINGS[0]),
            setup_command(&[capability], distribution),
        ),
    }
}

fn kvm_finding(verdict: &KvmVerdict) -> Finding {
    match verdict {
        KvmVerdict::Works { seen } => Finding::present(Capability::Kvm, None, seen),
        KvmVerdict::No { reason, remedy } => {
            Finding::absent(Capability::Kvm, reason, remedy.clone())
        }
        KvmVerdict::Unproven { reason } => {
            Finding::absent(Capability::Kvm, format!("not proven: {reason}"), None)
        }
        KvmVerdict::Unanswered { reason } => Finding::unanswered(Capability::Kvm, reason),
    }
}

/// Capabilities that are absent and that a package brings. Where the helpers of subordinate ids are here, a range of
/// ids is what is lacking, and no package brings that.
fn installable(findings: &[Finding], tools: &Tools) -> Vec<Capability> {
    let helpers_are_here = [Tool::Newuidmap, Tool::Newgidmap]
        .iter()
        .all(|tool| tools.get(*tool).is_ok());
    let absent = |finding: &&Finding| matches!(finding.status, Status::Absent { .. });
    let absent = findings.iter().filter(absent);
    absent
        .map(|finding| finding.capability)
        .filter(|capability| capability.required() || capability.small())
        .filter(|capability| *capability != Capability::SubordinateIds || !helpers_are_here)
        .collect()
}

#[cfg(test)]
mod tests;
