//! What single scenarios need of this machine, beyond what every run does.

use std::collections::BTreeSet;

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::needs::needed_by;
use bridgelab_harness::plan::{GuestKind, TopologyPlan};
use tokio::runtime::Runtime;

use super::wanted::Wanted;

/// For each of `wanted`, what it needs and this machine has not. The machine is examined only where one needs anything.
pub(super) fn unmet(runtime: &Runtime, wanted: &[Wanted], guests: GuestKind) -> Vec<Vec<Unmet>> {
    let needs: Vec<BTreeSet<Capability>> = wanted
        .iter()
        .map(|one| needed_by(&TopologyPlan::with_guests(&one.scenario, guests)))
        .collect();
    if needs.iter().all(BTreeSet::is_empty) {
        return vec![Vec::new(); wanted.len()];
    }
    let report = runtime.block_on(crate::doctor::examine(false));
    let lacks = |needed: &BTreeSet<Capability>| {
        let needed: Vec<Capability> = needed.iter().copied().collect();
        report.require(&needed).err().unwrap_or_default()
    };
    needs.iter().map(lacks).collect()
}
