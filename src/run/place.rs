//! Where each run's lab stands: on this machine, or in a VM on it.

use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::jobserver::Need;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::image::Image;
use bridgelab_harness::lab::JobImage;
use bridgelab_harness::lab::vm::LabVm;

use super::needs;
use super::wanted::Wanted;
use crate::cli::{Accel, Guests, Lab, RunArgs};
use crate::doctor::Accelerated;

/// Why the lab of a run stands in a VM; `None`: it stands here. Removes from `lacking` what the VM has.
pub(super) fn choose(lab: Lab, lacking: &mut Vec<Unmet>) -> Option<String> {
    let brought = |unmet: &Unmet| unmet.capability.in_lab_vm();
    let reason = match lab {
        Lab::Here => return None,
        Lab::Vm => "asked for".to_owned(),
        // What the examination did not tell may well be here.
        Lab::Auto if lacking.iter().any(|unmet| unmet.unanswered) => return None,
        // A run that the VM would lack something for as well is skipped, for what this machine lacks.
        Lab::Auto if lacking.is_empty() || !lacking.iter().all(brought) => return None,
        Lab::Auto => {
            let names: Vec<&str> = lacking
                .iter()
                .map(|unmet| unmet.capability.name())
                .collect();
            format!("this machine has no {}", names.join(", "))
        }
    };
    lacking.retain(|unmet| !brought(unmet));
    Some(reason)
}

/// The accelerator of guests in a lab VM, and why.
pub(super) fn inside(args: &RunArgs) -> Accelerated {
    match (args.guests, args.accel) {
        (Guests::Ghost, _) => crate::ghosts::accelerator(),
        (Guests::Vm, Accel::Tcg) => (Accelerator::Tcg, "asked for".to_owned()),
        (Guests::Vm, _) => (
            Accelerator::Kvm,
            "that of the VM which the lab stands in".to_owned(),
        ),
    }
}

/// The VM for a run.
pub(super) fn lab_vm(
    args: &RunArgs,
    one: &Wanted,
    image: &Image,
    (accelerator, accelerator_reason): &Accelerated,
    reason: &str,
) -> LabVm {
    let lab = match args.guests {
        Guests::Vm => Need::of(&one.scenario, inside(args).0),
        Guests::Ghost => Need::of_a_lab(),
    };
    let (mem, vcpu) = LabVm::size(lab);
    let needs = needs::of(one, args.guests.into());
    let modules = needs.iter().filter_map(|need| need.module());
    LabVm {
        image: JobImage {
            folder: image.folder.clone(),
            digest: image.digest.clone(),
        },
        accelerator: *accelerator,
        accelerator_reason: accelerator_reason.clone(),
        mem,
        vcpu,
        modules: modules.map(str::to_owned).collect(),
        programs: needs::programs(one, args).into_values().collect(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridgelab_harness::host::capability::Capability;

    fn lacks(capabilities: &[Capability]) -> Vec<Unmet> {
        let unmet = |capability: &Capability| Unmet {
            capability: *capability,
            reason: String::new(),
            remedy: None,
            unanswered: false,
        };
        capabilities.iter().map(unmet).collect()
    }

    /// As [`super::choose`], for several runs.
    fn choose(lab: Lab, lacking: &mut [Vec<Unmet>]) -> Vec<Option<String>> {
        let each = lacking.iter_mut();
        each.map(|lacking| super::choose(lab, lacking)).collect()
    }

    #[test]
    fn only_a_run_that_would_be_skipped_here_goes_into_a_vm_by_itself() {
        use Capability::{Netem, VlanFiltering};
        use bridgelab_harness::hypervisor::CLOUD_HYPERVISOR;
        const CLOUD: Capability = Capability::Vmm(CLOUD_HYPERVISOR);
        let all = || {
            vec![
                lacks(&[]),
                lacks(&[Netem, VlanFiltering]),
                lacks(&[Netem, CLOUD]),
            ]
        };
        let mut lacking = all();
        assert_eq!(choose(Lab::Here, &mut lacking), [None, None, None]);
        assert_eq!(lacking, all());
        let because = "this machine has no netem, vlan-filtering".to_owned();
        assert_eq!(choose(Lab::Auto, &mut lacking), [None, Some(because), None]);
        assert_eq!(lacking, [lacks(&[]), lacks(&[]), lacks(&[Netem, CLOUD])]);
        let mut unknown = vec![lacks(&[Netem])];
        unknown[0][0].unanswered = true;
        assert_eq!(choose(Lab::Auto, &mut unknown), [None]);
        assert_eq!(unknown[0].len(), 1);
        let mut lacking = all();
        assert!(choose(Lab::Vm, &mut lacking).iter().all(Option::is_some));
        assert_eq!(lacking, [lacks(&[]), lacks(&[]), lacks(&[CLOUD])]);
    }
}
