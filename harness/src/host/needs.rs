//! Which capabilities a scenario asks for, beyond what every run does.

use std::collections::BTreeSet;

use super::capability::Capability;
use super::unit_needs::asked_by;
use crate::plan::{GuestKind, Operation, TopologyPlan};
use crate::scenario::{Action, Change, RulesetTool, Scenario, VantagePoint};

/// What the machine must offer for this scenario: what the scenario names in `needs`, what its plan makes, and what its
/// checks and steps use.
pub fn needed_by(scenario: &Scenario, guests: GuestKind) -> BTreeSet<Capability> {
    let plan = TopologyPlan::with_guests(scenario, guests);
    let named = scenario.needs.iter();
    let named = named.filter_map(|name| Capability::named(name));
    let planned = plan.steps().iter().flat_map(planned).copied();
    let links = plan.steps().iter().flat_map(|step| match step {
        Operation::Link(link) => link.needs(),
        _ => Vec::new(),
    });
    let units = plan.steps().iter().flat_map(|step| match step {
        Operation::Networkd { units, .. } => asked_by(units),
        _ => BTreeSet::new(),
    });
    let machine = |on: &VantagePoint| match on {
        VantagePoint::Machine(_) => true,
        // A ghost runs on this computer's kernel, a guest on its own.
        VantagePoint::Guest(_) => guests == GuestKind::Ghost,
        VantagePoint::Container(..) => false,
    };
    let actions = scenario.steps.iter();
    let actions = actions.filter_map(|step| step.action.as_deref());
    let changes = actions.clone().flat_map(Action::changes);
    let written = changes.flat_map(|change| match change {
        Change::WritesUnit { on, unit } if machine(on) => asked_by(std::slice::from_ref(unit)),
        _ => BTreeSet::new(),
    });
    let checks = scenario.checks.iter();
    let looking = checks.filter_map(|check| check.kind.needs());
    let doing = actions.flat_map(Action::needs);
    let said = links.chain(looking).chain(doing).filter_map(declared);
    let mut needs: BTreeSet<_> = named.chain(planned).chain(said).collect();
    needs.extend(units.chain(written));
    // QEMU only warns when there is no vhost, and goes on without it: the guest would not have what the scenario asks
    // for.
    let mut nics = scenario.guests.values().flat_map(|guest| &guest.interfaces);
    if guests == GuestKind::Vm && nics.any(|nic| nic.nic.vhost) {
        needs.insert(Capability::VhostNet);
    }
    needs
}

/// The capability that a kind of link or check, or an action, says it needs. A name without a capability is a fault of
/// the kind or action.
fn declared(name: &'static str) -> Option<Capability> {
    let known = Capability::named(name);
    debug_assert!(known.is_some(), "there is no capability `{name}`");
    known
}

fn planned(step: &Operation) -> &'static [Capability] {
    match step {
        Operation::Ruleset { ruleset, .. } => match ruleset.tool {
            RulesetTool::Nftables => &[Capability::Nftables],
            RulesetTool::Iptables | RulesetTool::Ip6tables => &[Capability::Iptables],
        },
        Operation::Vlan { .. } => &[Capability::VlanFiltering],
        Operation::Sysctl {
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

    fn needs(text: &str, guests: GuestKind) -> Vec<&'static str> {
        let text = format!("version = 1\nsummary = 'x'\n{text}");
        let loaded = load_text(std::path::Path::new("x.toml"), text).expect("a scenario");
        let scenario = loaded.scenario(None).expect("its green form");
        let needs = needed_by(&scenario, guests).into_iter();
        needs.map(Capability::name).collect()
    }

    #[test]
    fn what_checks_and_steps_use_is_needed() {
        let packet = "packet = { interface = 'eth0', filter = 'icmp' }";
        let check = format!("[[checks]]\nid = 'a'\nfrom = 'desktop'\n{packet}\n");
        assert_eq!(needs(&check, GuestKind::Ghost), ["tcpdump"]);
        let wait = format!("[[steps]]\nid = 'a'\n[steps.wait_for]\nfrom = 'desktop'\n{packet}\n");
        assert_eq!(needs(&wait, GuestKind::Ghost), ["tcpdump"]);
        let bridge = "[[steps]]\nid = 'a'\n\
            add_bridge = { on = 'desktop', name = 'br1', vlan_filtering = true }\n";
        assert_eq!(needs(bridge, GuestKind::Ghost), ["vlan-filtering"]);
        let lossy =
            "[[steps]]\nid = 'a'\nimpair = { on = 'router', interface = 'lan0', loss = 50 }\n";
        assert_eq!(needs(lossy, GuestKind::Ghost), ["netem"]);
        assert_eq!(needs("needs = ['netem']\n", GuestKind::Ghost), ["netem"]);
    }

    #[test]
    fn a_unit_that_is_written_later_asks_for_its_kind() {
        let step = |on: &str| {
            let unit = "name = '20-x.netdev', content = '''[NetDev]\nKind=vlan\n'''";
            format!("[[steps]]\nid = 'a'\nwrite_unit = {{ on = '{on}', {unit} }}\n")
        };
        let guest = "[guests.a]\nunits = 'guest'\n\
            interfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n";
        let host = "[machines.host]\nnetworkd = 'host'\n";
        let both = format!("{host}{guest}");
        let asked = |on: &str, guests| {
            let folder = tempfile::tempdir().expect("a folder");
            for units in ["host", "guest"] {
                let units = folder.path().join(units);
                std::fs::create_dir(&units).expect("a folder");
                let unit = "[Match]\nName=e*\n";
                std::fs::write(units.join("10-e.network"), unit).expect("a unit");
            }
            let text = format!("version = 1\nsummary = 'x'\n{both}{}", step(on));
            let loaded = load_text(&folder.path().join("x.toml"), text).expect("a scenario");
            let scenario = loaded.scenario(None).expect("its green form");
            let needs = needed_by(&scenario, guests).into_iter();
            needs.map(Capability::name).collect::<Vec<_>>()
        };
        assert_eq!(asked("host", GuestKind::Vm), ["vlan"]);
        assert_eq!(asked("a", GuestKind::Ghost), ["vlan"]);
        assert_eq!(asked("a", GuestKind::Vm), [""; 0]);
    }

    #[test]
    fn vhost_is_a_matter_of_micro_vms() {
        let guest = "[guests.a]\n\
            interfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01', vhost = true }]\n";
        assert_eq!(needs(guest, GuestKind::Vm), ["vhost-net"]);
        assert_eq!(needs(guest, GuestKind::Ghost), [""; 0]);
    }
}
