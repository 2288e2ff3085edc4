//! Boots a scenario's guests on the lab's TAPs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::mount::MsFlags;

use super::error::LabError;
use super::job::StartFrom;
use super::topology::{Folders, Lab};
use crate::guest::identity::{Identity, KeyPair};
use crate::guest::{BootingGuest, Personalization, plain};
use crate::host::isolate::mount_at;
use crate::host::sealed::sealed_copy;
use crate::host::service::{Log, Service, ServiceError};
use crate::host::tap::Tap;
use crate::host::terminal::Terminal;
use crate::host::{ChildSetup, VMM_ID, tsc_mhz, vmm_groups};
use crate::hypervisor::{
    self, Accelerator, FIRST_NIC_FD, GuestSpec, MachineKind, Start, hypervisor,
};
use crate::scenario::names::MachineName;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest as GuestPlan, HypervisorKind, MachineType, Transport};
use crate::template::{make_layer, mount_template};

/// A guest under way, with what the report and other checks need to know about it.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) booting: BootingGuest,
    pub(super) identity: Identity,
    pub(super) command: String,
    pub(super) machine: (String, &'static str),
    pub(super) from: StartFrom,
    /// Copies of its TAPs' descriptors, while it may have to be started again.
    pub(super) taps: Vec<OwnedFd>,
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

/// What all guests of a run start with, now or by a step.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) images: GuestImages,
    pub(super) accelerator: Accelerator,
    /// Whether KVM runs on a processor that is emulated itself.
    pub(super) emulated: bool,
    pub(super) folders: Folders,
    pub(super) starts: BTreeMap<String, StartFrom>,
    /// Where VMMs are, of those that are not taken from `PATH`.
    pub(super) vmms: BTreeMap<HypervisorKind, PathBuf>,
    pub(super) login: KeyPair,
    pub(super) drawn: Drawn,
    pub(super) sealed: Sealed,
}

/// Sealed copies of templates' memory, made once for all guests of a run, by the file's identity: every guest has its template
/// bound to a place of its own.
#[derive(Debug, Default)]
pub(super) struct Sealed(Mutex<BTreeMap<(u64, u64), Arc<OwnedFd>>>);

impl Sealed {
    async fn of(&self, path: &Path) -> std::io::Result<Arc<OwnedFd>> {
        let about = fs::metadata(path)?;
        let file = (about.dev(), about.ino());
        if let Some(known) = self.lock().get(&file) {
            return Ok(Arc::clone(known));
        }
        let from = path.to_owned();
        let (reply, made) = tokio::sync::oneshot::channel();
        // Some hundred MiB are copied, and the lab goes on meanwhile.
        std::thread::Builder::new()
            .name("seal".to_owned())
            .spawn(move || reply.send(sealed_copy(&from)))?;
        let made = made
            .await
            .map_err(|_| std::io::Error::other("the thread ended"))?;
        let made = Arc::new(made?);
        self.lock().insert(file, Arc::clone(&made));
        Ok(made)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), Arc<OwnedFd>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Random numbers that guests drew as soon as they were no longer their template. No two may be alike.
#[derive(Debug, Default)]
pub(super) struct Drawn(Mutex<BTreeSet<String>>);

impl Drawn {
    /// Whether nobody has drawn these before.
    pub(super) fn is_new(&self, number: &str) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(number.to_owned())
    }
}

/// Starts a guest's VMM on the lab's TAPs for it, without waiting for the guest. One that was started before keeps
/// its `identity`, as a machine does whose power was off.
pub(super) async fn start(
    name: &MachineName,
    guest: &GuestPlan,
    lab: &mut Lab,
    launch: &Launch,
    identity: Option<Identity>,
) -> Result<Started, LabError> {
    let taps = lab.take_taps(name.as_ref());
    let taps = taps.into_iter().flat_map(Tap::into_queues).collect();
    let cold = StartFrom::Cold {
        reason: "there is no template for it".to_owned(),
    };
    let from = launch.starts.get(name.as_ref()).unwrap_or(&cold);
    if identity.is_some() {
        clear(name, launch)?;
    }
    start_guest(name, guest, lab, launch, from, taps, identity).await
}

/// Takes away sockets and keys of a start whose VMM is gone.
fn clear(name: &MachineName, launch: &Launch) -> Result<(), LabError> {
    let run = launch.folders.run.join(name.as_ref());
    fs::remove_dir_all(&run).map_err(|source| LabError::Io {
        doing: format!("clear `{}`", run.display()),
        machine: name.to_string(),
        source,
    })
}

/// Boots a guest cold whose start from a template failed, on the same TAPs.
pub(super) async fn start_again(
    name: &MachineName,
    guest: &GuestPlan,
    lab: &Lab,
    launch: &Launch,
    taps: Vec<OwnedFd>,
    identity: Identity,
    why: String,
) -> Result<Started, LabError> {
    let from = StartFrom::Cold { reason: why };
    clear(name, launch)?;
    start_guest(name, guest, lab, launch, &from, taps, Some(identity)).await
}

async fn start_guest(
    name: &MachineName,
    guest: &GuestPlan,
    lab: &Lab,
    launch: &Launch,
    from: &StartFrom,
    taps: Vec<OwnedFd>,
    identity: Option<Identity>,
) -> Result<Started, LabError> {
    let template = matches!(from, StartFrom::Template { .. });
    let run = launch.folders.run.join(name.as_ref());
    let evidence = guest_folder(&launch.folders.evidence, name.as_ref());
    let private = run.join("identity");
    let io = |doing: &str, path: &Path| {
        let doing = format!("{doing} `{}`", path.display());
        move |source| LabError::Io {
            doing,
            machine: name.to_string(),
            source,
        }
    };
    fs::create_dir_all(&private).map_err(io("create", &private))?;
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700))
        .map_err(io("protect", &private))?;
    fs::create_dir_all(&evidence).map_err(io("create", &evidence))?;
    // The VMM makes its sockets here, and its copy-on-write file.
    chown(&run, Some(VMM_ID), Some(VMM_ID)).map_err(io("hand over", &run))?;
    let identity = match identity {
        Some(known) => known,
        None => Identity::generate(name.as_ref(), &private, &launch.login)?
            .with_machine_id(guest.machine_id.as_deref()),
    };
    let image = launch
        .images
        .get(&guest.image)
        .ok_or_else(|| LabError::Io {
            doing: format!("find the image `{}` among those of the job", guest.image),
            machine: name.to_string(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
    let (spec, reason) =
        spec(name, guest, image, launch, from, &run).map_err(io("draw a number for", &run))?;
    let program = hypervisor(spec.hypervisor);
    let needs = program.needs(&spec);
    let mut personalization = None;
    if let Some(folder) = spec.start.folder() {
        let state = folder.join("state");
        let state = File::open(&state).map_err(io("open", &state))?;
        let seed = plain::seed(&identity, guest)?;
        let made = Personalization::new(&identity, seed, image.provides, state);
        personalization = Some(made.map_err(io("read random numbers for", &run))?);
    } else {
        let seeded = plain::seed(&identity, guest)?.append_to(image.initrd.clone());
        fs::write(&spec.initrd, seeded).map_err(io("write", &spec.initrd))?;
    }
    for (path, text) in &needs.files {
        fs::write(path, text).map_err(io("write", path))?;
    }
    if let (Some(layer), Some(disk)) = (&needs.layer, &spec.disk) {
        make_layer(layer, &disk.to_string_lossy())
            .and_then(|()| chown(layer, Some(VMM_ID), Some(VMM_ID)).map_err(|e| e.to_string()))
            .map_err(std::io::Error::other)
            .map_err(io("make the disk", layer))?;
    }
    let sealed = match &needs.sealed {
        Some((path, number)) => {
            let copy = launch.sealed.of(path).await;
            Some((copy.map_err(io("seal a copy of", path))?, *number))
        }
        None => None,
    };
    // They listen before the VMM starts: whoever connects early just waits.
    let mut sockets = Vec::new();
    for (path, number) in &needs.sockets {
        let socket = UnixListener::bind(path).map_err(io("listen on", path))?;
        sockets.push((socket, *number));
    }
    let terminal = needs.terminal.then(Terminal::open).transpose();
    let terminal = terminal.map_err(io("open a terminal for", &run))?;
    // Until the guest has proven itself, so that it can be started again on the same TAPs; no longer, because the
    // TAPs and their carrier must end with the VMM.
    let kept: Vec<OwnedFd> = match template {
        true => taps
            .iter()
            .map(OwnedFd::try_clone)
            .collect::<Result<_, _>>(),
        false => Ok(Vec::new()),
    }
    .map_err(io("keep the TAPs of", &run))?;
    let line = program.command(&spec);
    let shown = line.to_string();
    let serial = Log::new(evidence.join("serial.log"));
    let vmm_log = Log::new(evidence.join("vmm.log"));
    let label = name.to_string();
    let accelerator = launch.accelerator;
    let service = lab.machine(guest.on.as_ref())?.run(async move {
        let mut command = line.to_command();
        // kvmtool has a socket in its user's home, which is nobody's.
        command.env("TMPDIR", &run).env("HOME", &run);
        let nics = (FIRST_NIC_FD..).zip(taps.iter().map(AsRawFd::as_raw_fd));
        let channels = sockets.iter();
        let channels = channels.map(|(socket, number)| (*number, socket.as_raw_fd()));
        let input = terminal
            .iter()
            .map(|terminal| (0, terminal.theirs.as_raw_fd()));
        let setup = ChildSetup {
            fds: nics
                .chain(channels)
                .chain(input)
                .chain(sealed.iter().map(|(copy, to)| (*to, copy.as_raw_fd())))
                .map(|(to, from)| (from, to))
                .collect(),
            identity: Some((VMM_ID, VMM_ID, vmm_groups(accelerator))),
        };
        // Our copies of the TAP descriptors are closed when this returns.
        let service = Service::start_with_errors(&label, command, setup, serial, vmm_log)?;
        Ok::<_, ServiceError>(service.holding(terminal.map(|terminal| terminal.ours)))
    });
    let vmm = service.await??;
    let machine = match spec.hypervisor.has_machine(MachineType::Q35) {
        true => (spec.machine.to_string(), reason),
        false => (spec.hypervisor.to_string(), "it has one machine"),
    };
    let booting = BootingGuest::new(spec, vmm, &identity, personalization);
    Ok(Started {
        booting,
        identity,
        command: shown,
        machine,
        from: from.clone(),
        taps: kept,
    })
}

/// Whether the machine type is for us to choose, and its devices may be on PCI.
fn may_be_q35(guest: &GuestPlan) -> bool {
    guest.hypervisor.has_machine(MachineType::Q35)
        && guest.machine_type == MachineType::Auto
        && guest.transport != Transport::Mmio
}

fn spec(
    name: &MachineName,
    guest: &GuestPlan,
    image: &GuestImage,
    launch: &Launch,
    from: &StartFrom,
    run: &Path,
) -> std::io::Result<(GuestSpec, &'static str)> {
    let (machine, reason) = match from {
        // Found with a tiny guest whose initramfs had grown by 3%: it hung before its first line, in every run.
        StartFrom::Cold { .. } if launch.emulated && may_be_q35(guest) => (
            MachineKind::Q35,
            "microvm may hang under KVM on an emulated processor",
        ),
        StartFrom::Cold { .. } => MachineKind::choose(guest, launch.accelerator),
        StartFrom::Template { .. } => (
            MachineKind::Q35,
            "the template's: NICs are plugged into PCI",
        ),
    };
    let mut spec = GuestSpec {
        name: name.to_string(),
        program: launch.vmms.get(&guest.hypervisor).cloned(),
        cid: context_id()?,
        vcpu: guest.vcpu,
        mem: guest.mem,
        hypervisor: guest.hypervisor,
        machine,
        transport: guest.transport,
        accelerator: launch.accelerator,
        // Measuring takes a moment in which nothing else is done, and a guest under KVM is told nothing.
        tsc_mhz: match launch.accelerator {
            Accelerator::Tcg => tsc_mhz(),
            Accelerator::Kvm => None,
        },
        kernel: image.kernel.clone(),
        initrd: run.join("initrd"),
        disk: image.disk.clone(),
        image: image.provides,
        run: run.to_owned(),
        nics: hypervisor::nics(guest, &launch.folders.run),
        start: Start::Cold,
    };
    if let StartFrom::Template { read_only_ram, .. } = from {
        let folder = template_mount(&launch.folders.run, name.as_ref());
        spec.initrd = folder.join("initrd");
        spec.start = Start::Template {
            folder,
            read_only_ram: *read_only_ram,
        };
    }
    Ok((spec, reason))
}

/// A context id that no other guest of this machine has, as far as chance goes: those of vhost-vsock are the whole
/// machine's. 0 to 2 are taken (vsock(7)).
fn context_id() -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes) % (1 << 30) + 3)
}

/// Binds a VMM's program into the worker's private tmpfs, where the VMM's user can execute it, wherever it is.
///
/// # Errors
/// The kernel's answer.
pub(super) fn bind_vmm(
    kind: HypervisorKind,
    program: &Path,
    run: &Path,
) -> std::io::Result<PathBuf> {
    let folder = run.join("vmm");
    fs::create_dir_all(&folder)?;
    let target = folder.join(kind.to_string());
    let mode = fs::metadata(program)?.permissions().mode();
    if mode & 0o005 != 0o005 {
        // Somebody's own program, or one that was built under umask 077: the VMM's user gets a copy.
        fs::copy(program, &target)?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
        return Ok(target);
    }
    File::create(&target)?;
    let (source, at) = (program.to_string_lossy(), target.to_string_lossy());
    mount_at(Some(&source), &at, None, MsFlags::MS_BIND, None).map_err(std::io::Error::other)?;
    Ok(target)
}

/// Where a guest's template is bound.
fn template_mount(run: &Path, guest: &str) -> PathBuf {
    run.join("templates").join(guest)
}

/// Binds a guest's template into the worker's private tmpfs.
///
/// # Errors
/// What was bound where, and the kernel's answer.
pub(super) fn bind_template(
    guest: &MachineName,
    template: &Path,
    image: &Path,
    run: &Path,
) -> Result<(), String> {
    let at = template_mount(run, guest.as_ref());
    fs::create_dir_all(&at).map_err(|e| format!("create `{}`: {e}", at.display()))?;
    mount_template(template, image, &at)
}

/// Folder of a guest's evidence.
pub(super) fn guest_folder(evidence: &Path, guest: &str) -> PathBuf {
    evidence.join("guests").join(guest)
}
