//! What a lab VM gets to see of this machine: the program itself, the scenario, the guests' images and the VMMs found
//! here, below one folder that QEMU shows read-only. Nothing else.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;

use super::{LabVm, LabVmError};
use crate::host::isolate::mount_at;
use crate::lab::job::Job;
use crate::lab::{JobImage, StartFrom};
use crate::plan::Accelerator;
use crate::scenario::{self, Beneath, EntryKind, Unread};

/// Where the folder is mounted in the VM.
const LAB: &str = "/lab";
/// Where files of this machine are in the VM, below their paths here.
const HOST: &str = "/lab/host";
/// Where the worker in the VM writes its evidence.
const EVIDENCE: &str = "/var/lib/bridgelab/evidence";
/// Most bytes of a scenario that are copied. A scenario with its unit files takes some kB, so more is a home folder or the
/// like.
const LARGEST: u64 = 64 << 20;

/// The job as the worker in the VM gets it.
pub(super) fn inner_job(job: &Job, vm: &LabVm) -> Job {
    let mut inner = job.clone();
    inner.vm = None;
    inner.alone = true;
    inner.emulated = vm.accelerator == Accelerator::Tcg;
    let file = scenario::file_of(&job.scenario);
    // The VM has no links on the way to the scenario, so its path is given without them.
    let folder = Beneath::of(&file).folder();
    inner.scenario = inside(&folder.join(file.file_name().unwrap_or_default()));
    inner.evidence = PathBuf::from(EVIDENCE);
    for image in inner.images.values_mut() {
        image.folder = Path::new(LAB).join(image_place(image));
    }
    for program in inner.vmms.values_mut() {
        *program = Path::new(LAB).join(vmm_place(program));
    }
    for start in inner.starts.values_mut() {
        if let StartFrom::Template { folder, .. } = start {
            *folder = inside(folder);
        }
    }
    inner
}

/// A path of this machine as it is in the VM.
fn inside(path: &Path) -> PathBuf {
    Path::new(HOST).join(path.strip_prefix("/").unwrap_or(path))
}

/// Rewrites a line from the VM to have the paths of this machine. `evidence` is the run's folder.
pub(super) fn outside(line: &str, evidence: &Path) -> String {
    // The line is JSON, so the path is written as within a string of JSON.
    let quoted = serde_json::to_string(evidence).unwrap_or_default();
    let within = quoted.get(1..quoted.len().saturating_sub(1));
    line.replace(EVIDENCE, within.unwrap_or_default())
        .replace(HOST, "")
}

fn image_place(image: &JobImage) -> PathBuf {
    Path::new("images").join(&image.digest)
}

fn vmm_place(program: &Path) -> PathBuf {
    Path::new("bin").join(program.file_name().unwrap_or_default())
}

/// Fills the folder `share`, which must be in the worker's private tmpfs.
///
/// Small files are copied, so that QEMU's user can read them whatever their modes here. Images are bound.
///
/// # Errors
/// [`LabVmError`] with the file.
pub(super) fn fill(share: &Path, job: &Job, vm: &LabVm, program: &Path) -> Result<(), LabVmError> {
    let bin = share.join("bin");
    create(&bin)?;
    create(&share.join("host"))?;
    copy(program, &bin.join("bridgelab"))?;
    for program in &vm.programs {
        copy(program, &share.join(vmm_place(program)))?;
    }
    for image in job.images.values() {
        let at = share.join(image_place(image));
        create(&at)?;
        let (from, to) = (image.folder.to_string_lossy(), at.to_string_lossy());
        mount_at(Some(&from), &to, None, MsFlags::MS_BIND, None)?;
    }
    // Copy everything that the scenario reads, and nothing outside that a link leads to.
    let files = Beneath::of(&scenario::file_of(&job.scenario));
    let files = Beneath::at(files.root(), Path::new(""));
    let to = share
        .join("host")
        .join(files.root().strip_prefix("/").unwrap_or(files.root()));
    Copying {
        evidence: &job.evidence,
        files,
        to,
        room: LARGEST,
    }
    .folder(Path::new(""))
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> LabVmError {
    let doing = format!("{doing} `{}`", path.display());
    move |source| LabVmError::Io { doing, source }
}

fn create(folder: &Path) -> Result<(), LabVmError> {
    fs::create_dir_all(folder).map_err(failed("create", folder))
}

fn copy(from: &Path, to: &Path) -> Result<(), LabVmError> {
    fs::copy(from, to).map_err(failed("copy", from))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(failed("open", to))
}

/// A copy of a scenario's folder, without the evidence of runs that may lie in it.
struct Copying<'a> {
    files: Beneath,
    to: PathBuf,
    evidence: &'a Path,
    /// Bytes that may still be copied.
    room: u64,
}

impl Copying<'_> {
    fn folder(&mut self, path: &Path) -> Result<(), LabVmError> {
        create(&self.to.join(path))?;
        for name in self.files.list(path).map_err(self.unread(path))?.iter() {
            let path = path.join(name);
            if self.evidence.starts_with(self.files.root().join(&path)) {
                continue;
            }
            match self.files.kind(&path).map_err(self.unread(&path))? {
                EntryKind::Folder => self.folder(&path)?,
                EntryKind::File { .. } => self.file(&path)?,
                // Copy the link as it is. It leads to something that is copied too, or out of the root, where the VM does not
                // follow it.
                EntryKind::Link => {
                    let target = self.files.link(&path).map_err(self.unread(&path))?;
                    let to = self.to.join(&path);
                    symlink(target, &to).map_err(failed("link", &to))?;
                }
                EntryKind::Other => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), LabVmError> {
        let mut from = match self.files.open_file(path, self.room) {
            Ok(file) => file,
            Err(Unread::Large(_)) => return Err(self.no_room(path)),
            Err(unread) => return Err(self.unread(path)(unread)),
        };
        let to = self.to.join(path);
        let mut copy = fs::File::create(&to).map_err(failed("create", &to))?;
        // Try one byte more than there is room for, to notice a file that grows meanwhile.
        let copied = io::copy(&mut from.by_ref().take(self.room + 1), &mut copy);
        let copied = copied.map_err(failed("copy", path))?;
        let left = self.room.checked_sub(copied);
        self.room = left.ok_or_else(|| self.no_room(path))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).map_err(failed("open", &to))
    }

    fn no_room(&self, path: &Path) -> LabVmError {
        let much = format!(
            "more than {} MiB: give the scenario a folder of its own",
            LARGEST >> 20
        );
        let path = self.files.root().join(path);
        failed("copy the scenario's folder with", &path)(io::Error::other(much))
    }

    fn unread(&self, path: &Path) -> impl FnOnce(Unread) -> LabVmError + use<> {
        let path = self.files.root().join(path);
        move |unread| {
            let name = path.display().to_string();
            failed("read", &path)(unread.into_io("file", &name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_same_before_and_after() {
        let evidence = Path::new("/evidence/a \"b\"");
        let scenario = inside(Path::new("/src/scenarios/a/scenario.toml"));
        assert_eq!(
            scenario,
            Path::new("/lab/host/src/scenarios/a/scenario.toml")
        );
        let line = serde_json::json!([scenario, format!("{EVIDENCE}/captures")]).to_string();
        let back: Vec<String> = serde_json::from_str(&outside(&line, evidence)).expect("JSON");
        assert_eq!(
            back,
            [
                "/src/scenarios/a/scenario.toml",
                "/evidence/a \"b\"/captures"
            ]
        );
    }

    #[test]
    fn evidence_beside_a_scenario_stays_here() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let from = folder.path().join("lab");
        let evidence = from.join("evidence/run-1");
        fs::create_dir_all(&evidence).expect("folder");
        fs::create_dir_all(from.join("host")).expect("folder");
        fs::write(from.join("scenario.toml"), "").expect("file");
        fs::write(from.join("host/10-lan.network"), "[Match]\n").expect("file");
        let copying = |room| Copying {
            files: Beneath::at(&from, Path::new("")),
            to: folder.path().join(format!("copy-{room}")),
            evidence: &evidence,
            room,
        };
        let links = [
            ("host/own", "10-lan.network"),
            ("out", "/etc/passwd"),
            ("none", "nowhere"),
        ];
        for (link, target) in links {
            symlink(target, from.join(link)).expect("link");
        }
        let mut whole = copying(LARGEST);
        whole.folder(Path::new("")).expect("copied");
        let to = whole.to;
        assert!(to.join("host/10-lan.network").is_file() && !to.join("evidence/run-1").exists());
        for (link, target) in links {
            let copied = fs::read_link(to.join(link)).expect("a link");
            assert_eq!(
                copied,
                Path::new(target),
                "what a link leads out to is not copied"
            );
        }
        let error = copying(3).folder(Path::new("")).expect_err("no room");
        assert!(error.to_string().contains("10-lan.network"), "{error}");
    }
}
