//! Boots a scenario's guests on the lab's TAPs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::mount::MsFlags;

use super::error::LabError;
use super::job::StartFrom;
use super::topology::{Folders, Lab};
use crate::guest::identity::{Identity, KeyPair};
use crate::guest::start::{GuestFolders, ReadyGuest, StartError, open, write_initrd};
use crate::guest::{BootingGuest, Personalization, plain};
use crate::host::isolate::mount_at;
use crate::host::sealed::sealed_copy;
use crate::host::tap::Tap;
use crate::host::tsc_mhz;
use crate::hypervisor::{self, Accelerator, GuestSpec, MachineKind, Start};
use crate::scenario::names::MachineName;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest as GuestPlan, HypervisorKind, MachineType, Scenario, Transport};
use crate::template::{QemuVersion, mount_template};

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

/// Images as the worker's guests see them, by name: one for each that the scenario uses.
pub(super) type GuestImages = BTreeMap<String, GuestImage>;

/// An image as the worker's guests see it.
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

/// What all guests of a run have in common when they start, at the beginning or by a step.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) images: GuestImages,
    pub(super) accelerator: Accelerator,
    /// Whether translated vcpus of a guest take turns in one thread.
    pub(super) one_thread: bool,
    /// Whether KVM runs on a processor that is emulated itself.
    pub(super) emulated: bool,
    pub(super) folders: Folders,
    pub(super) starts: BTreeMap<String, StartFrom>,
    /// Paths of VMMs that are not taken from `PATH`.
    pub(super) vmms: BTreeMap<HypervisorKind, PathBuf>,
    pub(super) login: KeyPair,
    pub(super) drawn: Drawn,
    pub(super) sealed: Sealed,
}

/// Whether vcpus take turns: there are several in a guest whose code is translated, and this machine's QEMU cannot do otherwise.
pub(super) fn in_one_thread(scenario: &Scenario, accelerator: Accelerator) -> bool {
    let several = scenario.guests.values().any(|guest| guest.vcpu > 1);
    let in_threads =
        || QemuVersion::of_this_machine().is_ok_and(|qemu| qemu.translates_in_threads());
    several && accelerator == Accelerator::Tcg && !in_threads()
}

/// Sealed copies of templates' memory, each made once for all guests of a run. They are known by the identity of the copied
/// file, since every guest has its template bound to a path of its own.
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
        // A thread of its own copies some hundred MiB, so that the lab goes on meanwhile.
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

/// Random numbers that guests drew right after their start from a template. Two equal ones show that both guests still have the
/// template's random number generator.
#[derive(Debug, Default)]
pub(super) struct Drawn(Mutex<BTreeSet<String>>);

impl Drawn {
    /// Whether no other guest has drawn this number.
    pub(super) fn is_new(&self, number: &str) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(number.to_owned())
    }
}

/// Starts a guest's VMM on the lab's TAPs for it, without waiting for the guest. A guest that was started before keeps its
/// `identity`, as a machine does whose power was off.
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

/// Removes sockets and keys of an earlier start whose VMM is gone.
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
    let failed = |error| unstarted(name, error);
    let folders = GuestFolders {
        run: launch.folders.run.join(name.as_ref()),
        logs: guest_folder(&launch.folders.evidence, name.as_ref()),
    };
    let folders = folders.make().map_err(failed)?;
    let run = folders.run.as_path();
    let io = |doing: &'static str| {
        let failed = StartError::io(doing, run);
        move |source| unstarted(name, failed(source))
    };
    let identity = match identity {
        Some(known) => known,
        None => Identity::generate(name.as_ref(), &folders.keys(), &launch.login)?
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
        spec(name, guest, image, launch, from, run).map_err(io("draw a number for"))?;
    let seed = plain::seed(&identity, guest)?;
    let mut personalization = None;
    if let Some(folder) = spec.start.folder() {
        let state = open(&folder.join("state")).map_err(failed)?;
        let made = Personalization::new(&identity, seed, image.provides, state);
        personalization = Some(made.map_err(io("read random numbers for"))?);
    } else {
        write_initrd(&seed, image.initrd.clone(), &spec.initrd).map_err(failed)?;
    }
    let machine = match spec.hypervisor.has_machine(MachineType::Q35) {
        true => (spec.machine.to_string(), reason),
        false => (spec.hypervisor.to_string(), "it has one machine"),
    };
    let command = hypervisor::command(&spec).to_string();
    let mut ready = ReadyGuest::prepare(spec, &folders).map_err(failed)?;
    if let Some((path, number)) = ready.sealed() {
        let copy = launch.sealed.of(&path).await;
        let copy = copy.map_err(StartError::io("seal a copy of", &path));
        ready.inherit(copy.map_err(failed)?, number);
    }
    // Keep the TAPs of a guest from a template until it has proven itself, so that it can be started again on them; no longer,
    // because the TAPs and their carrier must end with the VMM.
    let kept: Vec<OwnedFd> = match from {
        StartFrom::Template { .. } => taps.iter().map(OwnedFd::try_clone).collect(),
        StartFrom::Cold { .. } => Ok(Vec::new()),
    }
    .map_err(io("keep the TAPs of"))?;
    ready.inherit_nics(taps);
    let on = lab.machine(guest.on.as_ref())?;
    let started = on.run(async move { ready.start() }).await??;
    Ok(Started {
        booting: started.boots(&identity, personalization),
        identity,
        command,
        machine,
        from: from.clone(),
        taps: kept,
    })
}

/// The error for what went wrong before a guest's VMM ran.
fn unstarted(name: &MachineName, error: StartError) -> LabError {
    match error {
        StartError::Io {
            doing,
            path,
            source,
        } => LabError::Io {
            doing: format!("{doing} `{}`", path.display()),
            machine: name.to_string(),
            source,
        },
        StartError::Layer { layer, source } => LabError::Disk {
            layer,
            machine: name.to_string(),
            source,
        },
        StartError::Guest(error) => LabError::Guest(error),
        StartError::Vmm(error) => LabError::Service(error),
    }
}

/// Whether the harness chooses the machine type, and the guest's devices may be on PCI.
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
        // A tiny guest whose initramfs had grown by 3% hung before its first line, in every run.
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
        one_thread: launch.one_thread && guest.vcpu > 1,
        // Measure only for guests that are emulated, since it takes time: a guest under KVM is told no clock rate.
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

/// Draws a context id for vhost-vsock. All guests of this machine share these ids, so that two are different as far as chance
/// goes. 0 to 2 are taken (vsock(7)).
fn context_id() -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes) % (1 << 30) + 3)
}

/// Binds a VMM's program into the worker's private tmpfs, where the VMM's user can execute it, whatever folder it is in.
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
        // Others may not execute the program, for example because it was built under umask 077: the VMM's user gets a copy.
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
/// [`LabError::Io`] or [`LabError::Template`].
pub(super) fn bind_template(
    guest: &MachineName,
    template: &Path,
    image: &Path,
    run: &Path,
) -> Result<(), LabError> {
    let at = template_mount(run, guest.as_ref());
    fs::create_dir_all(&at).map_err(|source| LabError::Io {
        doing: format!("create `{}`", at.display()),
        machine: guest.to_string(),
        source,
    })?;
    mount_template(template, image, &at).map_err(|source| LabError::Template {
        template: template.to_owned(),
        source,
    })
}

/// Folder of a guest's evidence.
pub(super) fn guest_folder(evidence: &Path, guest: &str) -> PathBuf {
    evidence.join("guests").join(guest)
}
