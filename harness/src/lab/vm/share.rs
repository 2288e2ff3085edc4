//! What a lab VM gets to see of this machine: the program itself, the scenario, the guests' images and the VMMs found
//! here, below one folder that QEMU shows read-only. Nothing else.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;

use super::{LabVm, LabVmError};
use crate::host::isolate::mount_at;
use crate::lab::job::Job;
use crate::lab::{JobImage, StartFrom};
use crate::plan::Accelerator;

/// Where the folder is mounted in the VM.
const LAB: &str = "/lab";
/// Files of this machine are below this, at the paths that they have here.
const HOST: &str = "/lab/host";
/// Where the worker in the VM writes its evidence.
const EVIDENCE: &str = "/var/lib/bridgelab/evidence";
/// A scenario with its unit files takes some kB; this much is somebody's home.
const LARGEST: u64 = 64 << 20;

/// The job as the worker in the VM gets it.
pub(super) fn inner_job(job: &Job, vm: &LabVm) -> Job {
    let mut inner = job.clone();
    inner.vm = None;
    inner.emulated = vm.accelerator == Accelerator::Tcg;
    inner.scenario = inside(&job.scenario);
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

/// A line from the VM, with the paths as they are here. `evidence` is the folder of the run.
pub(super) fn outside(line: &str, evidence: &Path) -> String {
    // Lines are JSON: the path has to be written as it is within a string of it.
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

/// The folder that holds everything which a scenario reads: all of `scenarios/`, since scenarios use each other's unit
/// files, or the scenario's own.
fn scenario_folder(scenario: &Path) -> &Path {
    let all = scenario.ancestors();
    let all = all.skip(1).filter(|folder| folder.ends_with("scenarios"));
    let own = match scenario.is_dir() {
        true => Some(scenario),
        false => scenario.parent(),
    };
    all.last().or(own).unwrap_or(scenario)
}

/// Fills the folder `share`, which must be in the worker's private tmpfs.
///
/// Small things are copied, so that QEMU's user can read them whatever their modes here; images are bound.
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
    let folder = scenario_folder(&job.scenario);
    let to = share
        .join("host")
        .join(folder.strip_prefix("/").unwrap_or(folder));
    let mut room = LARGEST;
    copy_folder(folder, &to, &job.evidence, &mut room)
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

/// Copies a folder, but not the evidence of runs, which may lie in it.
fn copy_folder(from: &Path, to: &Path, evidence: &Path, room: &mut u64) -> Result<(), LabVmError> {
    create(to)?;
    for entry in fs::read_dir(from).map_err(failed("read", from))? {
        let path = entry.map_err(failed("read", from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if evidence.starts_with(&path) {
            continue;
        }
        let meta = fs::metadata(&path).map_err(failed("read", &path))?;
        if meta.is_dir() {
            copy_folder(&path, &target, evidence, room)?;
        } else if meta.is_file() {
            *room = room.checked_sub(meta.len()).ok_or_else(|| {
                let much = format!(
                    "more than {} MiB: give the scenario a folder of its own",
                    LARGEST >> 20
                );
                failed("copy the scenario's folder with", &path)(io::Error::other(much))
            })?;
            copy(&path, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_come_with_those_whose_files_they_use() {
        let folder = |path| scenario_folder(Path::new(path)).display().to_string();
        assert_eq!(
            folder("/src/scenarios/docker/dns/scenario.toml"),
            "/src/scenarios"
        );
        assert_eq!(folder("/src/scenarios/a.toml"), "/src/scenarios");
        assert_eq!(folder("/tmp/mine/scenario.toml"), "/tmp/mine");
        // A folder may be named in place of its file, and then what lies beside it is not the scenario's.
        let mine = tempfile::tempdir().expect("temporary directory");
        assert_eq!(scenario_folder(mine.path()), mine.path());
    }

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
        let (from, to) = (folder.path().join("lab"), folder.path().join("copy"));
        let evidence = from.join("evidence/run-1");
        fs::create_dir_all(&evidence).expect("folder");
        fs::create_dir_all(from.join("host")).expect("folder");
        fs::write(from.join("scenario.toml"), "").expect("file");
        fs::write(from.join("host/10-lan.network"), "[Match]\n").expect("file");
        let mut room = LARGEST;
        copy_folder(&from, &to, &evidence, &mut room).expect("copied");
        assert!(to.join("host/10-lan.network").is_file() && !to.join("evidence").exists());
        let error = copy_folder(&from, &to, &evidence, &mut 3).expect_err("no room");
        assert!(error.to_string().contains("10-lan.network"), "{error}");
    }
}
