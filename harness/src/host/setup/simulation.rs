//! What apt would do, read from `apt-get --simulate`, and what to ask for instead when it would do harm.

/// What apt would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Simulation {
    /// Package and version, in apt's order.
    pub(super) install: Vec<(String, String)>,
    /// Packages that would be removed.
    pub(super) remove: Vec<String>,
}

/// What follows from a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing would be removed: install the packages.
    Install,
    /// Ask for this in place of the plain names: it keeps `qemu-utils` by taking it and QEMU at one version.
    Ask(Vec<String>),
    /// Packages would be removed that have nothing to do with the lab.
    Refuse(Vec<String>),
}

/// The package that apt removes when it has a newer version (from backports, say) and installs an older
/// `qemu-system-*`.
const FRAGILE: &str = "qemu-utils";

impl Simulation {
    /// Reads `Inst NAME [OLD] (NEW SUITE [ARCH])` and `Remv NAME [OLD]`.
    pub(super) fn parse(text: &str) -> Self {
        let mut seen = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("Inst"), Some(name)) => {
                    let version = words
                        .find_map(|word| word.strip_prefix('('))
                        .unwrap_or_default();
                    seen.install
                        .push((name.to_owned(), version.trim_end_matches(')').to_owned()));
                }
                (Some("Remv" | "Purg"), Some(name)) => seen.remove.push(name.to_owned()),
                _ => {}
            }
        }
        seen
    }

    /// What to do when `asked` has been simulated with this result.
    pub(super) fn decide(&self, asked: &[String]) -> Decision {
        if self.remove.is_empty() {
            return Decision::Install;
        }
        let qemu = self
            .install
            .iter()
            .find(|(name, _)| name.starts_with("qemu-system-") && asked.contains(name));
        match qemu {
            Some((name, version)) if self.remove == [FRAGILE] && !version.is_empty() => {
                let others = asked.iter().filter(|other| *other != name).cloned();
                let pair = [format!("{name}={version}"), format!("{FRAGILE}={version}")];
                Decision::Ask(
                    std::iter::once("--allow-downgrades".to_owned())
                        .chain(others)
                        .chain(pair)
                        .collect(),
                )
            }
            _ => Decision::Refuse(self.remove.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "\
NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  dnsmasq-base qemu-system-x86
0 upgraded, 2 newly installed, 0 to remove and 12 not upgraded.
Inst dnsmasq-base (2.90-4~deb12u1 Debian:12.15/oldstable [amd64])
Inst qemu-system-x86 (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
Conf dnsmasq-base (2.90-4~deb12u1 Debian:12.15/oldstable [amd64])
";

    const REMOVES_UTILS: &str = "\
The following packages will be REMOVED:
  qemu-utils
Remv qemu-utils [1:10.0.2+ds-2~bpo12+1]
Inst qemu-system-common (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
Inst qemu-system-x86 (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
";

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_harmless_plan_is_carried_out() {
        let seen = Simulation::parse(PLAIN);
        let names: Vec<&str> = seen.install.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["dnsmasq-base", "qemu-system-x86"]);
        assert_eq!(seen.install[1].1, "1:7.2+dfsg-7+deb12u18+b3");
        assert_eq!(
            seen.decide(&words("dnsmasq-base qemu-system-x86")),
            Decision::Install
        );
    }

    #[test]
    fn qemu_utils_is_kept_by_asking_for_both_at_one_version() {
        let decision =
            Simulation::parse(REMOVES_UTILS).decide(&words("dnsmasq-base qemu-system-x86"));
        let version = "1:7.2+dfsg-7+deb12u18+b3";
        let ask = format!(
            "--allow-downgrades dnsmasq-base qemu-system-x86={version} qemu-utils={version}"
        );
        assert_eq!(decision, Decision::Ask(words(&ask)));
    }

    #[test]
    fn any_other_removal_is_refused_by_name() {
        let text = format!("{REMOVES_UTILS}Remv libvirt-daemon [9.0.0-4]\n");
        let decision = Simulation::parse(&text).decide(&words("qemu-system-x86"));
        assert_eq!(
            decision,
            Decision::Refuse(words("qemu-utils libvirt-daemon"))
        );
        let decision = Simulation::parse("Remv qemu-utils [1]\nInst mmdebstrap (1.3 x)\n")
            .decide(&words("mmdebstrap"));
        assert_eq!(decision, Decision::Refuse(words("qemu-utils")));
    }

    #[test]
    fn a_downgrade_shows_its_new_version() {
        let seen =
            Simulation::parse("Inst qemu-utils [1:10.0.2] (1:7.2+dfsg-7 Debian:12 [amd64]) []\n");
        assert_eq!(
            seen.install,
            [("qemu-utils".to_owned(), "1:7.2+dfsg-7".to_owned())]
        );
    }
}
