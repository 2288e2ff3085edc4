//! Room in file systems: statvfs(3).

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;

/// How full a file system is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Free for users other than root.
    pub free: u64,
    /// Its size.
    pub all: u64,
}

/// Room in the file system that `folder` is in. Equivalent: `df FOLDER`.
///
/// # Errors
/// The kernel's answer.
pub fn room(folder: &Path) -> io::Result<FreeSpace> {
    let about = statvfs(folder)?;
    // The widths of these fields differ between architectures.
    #[expect(clippy::useless_conversion, reason = "u32 on 32-bit machines")]
    let [unit, free, all] = [
        u64::from(about.fragment_size()),
        u64::from(about.blocks_available()),
        u64::from(about.blocks()),
    ];
    Ok(FreeSpace {
        free: unit.saturating_mul(free),
        all: unit.saturating_mul(all),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_more_room_than_the_file_system_is_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = room(folder.path()).expect("it has a file system");
        assert!(room.free <= room.all && room.all > 0, "{room:?}");
        let none = super::room(&folder.path().join("none")).expect_err("it is not there");
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
