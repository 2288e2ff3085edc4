//! A guest's seed: the files that make it this guest, appended to the initramfs as a second cpio archive.
//!
//! The kernel unpacks both archives into one tree, and the image's initramfs copies `bridgelab-seed/` over the
//! root file system before systemd starts: so unit files and identity are there at first boot, with no disk, no
//! network and no agent. Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.

/// Folder in the initramfs whose content is copied over the root file system.
const FOLDER: &str = "bridgelab-seed";

/// Files of a guest, by absolute path in the guest.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// Path, mode with the file's type, and content.
    files: Vec<(String, u32, Vec<u8>)>,
}

impl Seed {
    /// Adds a file with its permission bits, `/etc/hostname` for example.
    pub fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.entry(path, 0o100_000 | mode, bytes.into())
    }

    /// Adds a symbolic link, `/etc/resolv.conf` for example.
    pub fn link(&mut self, path: &str, target: &str) -> &mut Self {
        self.entry(path, 0o120_777, target.into())
    }

    fn entry(&mut self, path: &str, mode: u32, bytes: Vec<u8>) -> &mut Self {
        let path = path.trim_start_matches('/').to_owned();
        self.files.push((path, mode, bytes));
        self
    }

    /// The seed as an uncompressed "newc" cpio archive, owned by root.
    pub fn to_cpio(&self) -> Vec<u8> {
        let mut archive = Cpio::default();
        let mut made = std::collections::BTreeSet::new();
        for (path, mode, bytes) in &self.files {
            let full = format!("{FOLDER}/{path}");
            // cpio makes no folders by itself.
            for (end, _) in full.match_indices('/') {
                let folder = &full[..end];
                if made.insert(folder.to_owned()) {
                    archive.entry(folder, 0o040_000 | folder_mode(folder), &[]);
                }
            }
            archive.entry(&full, *mode, bytes);
        }
        archive.entry("TRAILER!!!", 0, &[]);
        archive
            .bytes
            .resize(archive.bytes.len().next_multiple_of(512), 0);
        archive.bytes
    }

    /// An initramfs followed by this seed.
    pub fn append_to(&self, mut initrd: Vec<u8>) -> Vec<u8> {
        initrd.resize(initrd.len().next_multiple_of(4), 0);
        initrd.extend(self.to_cpio());
        initrd
    }
}

/// sshd refuses keys in folders that others can write or that are not the user's own.
fn folder_mode(folder: &str) -> u32 {
    if folder == "bridgelab-seed/root" || folder.ends_with("/.ssh") {
        0o700
    } else {
        0o755
    }
}

#[derive(Default)]
struct Cpio {
    bytes: Vec<u8>,
    inode: u32,
}

impl Cpio {
    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.inode += 1;
        let fields = [
            self.inode,
            mode,
            0, // uid
            0, // gid
            1, // links
            0, // mtime
            content.len() as u32,
            0, // device of the file
            0,
            0, // device it stands for
            0,
            name.len() as u32 + 1,
            0, // checksum, unused in newc
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08X}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::capability::skip_test;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn cpio_itself_lists_the_seed() {
        let mut seed = Seed::default();
        seed.file("/etc/hostname", 0o644, "test1\n").file(
            "/root/.ssh/authorized_keys",
            0o600,
            "key\n",
        );
        seed.link("/etc/resolv.conf", "../run/resolv.conf");
        let Ok(mut cpio) = Command::new("busybox")
            .args(["cpio", "-tv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
        else {
            return skip_test("busybox, whose cpio reads what we write, does not start here");
        };
        let mut stdin = cpio.stdin.take().expect("piped");
        stdin.write_all(&seed.to_cpio()).expect("cpio reads it");
        drop(stdin);
        let output = cpio.wait_with_output().expect("cpio ends");
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        for wanted in [
            "bridgelab-seed/etc/hostname",
            "bridgelab-seed/root/.ssh/authorized_keys",
            "bridgelab-seed/etc/resolv.conf -> ../run/resolv.conf",
        ] {
            assert!(listed.contains(wanted), "{listed}");
        }
        assert!(listed.contains("-rw-------"), "{listed}");
        assert!(listed.contains("drwx------"), "{listed}");
    }

    #[test]
    fn the_second_archive_starts_on_a_multiple_of_four() {
        let mut seed = Seed::default();
        seed.file("/etc/machine-id", 0o444, "0\n");
        let whole = seed.append_to(vec![1; 5]);
        assert_eq!(&whole[5..8], &[0, 0, 0]);
        assert_eq!(&whole[8..14], b"070701");
    }
}
