//! Which packages bring what is missing.

use std::collections::BTreeSet;

use nix::unistd::geteuid;

use super::distribution::{Distribution, Family};
use crate::host::capability::Capability;
use crate::host::modules::as_root;

/// Packages that bring `missing`, sorted, each once. What no package brings is left out.
pub fn packages(missing: &[Capability], distribution: &Distribution) -> Vec<&'static str> {
    let names = missing
        .iter()
        .flat_map(|capability| match distribution.family {
            Family::Apt => apt(*capability),
            Family::Dnf => dnf(*capability),
            Family::Pacman => pacman(*capability),
            Family::Nix => nix(*capability),
            Family::Unknown => &[],
        });
    names
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// The one command that installs what is missing, as this user has to type it; `None` when no package helps.
pub fn setup_command(missing: &[Capability], distribution: &Distribution) -> Option<String> {
    command(missing, distribution, geteuid().is_root())
}

fn command(missing: &[Capability], distribution: &Distribution, root: bool) -> Option<String> {
    let names = packages(missing, distribution);
    if names.is_empty() {
        return None;
    }
    let names = names.join(" ");
    match distribution.family {
        Family::Apt => Some(as_root(
            &format!("apt-get install --no-install-recommends {names}"),
            root,
        )),
        Family::Dnf => Some(as_root(&format!("dnf install {names}"), root)),
        Family::Pacman => Some(as_root(&format!("pacman -S --needed {names}"), root)),
        Family::Nix => Some(format!("nix-shell -p {names}")),
        Family::Unknown => None,
    }
}

/// Debian puts networkd into `systemd` itself; a container image has neither.
const fn apt(capability: Capability) -> &'static [&'static str] {
    match capability {
        Capability::Vmm(kind) => kind.row().install.apt,
        Capability::Mmdebstrap => &["mmdebstrap"],
        Capability::DebianKeyring => &["debian-archive-keyring"],
        Capability::Dnsmasq => &["dnsmasq-base"],
        Capability::QemuImg => &["qemu-utils"],
        Capability::MkfsExt4 => &["e2fsprogs"],
        Capability::Iproute2 => &["iproute2"],
        Capability::Ping => &["iputils-ping"],
        Capability::SshKeygen => &["openssh-client"],
        Capability::SubordinateIds => &["uidmap"],
        // `dbus` brings the program on all releases; old ones have no package `dbus-daemon`.
        Capability::DbusDaemon => &["dbus"],
        Capability::Networkd => &["systemd"],
        Capability::Tcpdump => &["tcpdump"],
        Capability::Nftables => &["nftables"],
        Capability::Iptables => &["iptables"],
        _ => &[],
    }
}

const fn dnf(capability: Capability) -> &'static [&'static str] {
    match capability {
        Capability::Vmm(kind) => kind.row().install.dnf,
        Capability::Mmdebstrap => &["mmdebstrap"],
        Capability::DebianKeyring => &["debian-keyring"],
        Capability::Dnsmasq => &["dnsmasq"],
        Capability::QemuImg => &["qemu-img"],
        Capability::MkfsExt4 => &["e2fsprogs"],
        Capability::Iproute2 => &["iproute", "iproute-tc"],
        Capability::Ping => &["iputils"],
        Capability::SshKeygen => &["openssh"],
        Capability::SubordinateIds => &["shadow-utils"],
        Capability::DbusDaemon => &["dbus-daemon"],
        Capability::Networkd => &["systemd-networkd"],
        Capability::Tcpdump => &["tcpdump"],
        Capability::Nftables => &["nftables"],
        Capability::Iptables => &["iptables-nft"],
        _ => &[],
    }
}

const fn pacman(capability: Capability) -> &'static [&'static str] {
    match capability {
        Capability::Vmm(kind) => kind.row().install.pacman,
        Capability::DebianKeyring => &["debian-archive-keyring"],
        Capability::Dnsmasq => &["dnsmasq"],
        Capability::QemuImg => &["qemu-img"],
        Capability::MkfsExt4 => &["e2fsprogs"],
        Capability::Iproute2 => &["iproute2"],
        Capability::Ping => &["iputils"],
        Capability::SshKeygen => &["openssh"],
        Capability::SubordinateIds => &["shadow"],
        Capability::DbusDaemon => &["dbus"],
        Capability::Networkd => &["systemd"],
        Capability::Tcpdump => &["tcpdump"],
        Capability::Nftables => &["nftables"],
        Capability::Iptables => &["iptables"],
        _ => &[],
    }
}

const fn nix(capability: Capability) -> &'static [&'static str] {
    match capability {
        Capability::Vmm(kind) => kind.row().install.nix,
        Capability::Mmdebstrap => &["mmdebstrap"],
        Capability::Dnsmasq => &["dnsmasq"],
        Capability::QemuImg => &["qemu"],
        Capability::MkfsExt4 => &["e2fsprogs"],
        Capability::Iproute2 => &["iproute2"],
        Capability::Ping => &["iputils"],
        Capability::SshKeygen => &["openssh"],
        Capability::SubordinateIds => &["shadow"],
        Capability::DbusDaemon => &["dbus"],
        Capability::Networkd => &["systemd"],
        Capability::Tcpdump => &["tcpdump"],
        Capability::Nftables => &["nftables"],
        Capability::Iptables => &["iptables"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::HypervisorKind;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn one_command_brings_everything_that_is_missing_and_no_more() {
        let missing = [
            Capability::Vmm(HypervisorKind::default()),
            Capability::Dnsmasq,
            Capability::Iproute2,
            Capability::Kvm,
        ];
        let on =
            |id: &str, root| command(&missing, &Distribution::parse(&format!("ID={id}\n")), root);
        let apt = "apt-get install --no-install-recommends dnsmasq-base iproute2 qemu-system-x86";
        assert_eq!(on("debian", true).as_deref(), Some(apt));
        assert_eq!(on("ubuntu", false), Some(format!("sudo {apt}")));
        let dnf = "dnf install dnsmasq iproute iproute-tc qemu-system-x86-core";
        assert_eq!(on("fedora", true).as_deref(), Some(dnf));
        let pacman = "sudo pacman -S --needed dnsmasq iproute2 qemu-system-x86";
        assert_eq!(on("arch", false).as_deref(), Some(pacman));
        assert_eq!(
            on("nixos", false).as_deref(),
            Some("nix-shell -p dnsmasq iproute2 qemu")
        );
        assert_eq!(on("plan9", true), None);
    }

    #[test]
    fn nothing_missing_or_nothing_installable_is_no_command() {
        let debian = Distribution::parse("ID=debian\n");
        assert_eq!(command(&[], &debian, true), None);
        assert_eq!(
            command(&[Capability::Kvm, Capability::Netem], &debian, true),
            None
        );
    }

    #[test]
    fn every_required_program_has_a_package_on_debian() {
        let debian = Distribution::parse("ID=debian\n");
        let kernel_or_machine = [
            Capability::Namespaces,
            Capability::Bridge,
            Capability::Veth,
            Capability::Tap,
            Capability::DiskSpace,
            Capability::Memory,
        ];
        for capability in Capability::all().into_iter().filter(|c| c.required()) {
            let has = !packages(&[capability], &debian).is_empty();
            assert_eq!(
                has,
                !kernel_or_machine.contains(&capability),
                "{capability}"
            );
        }
    }
}
