//! Decides whether a scenario's files and settings can still be put into a guest that starts from a template: only what
//! no program has read before. Pure.

use crate::guest::sysctls;
use crate::scenario::Guest;
use crate::scenario::provides::Provides;

/// Places of files that are read by programs which start after the guest has its identity, or that are read at each
/// use.
const READ_LATER: [&str; 9] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/ssh/sshd_config.d/",
    "/etc/systemd/network/",
    "/home/",
    "/opt/",
    "/root/",
    "/srv/",
    "/usr/local/",
];

/// Keys of daemon.json that a restarted dockerd takes on as if it had started with them. Other keys leave rules of the
/// first start in the guest's firewall, or images where the new daemon does not look.
const RESTARTED: [&str; 9] = [
    "debug",
    "default-address-pools",
    "dns",
    "dns-opts",
    "dns-search",
    "fixed-cidr-v6",
    "ipv6",
    "log-level",
    "mtu",
];

/// Why what the scenario puts into a guest needs a boot; `None`: it needs none.
pub(super) fn refuses(guest: &Guest) -> Option<String> {
    // A package that is left out may be Docker, which a template is settled with.
    if guest
        .image
        .split_whitespace()
        .any(|word| word.starts_with('-'))
    {
        return Some(format!(
            "the image `{}` lacks what a template settles",
            guest.image
        ));
    }
    if Provides::of(&guest.image).networkd
        && let Some(key) = sysctls::at_boot(guest)
    {
        return Some(format!(
            "`{key}` of `sysctls` is set before networkd starts"
        ));
    }
    let paths = guest.files.iter().map(|file| file.path.as_str());
    let early = |path: &&str| !READ_LATER.iter().any(|later| path.starts_with(later));
    if let Some(path) = paths.into_iter().find(early) {
        return Some(format!("`{path}` of `files` may be read at boot"));
    }
    let mut keys = guest.docker.iter().flat_map(|docker| docker.keys());
    let key = keys.find(|key| !RESTARTED.contains(&key.as_str()))?;
    Some(format!("`{key}` of `docker` is for Docker's first start"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{GuestFile, GuestFileKind};

    fn file(path: &str) -> GuestFile {
        let target = "/dev/null".to_owned();
        let kind = GuestFileKind::Link { target };
        let path = path.to_owned();
        GuestFile { path, kind }
    }

    #[test]
    fn what_is_read_at_boot_asks_for_a_boot() {
        let mut guest = crate::guest::any::any_guest();
        assert_eq!(refuses(&guest), None);
        let late = vec![file("/etc/resolv.conf"), file("/usr/local/bin/serve")];
        guest.files = late.clone().into();
        assert_eq!(refuses(&guest), None);
        let early = file("/etc/systemd/system/serve.service");
        guest.files = [late, vec![early]].concat().into();
        let why = refuses(&guest).expect("a reason");
        assert!(why.contains("serve.service"), "{why}");
    }

    #[test]
    fn what_a_restart_of_docker_does_not_undo_asks_for_a_boot() {
        let mut guest = crate::guest::any::any_guest();
        let daemon = |text| serde_json::from_str(text).expect("JSON");
        guest.docker = Some(daemon(r#"{ "dns": ["192.168.1.1"], "ipv6": true }"#));
        assert_eq!(refuses(&guest), None);
        guest.docker = Some(daemon(r#"{ "dns": ["192.168.1.1"], "iptables": false }"#));
        assert!(refuses(&guest).is_some_and(|why| why.contains("iptables")));
    }
}
