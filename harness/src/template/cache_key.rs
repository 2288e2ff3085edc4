//! The key of a template in the cache: everything that its saved state depends on.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::deadline::Deadline;
use crate::host::command;
use crate::host::tool::{Tool, locate};
use crate::hypervisor::{Accelerator, GuestSpec, MachineKind, NIC_PORTS, QEMU, Start, qemu};
use crate::scenario::provides::Provides;
use crate::scenario::{Guest, MachineType, Transport};

/// Version of a template's layout; part of every digest.
const FORMAT: u32 = 2;

/// Time that QEMU has to tell its version. A tenth of a second is enough unless the machine is overloaded.
const TELLS: Duration = Duration::from_secs(10);

/// A QEMU program, as far as its saved states depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QemuVersion {
    /// `--version`'s first line, with the distribution's package version.
    pub line: String,
    /// Size and time of change of the program: another build of the same version is another program.
    pub program: String,
}

impl QemuVersion {
    /// The QEMU that runs guests on this machine: `qemu-system-ARCH --version`.
    ///
    /// # Errors
    /// When QEMU is not there or does not tell its version.
    pub fn of_this_machine() -> std::io::Result<Self> {
        let path = locate(Tool::Vmm(QEMU)).ok_or(std::io::ErrorKind::NotFound)?;
        let by = Deadline::after(TELLS);
        let told = command::run_apart(&path, &["--version"], by)?;
        let text = told.map_err(std::io::Error::other)?.stdout;
        let meta = std::fs::metadata(&path)?;
        Ok(Self {
            line: text.lines().next().unwrap_or_default().to_owned(),
            program: format!("{} bytes of {}", meta.len(), meta.mtime()),
        })
    }

    /// Whether `memory-backend-file` can map a read-only file copy-on-write (`rom=off`), as QEMU can since 8.2.
    pub fn maps_read_only_ram(&self) -> bool {
        self.is_since((8, 2))
    }

    /// Whether vcpus whose code is translated may run in threads of their own, as they can since 8.1. Before, one may execute the
    /// breakpoint that the guest's kernel has just replaced on another, and that kernel panics ("Oops: int3"): QEMU's commit
    /// deba78709a, <https://github.com/multipath-tcp/mptcp_net-next/issues/471>.
    pub fn translates_in_threads(&self) -> bool {
        self.is_since((8, 1))
    }

    /// Whether it is this version or a later one; not where it tells none.
    fn is_since(&self, least: (u32, u32)) -> bool {
        let version = self.line.split("version ").nth(1).unwrap_or_default();
        let mut numbers = version.split(|c: char| !c.is_ascii_digit());
        let mut next = || numbers.next().and_then(|text| text.parse::<u32>().ok());
        match (next(), next()) {
            (Some(major), Some(minor)) => (major, minor) >= least,
            _ => false,
        }
    }
}

/// Everything that goes into a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheKey {
    /// Name of the image's recipe, for people.
    pub image: String,
    /// The image's digest.
    pub image_digest: String,
    /// The QEMU that saves and loads it.
    pub qemu: QemuVersion,
    /// Accelerator.
    pub accelerator: Accelerator,
    /// What [`CacheKey::processor`] says: with KVM the guest sees the host's processor, and its kernel decides what KVM offers.
    pub processor: String,
    /// Virtual CPUs.
    pub vcpu: u8,
    /// Memory in MiB.
    pub mem: u32,
}

impl CacheKey {
    /// The host's processor and kernel, as far as a guest depends on them. Under TCG that is the processor's name
    /// alone: the guest has the host's time stamp counter, and a template's kernel keeps the frequency that it was
    /// told.
    pub fn processor(accelerator: Accelerator) -> String {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let (wanted, kernel) = match accelerator {
            Accelerator::Kvm => (&["model name", "flags", "microcode"][..], kernel.trim()),
            Accelerator::Tcg => (&["model name"][..], ""),
        };
        let lines = cpuinfo
            .lines()
            .take_while(|line| !line.is_empty())
            .filter(|line| wanted.iter().any(|key| line.starts_with(key)));
        lines.chain([kernel]).collect::<Vec<_>>().join("\n")
    }

    /// Why a guest cannot start from any template; `None`: it can.
    pub fn refuses(guest: &Guest) -> Option<String> {
        let vmm = guest.hypervisor;
        if let Some(why) = vmm.no_template() {
            return Some(format!("{vmm} {why}"));
        }
        let image = Provides::of(&guest.image);
        if image.settle.is_none() {
            return Some(format!("the image `{}` has no template", guest.image));
        }
        if let Some(reason) = super::contents::refuses(guest) {
            return Some(reason);
        }
        if guest.transport == Transport::Mmio {
            return Some("a template's NICs are plugged into PCI, not virtio-mmio".to_owned());
        }
        if guest.machine_type == MachineType::Microvm {
            return Some("machine_type `microvm` has no PCI to plug NICs into".to_owned());
        }
        if guest.interfaces.len() > NIC_PORTS {
            return Some(format!(
                "{} NICs are more than a template's {NIC_PORTS} ports",
                guest.interfaces.len()
            ));
        }
        None
    }

    /// SHA-256 of everything, in hexadecimal.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("format {FORMAT}\n"));
        hash.update(serde_json::to_vec(self).unwrap_or_default());
        // The command line describes the machine that is saved, so it belongs to the key.
        let spec = self.spec(Start::Recording("/".into()));
        hash.update(qemu::command(&spec).to_string());
        for (_, command) in spec.image.settle.unwrap_or_default() {
            hash.update(command);
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Folder name in the cache: readable, and the digest's first 16 digits.
    pub fn cache_name(&self) -> String {
        format!(
            "{}-{}-{}",
            self.image.replace(':', "-"),
            self.accelerator,
            &self.digest()[..16]
        )
    }

    /// The machine that is saved. Its paths are placeholders, which the maker replaces.
    pub(super) fn spec(&self, start: Start) -> GuestSpec {
        let image = Provides::of(&self.image);
        let root = Path::new("/");
        GuestSpec {
            name: "template".to_owned(),
            program: None,
            cid: 3,
            vcpu: self.vcpu,
            mem: self.mem,
            hypervisor: QEMU,
            machine: MachineKind::Q35,
            transport: Transport::Auto,
            accelerator: self.accelerator,
            // The frequency is measured anew by every process, so it is no part of the digest. The processor's name is.
            one_thread: false,
            tsc_mhz: None,
            kernel: root.join(image.kernel),
            initrd: "/initrd".into(),
            disk: image.disk.map(|file| root.join(file)),
            image,
            run: "/".into(),
            nics: Vec::new(),
            start,
        }
    }
}

impl std::fmt::Display for CacheKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cpus = if self.vcpu == 1 { "vcpu" } else { "vcpus" };
        write!(
            f,
            "image {} with {} {cpus} and {} MiB on {}",
            self.image, self.vcpu, self.mem, self.accelerator
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hypervisor::CLOUD_HYPERVISOR;
    use crate::scenario::HypervisorKind;

    fn key() -> CacheKey {
        CacheKey {
            image: "debian".to_owned(),
            image_digest: "0123".to_owned(),
            qemu: QemuVersion {
                line: "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)".to_owned(),
                program: "1 2".to_owned(),
            },
            accelerator: Accelerator::Tcg,
            processor: String::new(),
            vcpu: 1,
            mem: 1024,
        }
    }

    #[test]
    fn everything_that_goes_in_changes_the_digest() {
        let changes: [fn(&mut CacheKey); 6] = [
            |s| s.image_digest = "4567".to_owned(),
            |s| s.qemu.line = "QEMU emulator version 7.2.23".to_owned(),
            |s| s.qemu.program = "1 3".to_owned(),
            |s| s.accelerator = Accelerator::Kvm,
            |s| s.vcpu = 2,
            |s| s.mem = 512,
        ];
        let first = key().digest();
        assert_eq!(first, key().digest());
        for change in changes {
            let mut other = key();
            change(&mut other);
            assert_ne!(first, other.digest(), "{other:?}");
        }
    }

    #[test]
    fn a_vmm_whose_guests_boot_is_named_with_the_reason() {
        let mut guest = crate::guest::any::any_guest();
        assert_eq!(CacheKey::refuses(&guest), None);
        guest.hypervisor = HypervisorKind::named("kvmtool").expect("a row");
        let why = CacheKey::refuses(&guest).expect("a reason");
        assert_eq!(why, "kvmtool starts from no template");
        guest.hypervisor = CLOUD_HYPERVISOR;
        let why = CacheKey::refuses(&guest).expect("a reason");
        assert!(why.starts_with("cloud-hypervisor sets"), "{why}");
        assert!(why.contains("generation id"), "{why}");
    }

    #[test]
    fn what_qemu_can_goes_by_its_version() {
        let told = |line: &str| {
            let mut qemu = key().qemu;
            line.clone_into(&mut qemu.line);
            qemu
        };
        let threads = |line: &str| told(line).translates_in_threads();
        assert!(!threads(
            "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"
        ));
        assert!(!threads("QEMU emulator version 8.0.4"));
        assert!(threads("QEMU emulator version 8.1.0"));
        assert!(!threads("something else"));
        let with = |line: &str| told(line).maps_read_only_ram();
        assert!(!with("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"));
        assert!(!with("QEMU emulator version 8.1.5"));
        assert!(with("QEMU emulator version 8.2.0"));
        assert!(with("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)"));
        assert!(!with("something else"));
    }
}
