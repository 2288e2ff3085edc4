//! Which capabilities a plan asks for, beyond what every run does.

use std::collections::BTreeSet;

use super::capability::Capability;
use crate::plan::{Step, TopologyPlan};
use crate::scenario::RulesetTool;

/// What the machine must offer for the steps of this plan.
pub fn needed_by(plan: &TopologyPlan) -> BTreeSet<Capability> {
    plan.steps().iter().filter_map(needed).collect()
}

fn needed(step: &Step) -> Option<Capability> {
    match step {
        Step::Ruleset { ruleset, .. } => Some(match ruleset.tool {
            RulesetTool::Nftables => Capability::Nftables,
            RulesetTool::Iptables | RulesetTool::Ip6tables => Capability::Iptables,
        }),
        Step::Bridge { config, .. } if config.vlan_filtering == Some(true) => {
            Some(Capability::VlanFiltering)
        }
        Step::Vlan { .. } => Some(Capability::VlanFiltering),
        Step::Sysctl {
            key,
            optional: false,
            ..
        } if key.starts_with("net.bridge.") => Some(Capability::BridgeNetfilter),
        _ => None,
    }
}
