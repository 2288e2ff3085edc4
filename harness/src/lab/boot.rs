//! Boots a scenario's guests on the lab's TAPs.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::topology::{Folders, Lab, LabError};
use nix::mount::MsFlags;

use crate::guest::BootingGuest;
use crate::guest::identity::{Identity, KeyPair};
use crate::guest::plain;
use crate::host::ChildSetup;
use crate::host::isolate::mount_at;
use crate::host::service::{Log, Service};
use crate::hypervisor::{
    Accelerator, FIRST_NIC_FD, FIRST_STEER_FD, GuestSpec, MachineKind, STEER_PORTS, qemu,
};
use crate::scenario::names::MachineName;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest as GuestPlan, Scenario};

/// User and group that VMMs run as in the worker's namespaces: `nobody`, who owns nothing.
const VMM_ID: u32 = 65_534;

/// A guest under way, with what the report and other checks need to know about it.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) booting: BootingGuest,
    pub(super) identity: Identity,
    pub(super) command: String,
    pub(super) machine: (MachineKind, &'static str),
}

/// Image as the worker's guests see it; by name, one for each that the scenario uses.
pub(super) type GuestImages = BTreeMap<String, GuestImage>;

/// Image as the worker's guests see it.
#[derive(Debug)]
pub(super) struct GuestImage {
    pub(super) kernel: PathBuf,
    pub(super) initrd: Vec<u8>,
    pub(super) disk: Option<PathBuf>,
    pub(super) provides: &'static Provides,
}

impl GuestImage {
    /// Binds the image's folder into the worker's private tmpfs: the VMM's user can read it there, wherever the
    /// cache is.
    pub(super) fn mount(name: &str, folder: &Path, run: &Path) -> std::io::Result<Self> {
        let target = run.join("image").join(name);
        fs::create_dir_all(&target)?;
        let provides = Provides::of(name);
        let (source, target_text) = (folder.to_string_lossy(), target.to_string_lossy());
        mount_at(Some(&source), &target_text, None, MsFlags::MS_BIND, None)
            .map_err(std::io::Error::other)?;
        Ok(Self {
            kernel: target.join(provides.kernel),
            initrd: fs::read(target.join("initrd"))?,
            disk: provides.disk.map(|file| target.join(file)),
            provides,
        })
    }
}

/// Starts every guest's VMM; none is waited for.
pub(super) async fn start_guests(
    scenario: &Scenario,
    lab: &mut Lab,
    images: &GuestImages,
    accelerator: Accelerator,
    folders: &Folders,
) -> Result<BTreeMap<MachineName, Started>, LabError> {
    let mut started = BTreeMap::new();
    if scenario.guests.is_empty() {
        return Ok(started);
    }
    let login = KeyPair::generate("bridgelab", &folders.run.join("login_key"))?;
    for (name, guest) in &scenario.guests {
        let image = images.get(&guest.image).ok_or_else(|| LabError::Io {
            doing: format!("find the image `{}` among those of the job", guest.image),
            machine: name.to_string(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let one = start_guest(name, guest, lab, image, accelerator, folders, &login).await?;
        started.insert(name.clone(), one);
    }
    Ok(started)
}

async fn start_guest(
    name: &MachineName,
    guest: &GuestPlan,
    lab: &mut Lab,
    image: &GuestImage,
    accelerator: Accelerator,
    folders: &Folders,
    login: &KeyPair,
) -> Result<Started, LabError> {
    let run = folders.run.join(name.as_ref());
    let evidence = guest_folder(&folders.evidence, name.as_ref());
    let io = |doing: &str, path: &Path| {
        let doing = format!("{doing} `{}`", path.display());
        move |source| LabError::Io {
            doing,
            machine: name.to_string(),
            source,
        }
    };
    let private = run.join("identity");
    fs::create_dir_all(&private).map_err(io("create", &private))?;
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700))
        .map_err(io("protect", &private))?;
    fs::create_dir_all(&evidence).map_err(io("create", &evidence))?;
    // The VMM makes its sockets here, and its copy-on-write file.
    chown(&run, Some(VMM_ID), Some(VMM_ID)).map_err(io("hand over", &run))?;
    let identity = Identity::generate(name.as_ref(), &private, login)?;
    let initrd = run.join("initrd");
    let seeded = plain::seed(&identity, guest)?.append_to(image.initrd.clone());
    fs::write(&initrd, seeded).map_err(io("write", &initrd))?;
    let taps = lab.take_taps(name.as_ref());
    let (machine, reason) = MachineKind::choose(guest.machine_type, accelerator);
    let spec = GuestSpec {
        name: name.to_string(),
        vcpu: guest.vcpu,
        mem: guest.mem,
        machine,
        accelerator,
        kernel: image.kernel.clone(),
        initrd,
        disk: image.disk.clone(),
        image: image.provides,
        run: run.clone(),
        nics: (FIRST_NIC_FD..)
            .zip(&guest.interfaces)
            .map(|(fd, interface)| (interface.mac, fd))
            .collect(),
    };
    // They listen before the VMM starts: whoever connects early just waits.
    let mut steering = Vec::new();
    for port in 0..STEER_PORTS {
        let path = spec.steer_socket(port);
        steering.push(UnixListener::bind(&path).map_err(io("listen on", &path))?);
    }
    let line = qemu::command(&spec);
    let shown = line.to_string();
    let fds: Vec<_> = taps
        .into_iter()
        .map(crate::host::tap::Tap::into_fd)
        .collect();
    let serial = Log::new(evidence.join("serial.log"));
    let vmm_log = Log::new(evidence.join("vmm.log"));
    let label = name.to_string();
    let service = lab.machine(guest.on.as_ref())?.run(async move {
        let mut command = line.to_command();
        command.env("TMPDIR", &run);
        let nics = (FIRST_NIC_FD..).zip(fds.iter().map(AsRawFd::as_raw_fd));
        let channels = (FIRST_STEER_FD..).zip(steering.iter().map(AsRawFd::as_raw_fd));
        let setup = ChildSetup {
            fds: nics.chain(channels).map(|(to, from)| (from, to)).collect(),
            identity: Some((VMM_ID, VMM_ID, vmm_groups(accelerator))),
        };
        // Our copies of the TAP descriptors are closed when this returns: from then on the VMM alone keeps the
        // TAPs, and their carrier, alive.
        Service::start_with_errors(&label, command, setup, serial, vmm_log)
    });
    let vmm = service.await??;
    let booting = BootingGuest::new(spec, vmm, &identity);
    Ok(Started {
        booting,
        identity,
        command: shown,
        machine: (machine, reason),
    })
}

/// Supplementary groups of a VMM: the one that may open `/dev/kvm`, where that is possible.
fn vmm_groups(accelerator: Accelerator) -> Option<Vec<u32>> {
    use std::os::unix::fs::MetadataExt;
    let kvm = fs::metadata("/dev/kvm").ok().map(|meta| meta.gid());
    match (accelerator, kvm) {
        // In a user namespace the node's group may be unmapped; those that the caller has stay then.
        (Accelerator::Kvm, Some(group)) if group != VMM_ID => Some(vec![group]),
        (Accelerator::Kvm, _) => None,
        (Accelerator::Tcg, _) => Some(Vec::new()),
    }
}

/// Folder of a guest's evidence.
pub(super) fn guest_folder(evidence: &Path, guest: &str) -> PathBuf {
    evidence.join("guests").join(guest)
}
