//! What single scenarios need of this machine beyond what every run needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::needs::needed_by;
use bridgelab_harness::host::tool::{Tool, locate};
use bridgelab_harness::plan::{Accelerator, GuestKind};
use bridgelab_harness::scenario::HypervisorKind;
use bridgelab_harness::scenario::vmm::Feature;
use tokio::runtime::Runtime;

use super::planned::Planned;
use super::wanted::Wanted;
use crate::cli::RunArgs;
use crate::doctor::Accelerated;

/// Capabilities that a run needs beyond what every run needs.
pub(super) fn of(one: &Wanted, guests: GuestKind) -> BTreeSet<Capability> {
    let mut needs = needed_by(&one.scenario, guests);
    for kind in vmms(one, guests) {
        needs.insert(Capability::Vmm(kind));
        let named = kind.needs.iter();
        needs.extend(named.filter_map(|name| Capability::named(name)));
    }
    needs
}

/// What a run lacks whose VMMs need KVM, on a machine whose guests run on `here`. `unanswered`: nobody knows whether it has
/// KVM.
pub(super) fn without_kvm(
    one: &Wanted,
    guests: GuestKind,
    ((accelerator, why), unanswered): (&Accelerated, bool),
) -> Vec<Unmet> {
    match accelerator {
        Accelerator::Kvm => Vec::new(),
        Accelerator::Tcg => vmms(one, guests)
            .filter_map(|kind| no_kvm(kind, why, unanswered))
            .collect(),
    }
}

/// Finds what this machine lacks for each run. The machine is examined only where a run needs more than a program on `PATH`,
/// since that takes as long as a small run.
pub(super) fn find_lacking(runtime: &Runtime, planned: &mut [Planned<'_>], args: &RunArgs) {
    let guests = GuestKind::from(args.guests);
    let tcpdump = locate(Tool::Tcpdump).is_some();
    for run in &mut *planned {
        run.needs = of(run.wanted, guests);
        run.needs
            .retain(|need| *need != Capability::Tcpdump || !tcpdump);
    }
    let needs = || planned.iter().map(|run| &run.needs);
    let report = needs().any(|needs| !needs.is_empty()).then(|| {
        let prove_kvm = needs().any(|needs| needs.contains(&Capability::Kvm));
        runtime.block_on(crate::doctor::examine(prove_kvm, &args.vmms))
    });
    for run in planned {
        run.lacking.clear();
        if guests == GuestKind::Vm {
            run.lacking
                .extend(run.wanted.scenario.beyond.iter().map(beyond));
        }
        let needed: Vec<Capability> = run.needs.iter().copied().collect();
        let required = report.as_ref().map(|report| report.require(&needed));
        let unmet = required.and_then(Result::err).unwrap_or_default();
        run.lacking.extend(unmet);
    }
}

/// The VMMs of a run's guests, without QEMU, which every run needs.
pub(super) fn vmms(one: &Wanted, guests: GuestKind) -> impl Iterator<Item = HypervisorKind> {
    let guests = match guests {
        GuestKind::Vm => Some(one.scenario.guests.values()),
        GuestKind::Ghost => None,
    };
    let kinds = guests.into_iter().flatten().map(|guest| guest.hypervisor);
    let kinds: BTreeSet<HypervisorKind> = kinds.collect();
    kinds
        .into_iter()
        .filter(|kind| *kind != HypervisorKind::default())
}

/// Paths of the VMMs of a run's guests on this machine, without QEMU. VMMs of other runs do not matter, and a lab VM has none
/// of its own.
pub(super) fn programs(one: &Wanted, args: &RunArgs) -> BTreeMap<HypervisorKind, PathBuf> {
    let kinds = vmms(one, args.guests.into());
    let found = kinds.filter_map(|kind| Some((kind, args.vmms.find(kind)?)));
    found.collect()
}

/// What a scenario asks of its VMM that the VMM cannot do.
fn beyond((kind, reason): &(HypervisorKind, String)) -> Unmet {
    Unmet {
        capability: Capability::Vmm(*kind),
        reason: reason.clone(),
        remedy: None,
        unanswered: false,
    }
}

fn no_kvm(kind: HypervisorKind, why: &str, unanswered: bool) -> Option<Unmet> {
    (!kind.can(Feature::Emulation)).then(|| Unmet {
        capability: Capability::Kvm,
        reason: format!("{kind} {}: {why}", kind.without(Feature::Emulation)),
        remedy: None,
        unanswered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Guests;
    use crate::commands::{checked, root};
    use bridgelab_harness::hypervisor::CLOUD_HYPERVISOR;
    use bridgelab_harness::scenario::Overrides;

    fn wanted(hypervisor: &str) -> Wanted {
        let path = root().join("scenarios/tiny-guest/scenario.toml");
        let overrides = [Overrides::new("hypervisor", hypervisor).expect("a VMM's name")];
        let loaded = checked(&path, &overrides).expect("a valid scenario");
        let form = loaded.scenario(None).expect("its green form");
        let sources = crate::run::wanted::read(&path, &loaded).expect("its files");
        Wanted::new(&path, &form, Guests::Vm, &overrides, &sources)
    }

    #[test]
    fn a_run_gets_the_vmms_of_its_own_guests() {
        let mut args = RunArgs::default();
        args.vmms.cloud_hypervisor = Some("/opt/cloud-hypervisor".into());
        let found = |hypervisor| programs(&wanted(hypervisor), &args);
        let own = BTreeMap::from([(CLOUD_HYPERVISOR, PathBuf::from("/opt/cloud-hypervisor"))]);
        assert_eq!(found("cloud-hypervisor"), own);
        assert_eq!(found("qemu"), BTreeMap::new());
    }
}
