//! A file's content in memory that nobody can write to: a sealed memfd, memfd_create(2) and F_SEAL_WRITE of fcntl(2).
//!
//! A program that insists on opening a file for writing, although it only maps it copy-on-write, gets this in the place of
//! the file. Opening `/proc/self/fd/N` for writing succeeds, `MAP_PRIVATE` too; write(2), ftruncate(2) and a writable `MAP_SHARED`
//! end with `EPERM`, whoever asks, and the seals cannot be taken off.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{Whence, lseek};

/// Bytes that are copied, or left out because they are all zeros, at a time.
const PIECE: usize = 64 << 10;

/// The name of the memfd, by which `/proc/PID/maps` shows its mappings.
const NAME: &str = "bridgelab-ram";

/// A sealed copy of a file's content, with holes where the file has holes or nothing but zeros.
///
/// # Errors
/// The kernel's answer; `ENOMEM` or `ENOSPC` when there is no room for it.
pub fn sealed_copy(path: &Path) -> io::Result<OwnedFd> {
    let from = File::open(path)?;
    let size = from.metadata()?.len();
    let to = memfd_create(NAME, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let to = File::from(to);
    to.set_len(size)?;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while let Some(data) = next_data(&from, at)? {
        // Pieces begin where the file's own blocks do, so that a hole of it is never filled.
        at = data - data % PIECE as u64;
        let length = PIECE.min(usize::try_from(size - at).unwrap_or(PIECE));
        let piece = &mut piece[..length];
        from.read_exact_at(piece, at)?;
        if piece.iter().any(|&byte| byte != 0) {
            to.write_all_at(piece, at)?;
        }
        at += length as u64;
    }
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SEAL;
    fcntl(&to, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(to.into())
}

/// The path by which `/proc/PID/maps` shows the mappings of a sealed copy.
pub fn mapped_as() -> PathBuf {
    format!("/memfd:{NAME} (deleted)").into()
}

/// Where the next byte is that is not in a hole; `None`: there is none.
fn next_data(file: &File, from: u64) -> io::Result<Option<u64>> {
    let from = i64::try_from(from).map_err(|e| io::Error::new(ErrorKind::InvalidInput, e))?;
    match lseek(file, from, Whence::SeekData) {
        Ok(at) => Ok(u64::try_from(at).ok()),
        Err(Errno::ENXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn sealed(bytes: &[(u64, &[u8])], size: u64) -> (tempfile::TempDir, PathBuf, OwnedFd) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ram");
        let file = File::create(&path).expect("a file");
        file.set_len(size).expect("its size");
        for (at, bytes) in bytes {
            file.write_all_at(bytes, *at).expect("written");
        }
        let copy = sealed_copy(&path).expect("a copy");
        (folder, path, copy)
    }

    fn opened(copy: &OwnedFd) -> io::Result<File> {
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        File::options().read(true).write(true).open(path)
    }

    #[test]
    fn it_is_the_file_with_its_holes() {
        let zeros = vec![0; PIECE];
        let size = (64 << 20) + 5;
        let places: [(u64, &[u8]); 4] = [
            (0, b"first"),
            (PIECE as u64 * 3, &zeros),
            ((32 << 20) - 2, b"across"),
            (size - 4, b"last"),
        ];
        let (_folder, path, copy) = sealed(&places, size);
        let mut copied = Vec::new();
        let mut again = opened(&copy).expect("it opens");
        again.read_to_end(&mut copied).expect("it is read");
        assert!(
            copied == std::fs::read(path).expect("the file"),
            "the same bytes"
        );
        let taken = again.metadata().expect("its size").blocks() * 512;
        assert!(taken <= 6 * PIECE as u64, "{taken} bytes for four pieces");
    }

    /// QEMU before 8.2 opens a template's memory for writing, and must not be able to write to it. That QEMU maps it
    /// copy-on-write is shown by every guest that starts from a template.
    #[test]
    fn it_is_opened_for_writing_and_never_written() {
        let (_folder, path, copy) = sealed(&[(0, b"template")], 1 << 20);
        let mut again = opened(&copy).expect("it opens for writing");
        let refused = |what: &str, done: io::Result<()>| {
            let error = done.expect_err(what);
            assert_eq!(
                error.raw_os_error(),
                Some(Errno::EPERM as i32),
                "{what}: {error}"
            );
        };
        refused("write(2)", again.write_all(b"other"));
        refused("pwrite(2)", again.write_all_at(b"other", 1 << 10));
        refused("grow", again.set_len(2 << 20));
        refused("shrink", again.set_len(0));
        let unseal = fcntl(&copy, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE));
        assert_eq!(unseal, Err(Errno::EPERM), "the seals are sealed");
        let mut first = [0; 8];
        again.read_exact_at(&mut first, 0).expect("it is read");
        assert_eq!(&first, b"template");
        assert_eq!(&std::fs::read(path).expect("the file")[..8], b"template");
    }
}
