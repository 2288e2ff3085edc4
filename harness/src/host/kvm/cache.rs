//! Remembers what a boot has proven, until something changes on which it depended.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::KvmVerdict;
use crate::host::modules::kernel_release;

const FILE: &str = "kvm-verdict.json";

/// Everything that a verdict depends on. QEMU is recognised by its file rather than by `--version`: a rebuilt QEMU has
/// the same version, and asking costs a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    boot_id: String,
    kernel_release: String,
    qemu: String,
    qemu_file: Option<Stamp>,
    node: Option<Stamp>,
}

/// What changes when a file is replaced or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: i64,
}

impl Key {
    pub(super) fn here(qemu: &Path) -> Self {
        Self {
            boot_id: fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            kernel_release: kernel_release(),
            qemu: qemu.display().to_string(),
            qemu_file: stamp(qemu),
            node: stamp(Path::new("/dev/kvm")),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: about.ino(),
        size: about.size(),
        modified: about.mtime(),
    })
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: Key,
    verdict: KvmVerdict,
}

/// The verdict for `key`; a file that cannot be read, or is from another version, is no verdict.
pub(super) fn load(folder: &Path, key: &Key) -> Option<KvmVerdict> {
    let text = fs::read(folder.join(FILE)).ok()?;
    let entry: Entry = serde_json::from_slice(&text).ok()?;
    (entry.key == *key).then_some(entry.verdict)
}

/// Keeps `verdict`, unless it says nothing. A failure costs the next run a few seconds, so it is only logged.
pub(super) fn store(folder: &Path, key: &Key, verdict: &KvmVerdict) {
    if matches!(
        verdict,
        KvmVerdict::Unproven { .. } | KvmVerdict::Unanswered { .. }
    ) {
        return;
    }
    let entry = Entry {
        key: key.clone(),
        verdict: verdict.clone(),
    };
    if let Err(error) = write(folder, &entry) {
        tracing::debug!(%error, folder = %folder.display(), "could not remember the verdict on KVM");
    }
}

/// Replaces the file in one step, so that a reader sees the old file or the new one, never half of one.
fn write(folder: &Path, entry: &Entry) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&file, entry)?;
    file.persist(folder.join(FILE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_found_again_only_for_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        let key = Key::here(Path::new("/bin/sh"));
        let no = KvmVerdict::no("internal error");
        assert_eq!(load(&folder, &key), None);
        store(&folder, &key, &no);
        assert_eq!(load(&folder, &key), Some(no));
        let rebooted = Key {
            boot_id: "another".into(),
            ..key.clone()
        };
        assert_eq!(load(&folder, &rebooted), None);
        fs::write(folder.join(FILE), "{").unwrap();
        assert_eq!(load(&folder, &key), None);
    }

    #[test]
    fn what_was_not_proven_is_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::here(Path::new("/bin/sh"));
        store(
            dir.path(),
            &key,
            &KvmVerdict::Unproven {
                reason: "slow".into(),
            },
        );
        assert_eq!(load(dir.path(), &key), None);
        let reason = "signal: 9 (SIGKILL)".into();
        store(dir.path(), &key, &KvmVerdict::Unanswered { reason });
        assert_eq!(load(dir.path(), &key), None);
    }
}
