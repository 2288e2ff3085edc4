//! The kernel's settings that forbid namespaces.

use std::fs;
use std::path::Path;

/// Settings that forbid user namespaces; `None` where the kernel has no such setting.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sysctls {
    pub(super) unprivileged_userns_clone: Option<u64>,
    pub(super) max_user_namespaces: Option<u64>,
    pub(super) max_net_namespaces: Option<u64>,
    pub(super) apparmor_restricts: Option<u64>,
}

impl Sysctls {
    pub(crate) fn read() -> Self {
        let number = |path: &str| {
            let text = fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?;
            text.trim().parse().ok()
        };
        Self {
            unprivileged_userns_clone: number("kernel/unprivileged_userns_clone"),
            max_user_namespaces: number("user/max_user_namespaces"),
            max_net_namespaces: number("user/max_net_namespaces"),
            apparmor_restricts: number("kernel/apparmor_restrict_unprivileged_userns"),
        }
    }

    /// The setting in the way, as `name=value` that opens it.
    pub(super) fn obstacle(self, root: bool) -> Option<&'static str> {
        let never = |value: Option<u64>| value == Some(0);
        if never(self.max_net_namespaces) {
            return Some("user.max_net_namespaces=15000");
        }
        if root {
            return None;
        }
        if never(self.max_user_namespaces) {
            return Some("user.max_user_namespaces=15000");
        }
        if never(self.unprivileged_userns_clone) {
            return Some("kernel.unprivileged_userns_clone=1");
        }
        (self.apparmor_restricts == Some(1))
            .then_some("kernel.apparmor_restrict_unprivileged_userns=0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_named_and_root_is_not_told_of_user_namespaces() {
        let clone = Sysctls {
            unprivileged_userns_clone: Some(0),
            ..Sysctls::default()
        };
        assert_eq!(
            clone.obstacle(false),
            Some("kernel.unprivileged_userns_clone=1")
        );
        assert_eq!(clone.obstacle(true), None);
        let users = Sysctls {
            max_user_namespaces: Some(0),
            ..Sysctls::default()
        };
        assert_eq!(
            users.obstacle(false),
            Some("user.max_user_namespaces=15000")
        );
        let nets = Sysctls {
            max_net_namespaces: Some(0),
            ..Sysctls::default()
        };
        assert_eq!(nets.obstacle(true), Some("user.max_net_namespaces=15000"));
        let open = Sysctls {
            unprivileged_userns_clone: Some(1),
            max_user_namespaces: Some(9),
            max_net_namespaces: Some(9),
            apparmor_restricts: Some(0),
        };
        assert_eq!(open.obstacle(false), None);
    }
}
