//! What each guest image has in it, as far as scenarios and checks depend on it: one row for each image.
//!
//! A scenario is judged by it before anything is built, and a check chooses its tools by it.

/// File of the kernel in the form that Linux is distributed in (bzImage), which every guest's image has: some VMMs boot no other.
pub const COMPRESSED_KERNEL: &str = "vmlinuz";

/// What a guest image has in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Provides {
    /// Name of the recipe under `images/`, without a suite.
    pub image: &'static str,
    /// Whether a scenario's guests may boot it.
    pub guest: bool,
    /// Releases of its distribution that it can be built of; the first is its own choice.
    pub suites: &'static [&'static str],
    /// Packages that it can be built without. Whatever else it has, the harness needs.
    pub optional: &'static [&'static str],
    /// systemd-networkd and systemd-resolved; without them the guest takes a plain configuration.
    pub networkd: bool,
    /// Docker.
    pub docker: bool,
    /// curl and OpenSSH's client programs; without them busybox's are used, where it has any.
    pub clients: bool,
    /// All of iproute2, iputils and iptables; without them there are iproute2's `ip` and busybox.
    pub tools: bool,
    /// What a guest of it does before it is saved as a template: what is told about each step, and the command. An
    /// image with a template has a steering program that can take on an identity after its boot, and starts what
    /// has an identity only then; `None`: it has not.
    pub settle: Option<&'static [(&'static str, &'static str)]>,
    /// File of the kernel in the built image.
    pub kernel: &'static str,
    /// File of the root disk in the built image; without one the initramfs is the whole system.
    pub disk: Option<&'static str>,
    /// Memory of a guest that does not say, in MiB.
    pub mem: u32,
    /// Without KVM: what QEMU may keep translated code in, in MiB (`-accel tcg,tb-size=`). When it is full, QEMU
    /// throws everything away and begins anew.
    pub translated: u32,
}

/// Starts what a scenario may want, and runs what checks run once, so that its pages are in memory. The last line
/// writes what the disk does not have yet.
const SETTLE_DEBIAN: [(&str, &str); 3] = [
    (
        "starting Docker and loading the container image",
        "systemctl start docker.service bridgelab-container-image.service",
    ),
    (
        "running a container once",
        "docker run --detach --name warm bridgelab/busybox sleep infinity >/dev/null && \
         docker exec warm ip addr >/dev/null && docker rm --force warm >/dev/null",
    ),
    (
        "warming up",
        "for line in 'ip -j -d addr' 'ip -j -6 route' 'ping -c 1 -W 1 127.0.0.1' 'ping -c 1 -W 1 ::1' \
           'resolvectl --no-pager status' 'resolvectl query localhost' 'curl -sS -m 1 http://127.0.0.1:9/' \
           'busybox nslookup localhost 127.0.0.53' 'busybox nc -w 1 127.0.0.1 9' 'networkctl --version' \
           'journalctl --no-pager --lines 1' '/usr/sbin/sshd -t' 'systemctl --version'; do \
           timeout 20 $line </dev/null >/dev/null 2>&1 || :; done; \
         /lib/systemd/systemd-networkd --version >/dev/null 2>&1 || :; \
         cat /lib/systemd/systemd-networkd >/dev/null; \
         systemctl is-system-running --wait >/dev/null || :; systemctl reset-failed; sync",
    ),
];

const IMAGES: &[Provides] = &[
    Provides {
        image: "debian",
        guest: true,
        suites: &["trixie", "bookworm"],
        optional: &[
            "apparmor",
            "docker-cli",
            "docker.io",
            "iptables",
            "libnss-resolve",
            "systemd-resolved",
            "tcpdump",
        ],
        networkd: true,
        docker: true,
        clients: true,
        tools: true,
        settle: Some(&SETTLE_DEBIAN),
        kernel: "vmlinuz",
        disk: Some("disk.raw"),
        mem: 1024,
        // QEMU's default; Docker fills it.
        translated: 1024,
    },
    Provides {
        image: "tiny",
        guest: true,
        suites: &["trixie"],
        optional: &[],
        networkd: false,
        docker: false,
        clients: false,
        tools: false,
        // It is all in memory, and nothing in it has yet to start.
        settle: Some(&[]),
        kernel: "vmlinux",
        disk: None,
        mem: 128,
        // A boot needs less than 32.
        translated: 128,
    },
    // What a whole lab may stand in.
    Provides {
        image: "lab-vm",
        guest: false,
        suites: &["trixie"],
        optional: &[],
        networkd: false,
        docker: false,
        clients: false,
        tools: true,
        settle: None,
        kernel: "vmlinux",
        disk: Some("disk.raw"),
        mem: 1536,
        translated: 512,
    },
];

impl Provides {
    /// What the image `name` has in it, with or without a suite and packages (`debian:bookworm +ethtool`). A recipe
    /// without a row here is taken for a changed copy of the first.
    pub fn of(name: &str) -> &'static Self {
        let base = name.split([':', ' ']).next().unwrap_or(name);
        let row = IMAGES.iter().find(|row| row.image == base);
        row.unwrap_or(&IMAGES[0])
    }

    /// Names of the images that guests may boot.
    pub fn for_guests() -> impl Iterator<Item = &'static str> + Clone {
        IMAGES.iter().filter(|row| row.guest).map(|row| row.image)
    }

    /// Files that a build of the image must leave.
    pub fn files(&self) -> impl Iterator<Item = &'static str> {
        let always = ["initrd", "packages.txt", "versions.json"];
        let another = self.guest && self.kernel != COMPRESSED_KERNEL;
        let compressed = another.then_some(COMPRESSED_KERNEL);
        let kernels = compressed.into_iter().chain([self.kernel]);
        always.into_iter().chain(kernels).chain(self.disk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const KNOWN_BY_ONE: [&str; 2] = ["docker-cli", "apparmor"];

    #[test]
    fn every_recipe_has_its_row_and_every_row_its_recipe() {
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
        for row in IMAGES {
            assert!(images.join(row.image).join("build").is_file(), "{row:?}");
            for suite in row.suites {
                let list = images.join(row.image).join(format!("packages.{suite}"));
                let list = std::fs::read_to_string(list).expect("the suite's packages");
                let named = |package: &&str| list.lines().any(|line| line.starts_with(package));
                let missing = row.optional.iter().find(|package| !named(package));
                // One that only another suite knows is left out there anyway.
                assert!(missing.is_none_or(|package| KNOWN_BY_ONE.contains(package)));
            }
        }
        for entry in std::fs::read_dir(images).expect("the recipes") {
            let recipe = entry.expect("an entry").path();
            if recipe.is_dir() {
                let name = recipe.file_name().expect("a name").to_string_lossy();
                assert_eq!(Provides::of(&name).image, name);
            }
        }
    }

    #[test]
    fn a_suite_changes_nothing_and_a_copy_is_like_debian() {
        assert_eq!(Provides::of("tiny:bookworm"), Provides::of("tiny"));
        assert_eq!(Provides::of("tiny +x -y"), Provides::of("tiny"));
        assert_eq!(Provides::of("mine").image, "debian");
        let files: Vec<_> = Provides::of("tiny").files().collect();
        assert!(files.contains(&"vmlinux") && !files.contains(&"disk.raw"));
    }
}
