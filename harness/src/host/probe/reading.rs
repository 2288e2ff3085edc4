//! Turns attempts into findings: what an error number means here, and the command that mends it. Pure but for a look at
//! the installed modules and at `/sys`.

use std::path::Path;

use super::child::MOUNTS_PRIVATE;
use super::idmap::user_name;
use super::sysctls::Sysctls;
use super::{Attempt, ProbeError, ProbeReport};
use crate::host::capability::Capability;
use crate::host::finding::Finding;
use crate::host::link_kind::LINK_KINDS;
use crate::host::modules::{as_root, load_command};
use crate::host::setup::{Distribution, setup_command};

/// Capabilities that the probe process answers for, beside the kinds of links.
const PROBED: [Capability; 12] = [
    Capability::Namespaces,
    Capability::SubordinateIds,
    Capability::Bridge,
    Capability::Veth,
    Capability::Tap,
    Capability::Macvtap,
    Capability::DeviceNodes,
    Capability::Netem,
    Capability::VlanFiltering,
    Capability::BridgeNetfilter,
    Capability::VhostNet,
    Capability::VhostVsock,
];

/// One finding for each probed capability, also where the probe failed.
pub(crate) fn findings(
    probed: &Result<ProbeReport, ProbeError>,
    sysctls: Sysctls,
    distribution: &Distribution,
    root: bool,
) -> Vec<Finding> {
    let attempt = |capability| match probed {
        Err(error) => Attempt::Unanswered {
            who: crate::diagnostic::Diagnostic::new(error).chain.join(": "),
        },
        Ok(report) => report
            .attempts
            .get(&capability)
            .cloned()
            .unwrap_or_else(|| Attempt::not_tried("there are no namespaces to try it in")),
    };
    let one = |capability| {
        finding(
            capability,
            &attempt(capability),
            sysctls,
            distribution,
            root,
        )
    };
    let kinds = LINK_KINDS.iter().map(Capability::Link);
    PROBED.into_iter().chain(kinds).map(one).collect()
}

fn finding(
    capability: Capability,
    attempt: &Attempt,
    sysctls: Sysctls,
    distribution: &Distribution,
    root: bool,
) -> Finding {
    let absent = |reason, remedy| Finding::absent(capability, reason, remedy);
    let (doing, said, errno) = match attempt {
        Attempt::Works { detail } => return Finding::present(capability, None, detail),
        Attempt::Unanswered { who } => return Finding::unanswered(capability, who),
        Attempt::NotTried { why } => return absent(format!("not tried: {why}"), None),
        Attempt::NoProgram { program, part_of } => {
            let remedy = setup_command(&[*part_of], distribution);
            return absent(format!("not tried: `{program}` is absent"), remedy);
        }
        Attempt::Failed { doing, said, errno } => (doing, said, *errno),
    };
    let reason = format!("{doing}: {said}");
    match capability {
        Capability::Namespaces => {
            let knob = sysctls.obstacle(root);
            let reason = explained(reason, errno, knob.is_some(), root);
            absent(
                reason,
                knob.map(|set| as_root(&format!("sysctl -w {set}"), root)),
            )
        }
        Capability::SubordinateIds => absent(
            reason,
            (errno == Some(libc::ENOENT)).then(|| subordinate_remedy(root)),
        ),
        Capability::Tap => absent(reason, tap_remedy(errno, root)),
        Capability::VhostNet | Capability::VhostVsock if errno == Some(libc::EACCES) => absent(
            reason,
            Some(as_root(&format!("chmod 0666 /dev/{capability}"), root)),
        ),
        _ => match module_of(capability).map(|module| (module, load_command(module, root))) {
            Some((module, None)) if !Path::new("/sys/module").join(module).exists() => absent(
                format!("{reason}; this kernel has no module `{module}` to load"),
                None,
            ),
            found => absent(reason, found.and_then(|(_, command)| command)),
        },
    }
}

fn explained(reason: String, errno: Option<i32>, knob: bool, root: bool) -> String {
    match (knob, root) {
        // EINVAL of mount(2): only a mount point's propagation can be changed. EINVAL of unshare(2) is another thing: a
        // kernel without namespaces.
        (_, true) if errno == Some(libc::EINVAL) && reason.starts_with(MOUNTS_PRIVATE) => format!(
            "{reason}; the root directory is no mount point, as in a chroot: enter it by pivot_root, or `mount --bind` it onto itself \
             before"
        ),
        (true, _) => reason,
        (false, true) => format!(
            "{reason}; root without CAP_SYS_ADMIN, as in a container that is not privileged"
        ),
        (false, false) => {
            format!("{reason}; no setting forbids it, so a container or a security module does")
        }
    }
}

fn subordinate_remedy(root: bool) -> String {
    let ranges = "--add-subuids 100000-165535 --add-subgids 100000-165535";
    as_root(&format!("usermod {ranges} {}", user_name()), root)
}

fn tap_remedy(errno: Option<i32>, root: bool) -> Option<String> {
    match errno {
        Some(libc::EACCES) => Some(as_root("chmod 0666 /dev/net/tun", root)),
        Some(libc::ENOENT) if Path::new("/sys/devices/virtual/misc/tun").exists() => {
            let make = "mkdir -p /dev/net && mknod -m 0666 /dev/net/tun c 10 200";
            Some(as_root(&format!("sh -c '{make}'"), root))
        }
        Some(libc::ENOENT | libc::ENXIO | libc::ENODEV) => load_command("tun", root),
        _ => None,
    }
}

/// The module that brings a capability.
fn module_of(capability: Capability) -> Option<&'static str> {
    match capability {
        Capability::Bridge => Some("bridge"),
        Capability::Veth => Some("veth"),
        Capability::Macvtap => Some("macvtap"),
        Capability::Netem => Some("sch_netem"),
        Capability::BridgeNetfilter => Some("br_netfilter"),
        Capability::VhostNet => Some("vhost_net"),
        Capability::VhostVsock => Some("vhost_vsock"),
        Capability::Link(kind) => Some(kind.module),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::finding::Status;

    fn found(capability: Capability, attempt: &Attempt, sysctls: Sysctls, root: bool) -> Finding {
        let debian = Distribution::parse("ID=debian\nVERSION_ID=\"13\"\n");
        finding(capability, attempt, sysctls, &debian, root)
    }

    fn refused(errno: i32) -> Attempt {
        Attempt::failed("unshare", std::io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn ubuntus_apparmor_rule_is_named_with_its_sysctl() {
        let ubuntu = Sysctls {
            apparmor_restricts: Some(1),
            max_user_namespaces: Some(9),
            ..Sysctls::default()
        };
        let seen = found(Capability::Namespaces, &refused(libc::EPERM), ubuntu, false);
        let remedy = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
        assert_eq!(seen.remedy.as_deref(), Some(remedy));
    }

    #[test]
    fn root_that_is_refused_is_told_of_its_container() {
        let seen = found(
            Capability::Namespaces,
            &refused(libc::EPERM),
            Sysctls::default(),
            true,
        );
        let Status::Absent { reason } = seen.status else {
            panic!("{seen:?}")
        };
        assert!(reason.contains("CAP_SYS_ADMIN"), "{reason}");
        assert_eq!(seen.remedy, None);
    }

    #[test]
    fn a_chroot_is_told_from_a_container() {
        let error = std::io::Error::from_raw_os_error(libc::EINVAL);
        let attempt = Attempt::failed(MOUNTS_PRIVATE, error);
        let seen = found(Capability::Namespaces, &attempt, Sysctls::default(), true);
        let Status::Absent { reason } = seen.status else {
            panic!("{seen:?}")
        };
        assert!(reason.contains("chroot"), "{reason}");
        assert!(!reason.contains("CAP_SYS_ADMIN"), "{reason}");
    }

    #[test]
    fn a_tun_node_that_may_not_be_opened_is_mended_by_chmod() {
        let seen = found(
            Capability::Tap,
            &refused(libc::EACCES),
            Sysctls::default(),
            false,
        );
        assert_eq!(seen.remedy.as_deref(), Some("sudo chmod 0666 /dev/net/tun"));
    }

    #[test]
    fn what_was_not_tried_for_want_of_a_program_says_how_to_get_it() {
        let seen = |capability, part_of| {
            let attempt = Attempt::NoProgram {
                program: "x".into(),
                part_of,
            };
            found(capability, &attempt, Sysctls::default(), true)
                .remedy
                .unwrap()
        };
        assert!(seen(Capability::Bridge, Capability::Iproute2).ends_with("iproute2"));
        assert!(seen(Capability::SubordinateIds, Capability::SubordinateIds).ends_with("uidmap"));
    }

    #[test]
    fn id_ranges_are_added_where_there_are_none_and_not_where_the_helper_failed() {
        let none = found(
            Capability::SubordinateIds,
            &refused(libc::ENOENT),
            Sysctls::default(),
            false,
        );
        let remedy = none.remedy.unwrap();
        assert!(
            remedy.starts_with(
                "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
            ),
            "{remedy}"
        );
        let helper = Attempt::Failed {
            doing: "map".into(),
            said: "not permitted".into(),
            errno: None,
        };
        let helper = found(
            Capability::SubordinateIds,
            &helper,
            Sysctls::default(),
            false,
        );
        assert_eq!(helper.remedy, None);
    }

    #[test]
    fn a_kernel_without_the_module_says_so() {
        let seen = found(
            Capability::VhostVsock,
            &refused(libc::EACCES),
            Sysctls::default(),
            true,
        );
        assert_eq!(seen.remedy.as_deref(), Some("chmod 0666 /dev/vhost-vsock"));
        if !Path::new("/sys/module/vhost_vsock").exists()
            && load_command("vhost_vsock", true).is_none()
        {
            let seen = found(
                Capability::VhostVsock,
                &refused(libc::ENOENT),
                Sysctls::default(),
                true,
            );
            assert!(
                format!("{seen:?}").contains("no module `vhost_vsock`"),
                "{seen:?}"
            );
        }
    }

    #[test]
    fn every_probed_capability_has_a_finding_when_the_probe_itself_failed() {
        let failed = Err(ProbeError::TimedOut {
            command: "x".into(),
        });
        let debian = Distribution::parse("ID=debian\n");
        let all = findings(&failed, Sysctls::default(), &debian, true);
        assert_eq!(all.len(), PROBED.len() + LINK_KINDS.len());
        let unknown = |finding: &Finding| matches!(finding.status, Status::Unanswered { .. });
        assert!(all.iter().all(unknown), "{all:?}");
    }
}
