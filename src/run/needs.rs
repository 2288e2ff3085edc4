//! What single scenarios need of this machine, beyond what every run does.

use std::collections::BTreeSet;

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::needs::needed_by;
use bridgelab_harness::host::tool::{Tool, locate};
use bridgelab_harness::plan::GuestKind;
use tokio::runtime::Runtime;

use super::wanted::Wanted;

/// What a run needs beyond what every run does.
pub(super) fn of(one: &Wanted, guests: GuestKind) -> BTreeSet<Capability> {
    needed_by(&one.scenario, guests)
}

/// For each of `wanted`, what it needs and this machine has not. The machine is examined only where one needs what takes
/// more than a look for a program: that takes as long as a small run.
pub(super) fn unmet(runtime: &Runtime, wanted: &[Wanted], guests: GuestKind) -> Vec<Vec<Unmet>> {
    let tcpdump = locate(Tool::Tcpdump).is_some();
    let needs: Vec<BTreeSet<Capability>> = wanted
        .iter()
        .map(|one| {
            let mut needs = of(one, guests);
            needs.retain(|need| *need != Capability::Tcpdump || !tcpdump);
            needs
        })
        .collect();
    if needs.iter().all(BTreeSet::is_empty) {
        return vec![Vec::new(); wanted.len()];
    }
    let prove_kvm = needs.iter().any(|needs| needs.contains(&Capability::Kvm));
    let report = runtime.block_on(crate::doctor::examine(prove_kvm));
    let lacks = |needed: &BTreeSet<Capability>| {
        let needed: Vec<Capability> = needed.iter().copied().collect();
        report.require(&needed).err().unwrap_or_default()
    };
    needs.iter().map(lacks).collect()
}
