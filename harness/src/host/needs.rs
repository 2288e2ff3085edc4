//! Which capabilities a plan and its scenario ask for, beyond what every run does.

use std::collections::BTreeSet;

use super::capability::Capability;
use crate::plan::{GuestKind, Step, TopologyPlan};
use crate::scenario::step::Action;
use crate::scenario::{RulesetTool, Scenario};

/// What the machine must offer for the steps of this plan.
pub fn needed_by(plan: &TopologyPlan) -> BTreeSet<Capability> {
    plan.steps().iter().flat_map(needed).copied().collect()
}

/// What the machine must offer for what is done once the plan stands, and for what the guests' VMMs are given.
pub fn needed_later(scenario: &Scenario, guests: GuestKind) -> BTreeSet<Capability> {
    let impairs = scenario
        .steps
        .iter()
        .any(|step| matches!(step.action, Some(Action::Impair { .. })));
    let mut nics = scenario.guests.values().flat_map(|guest| &guest.interfaces);
    let vhost = guests == GuestKind::Vm && nics.any(|interface| interface.nic.vhost);
    let needs = [(impairs, Capability::Netem), (vhost, Capability::VhostNet)];
    let needs = needs.into_iter().filter(|(needed, _)| *needed);
    needs.map(|(_, capability)| capability).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_text;
    use std::path::Path;

    fn needs(text: &str, guests: GuestKind) -> Vec<Capability> {
        let text = format!("version = 1\nsummary = 'x'\n{text}");
        let loaded = load_text(Path::new("needs.toml"), text).expect("valid");
        let green = loaded.forms().next().expect("a form");
        let mut needs = needed_by(&TopologyPlan::with_guests(green, guests));
        needs.extend(needed_later(green, guests));
        needs.into_iter().collect()
    }

    /// What a run would find out only once it is under way is known before, so that another machine can be chosen.
    #[test]
    fn what_comes_late_is_needed_all_the_same() {
        let check = "[[checks]]\nid = 'up'\nfrom = 'router'\nping = { to = '192.168.1.20' }\n";
        let netem =
            "[[steps]]\nid = 'lossy'\nimpair = { on = 'router', interface = 'lan0', loss = 50 }\n";
        let both = format!("{netem}{check}");
        assert_eq!(needs(&both, GuestKind::Ghost), [Capability::Netem]);
        let guest = "[machines.host]\n[guests.a]\nimage = 'tiny'\n\
            interfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01', vhost = true }]\n";
        let vhost = format!("{guest}{check}");
        assert_eq!(needs(&vhost, GuestKind::Vm), [Capability::VhostNet]);
        assert_eq!(needs(&vhost, GuestKind::Ghost), []);
        assert_eq!(needs(check, GuestKind::Vm), []);
    }
}
