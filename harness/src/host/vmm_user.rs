//! The user that VMMs run as.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::plan::Accelerator;

/// User and group that VMMs run as in the worker's namespaces: `nobody`, who owns nothing.
pub const VMM_ID: u32 = 65_534;

/// Supplementary groups of a VMM: the one that may open `/dev/kvm`, where that is possible.
pub(crate) fn vmm_groups(accelerator: Accelerator) -> Option<Vec<u32>> {
    let kvm = fs::metadata("/dev/kvm").ok().map(|meta| meta.gid());
    match (accelerator, kvm) {
        // In a user namespace the node's group may be unmapped; those that the caller has stay then.
        (Accelerator::Kvm, Some(group)) if group != VMM_ID => Some(vec![group]),
        (Accelerator::Kvm, _) => None,
        (Accelerator::Tcg, _) => Some(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_user_that_scenarios_know() {
        assert_eq!(VMM_ID.to_string(), crate::scenario::vmm::VMM_USER);
    }
}
