//! Which capabilities a plan asks for, beyond what every run does.

use std::collections::BTreeSet;

use super::capability::Capability;
use crate::plan::{Step, TopologyPlan};
use crate::scenario::RulesetTool;

/// What the machine must offer for the steps of this plan.
pub fn needed_by(plan: &TopologyPlan) -> BTreeSet<Capability> {
    plan.steps().iter().flat_map(needed).copied().collect()
}

fn needed(step: &Step) -> &'static [Capability] {
    match step {
        Step::Ruleset { ruleset, .. } => match ruleset.tool {
            RulesetTool::Nftables => &[Capability::Nftables],
            RulesetTool::Iptables | RulesetTool::Ip6tables => &[Capability::Iptables],
        },
        Step::Bridge { config, .. } if config.vlan_filtering == Some(true) => {
            &[Capability::VlanFiltering]
        }
        Step::Vlan { .. } => &[Capability::VlanFiltering],
        Step::Macvtap { .. } => &[Capability::Macvtap, Capability::DeviceNodes],
        // The driver of macvtaps stands on that of macvlans.
        Step::Macvlan { .. } => &[Capability::Macvtap],
        Step::Sysctl {
            key,
            optional: false,
            ..
        } if key.starts_with("net.bridge.") => &[Capability::BridgeNetfilter],
        _ => &[],
    }
}
