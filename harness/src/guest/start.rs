//! Starts a guest's VMM, for a lab and for the making of a template alike: makes what it needs, hands it its descriptors, and
//! has it run as a user of its own.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::error::GuestError;
use super::identity::Identity;
use super::layer_error::LayerError;
use super::{BootingGuest, Personalization};
use crate::host::service::{Log, Service, ServiceError};
use crate::host::terminal::Terminal;
use crate::host::tool::{Tool, locate};
use crate::host::{ChildSetup, VMM_ID, vmm_groups};
use crate::hypervisor::{self, FIRST_NIC_FD, GuestSpec, hypervisor};
use crate::image::seed::Seed;

/// A guest's VMM could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something that it needs could not be made.
    #[error("{doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The file for its writes to its disk could not be made.
    #[error("make the disk `{}`", layer.display())]
    Layer {
        /// The file.
        layer: PathBuf,
        /// Why.
        source: LayerError,
    },
    /// The guest's identity could not be made.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The program did not start.
    #[error(transparent)]
    Vmm(#[from] ServiceError),
}

impl StartError {
    /// What turns the kernel's answer to `doing` something with `path` into an error.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// The folders of a guest.
#[derive(Debug, Clone)]
pub struct GuestFolders {
    /// The VMM makes its sockets here, and its copy-on-write file.
    pub run: PathBuf,
    /// What the VMM and the guest's console say.
    pub logs: PathBuf,
}

impl GuestFolders {
    /// Makes the folders, and gives `run` to the VMM's user.
    ///
    /// # Errors
    /// [`StartError::Io`]
    pub fn make(self) -> Result<Self, StartError> {
        let keys = self.keys();
        fs::create_dir_all(&keys).map_err(StartError::io("create", &keys))?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o700))
            .map_err(StartError::io("protect", &keys))?;
        fs::create_dir_all(&self.logs).map_err(StartError::io("create", &self.logs))?;
        hand_over(&self.run)?;
        Ok(self)
    }

    /// The folder of the guest's private keys, which the VMM's user cannot read.
    pub fn keys(&self) -> PathBuf {
        self.run.join("identity")
    }
}

/// Gives a file or folder to the VMM's user.
fn hand_over(path: &Path) -> Result<(), StartError> {
    chown(path, Some(VMM_ID), Some(VMM_ID)).map_err(StartError::io("hand over", path))
}

/// Writes the guest's initial file system: the image's, with the guest's seed behind it.
///
/// # Errors
/// [`StartError::Io`]
pub fn write_initrd(seed: &Seed, of_image: Vec<u8>, to: &Path) -> Result<(), StartError> {
    fs::write(to, seed.append_to(of_image)).map_err(StartError::io("write", to))
}

/// Makes the file that takes a guest's writes to its disk: `qemu-img create -f qcow2 -F raw -b BASE OVERLAY`.
///
/// # Errors
/// [`StartError::Layer`]
pub fn make_layer(overlay: &Path, base: &str) -> Result<(), StartError> {
    let failed = |source| StartError::Layer {
        layer: overlay.to_owned(),
        source,
    };
    let refused = |said: String| failed(LayerError::Refused { said });
    let program = locate(Tool::QemuImg).ok_or_else(|| failed(LayerError::NoProgram))?;
    let made = Command::new(program)
        .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b", base])
        .arg(overlay)
        .output()
        .map_err(|e| refused(e.to_string()))?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr);
    Err(refused(said.trim().to_owned()))
}

/// A guest whose VMM has all that it needs to start.
#[derive(Debug)]
pub struct ReadyGuest {
    spec: GuestSpec,
    /// A file of which the VMM inherits a sealed copy, and the descriptor's number in the VMM
    /// ([`crate::hypervisor::Needs::sealed`]).
    sealed: Option<(PathBuf, RawFd)>,
    /// Descriptors that the VMM inherits, each with its number in the VMM.
    inherited: Vec<(RawFd, Arc<OwnedFd>)>,
    terminal: Option<Terminal>,
    logs: PathBuf,
}

impl ReadyGuest {
    /// Makes what the VMM of `spec` needs. What only the caller has is added by [`inherit`](Self::inherit).
    ///
    /// # Errors
    /// [`StartError::Io`] or [`StartError::Layer`].
    pub fn prepare(spec: GuestSpec, folders: &GuestFolders) -> Result<Self, StartError> {
        let needs = hypervisor(spec.hypervisor).needs(&spec);
        for (path, text) in &needs.files {
            fs::write(path, text).map_err(StartError::io("write", path))?;
        }
        if let (Some(layer), Some(disk)) = (&needs.layer, &spec.disk) {
            make_layer(layer, &disk.to_string_lossy())?;
            chown(layer, Some(VMM_ID), Some(VMM_ID))
                .map_err(StartError::io("make the disk", layer))?;
        }
        // The sockets listen before the VMM starts, so that an early connection waits and is not refused.
        let mut inherited = Vec::new();
        for (path, number) in needs.sockets {
            let socket = UnixListener::bind(&path).map_err(StartError::io("listen on", &path))?;
            inherited.push((number, Arc::new(OwnedFd::from(socket))));
        }
        let terminal = needs.terminal.then(Terminal::open).transpose();
        let terminal = terminal.map_err(StartError::io("open a terminal for", &spec.run))?;
        Ok(Self {
            spec,
            sealed: needs.sealed,
            inherited,
            terminal,
            logs: folders.logs.clone(),
        })
    }

    /// A file of which the VMM must [`inherit`](Self::inherit) a sealed copy, and the descriptor's number in the VMM.
    pub fn sealed(&self) -> Option<(PathBuf, RawFd)> {
        self.sealed.clone()
    }

    /// What the VMM is started with.
    pub fn spec(&self) -> &GuestSpec {
        &self.spec
    }

    /// Has the VMM inherit a descriptor, under this number.
    pub fn inherit(&mut self, descriptor: Arc<OwnedFd>, number: RawFd) {
        self.inherited.push((number, descriptor));
    }

    /// Has the VMM inherit the queues of its TAPs, in the order of its NICs.
    pub fn inherit_nics(&mut self, queues: Vec<OwnedFd>) {
        let queues = queues.into_iter().map(Arc::new);
        self.inherited.extend((FIRST_NIC_FD..).zip(queues));
    }

    /// Starts the VMM. The harness's copies of what the VMM inherits are closed when this returns.
    ///
    /// Must be called on the thread of the machine that the VMM belongs to.
    ///
    /// # Errors
    /// [`ServiceError`]
    pub fn start(self) -> Result<StartedGuest, ServiceError> {
        let Self {
            spec,
            inherited,
            terminal,
            logs,
            ..
        } = self;
        let mut command = hypervisor::command(&spec).to_command();
        // kvmtool makes a socket in its user's home, and the VMM's user has none.
        command.env("TMPDIR", &spec.run).env("HOME", &spec.run);
        let input = terminal.iter();
        let input = input.map(|terminal| (terminal.theirs.as_raw_fd(), 0));
        let inherited_as = inherited.iter();
        let inherited_as = inherited_as.map(|(number, from)| (from.as_raw_fd(), *number));
        let setup = ChildSetup {
            fds: inherited_as.chain(input).collect(),
            identity: Some((VMM_ID, VMM_ID, vmm_groups(spec.accelerator))),
        };
        let serial = Log::new(logs.join("serial.log"));
        let errors = Log::new(logs.join("vmm.log"));
        let vmm = Service::start_with_errors(&spec.name, command, setup, serial, errors)?;
        let vmm = vmm.holding(terminal.map(|terminal| terminal.ours));
        Ok(StartedGuest { spec, vmm })
    }
}

/// A guest whose VMM runs.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct StartedGuest {
    spec: GuestSpec,
    vmm: Service,
}

impl StartedGuest {
    /// The guest to wait for; `personalization` is for one that starts from a template.
    pub fn boots(
        self,
        identity: &Identity,
        personalization: Option<Personalization>,
    ) -> BootingGuest {
        BootingGuest::new(self.spec, self.vmm, identity, personalization)
    }
}

/// Opens a file that a guest is started with.
///
/// # Errors
/// [`StartError::Io`]
pub fn open(path: &Path) -> Result<File, StartError> {
    File::open(path).map_err(StartError::io("open", path))
}
