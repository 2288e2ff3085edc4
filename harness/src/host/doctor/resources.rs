//! Room: memory for the guests, disk for images and evidence.

use std::fs;
use std::path::Path;

use crate::host::capability::Capability;
use crate::host::finding::Finding;
use crate::host::free_space::room;

const MIB: u64 = 1024 * 1024;
/// One guest of 1 GiB and what the lab itself takes.
const MEMORY_NEEDED: u64 = 1536 * MIB;
/// An image while it is built, its template and a few runs.
const DISK_NEEDED: u64 = 6 * 1024 * MIB;

pub(super) fn memory() -> Finding {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available(&text) {
        Some(bytes) => judged(Capability::Memory, bytes, MEMORY_NEEDED, "available"),
        None => Finding::absent(
            Capability::Memory,
            "/proc/meminfo has no MemAvailable",
            None,
        ),
    }
}

/// Room for `cache`, which need not exist yet.
pub(super) fn disk(cache: &Path) -> Finding {
    let existing = cache
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"));
    match room(existing) {
        Ok(room) => judged(
            Capability::DiskSpace,
            room.free,
            DISK_NEEDED,
            &format!("free for {}", cache.display()),
        ),
        Err(error) => Finding::absent(
            Capability::DiskSpace,
            format!("ask for the room in {}: {error}", existing.display()),
            None,
        ),
    }
}

fn judged(capability: Capability, have: u64, need: u64, what: &str) -> Finding {
    let gib = |bytes: u64| {
        format!(
            "{}.{} GiB",
            bytes / (1024 * MIB),
            bytes % (1024 * MIB) * 10 / (1024 * MIB)
        )
    };
    if have >= need {
        return Finding::present(capability, None, format!("{} {what}", gib(have)));
    }
    Finding::absent(
        capability,
        format!("only {} {what}, {} are needed", gib(have), gib(need)),
        None,
    )
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::finding::Status;

    #[test]
    fn meminfo_is_read() {
        let text = "MemTotal:  24683000 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(available(text), Some(2 * MIB));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn too_little_says_how_much_is_needed() {
        let found = judged(Capability::Memory, 512 * MIB, MEMORY_NEEDED, "available");
        let Status::Absent { reason } = found.status else {
            panic!("must be absent")
        };
        assert_eq!(reason, "only 0.5 GiB available, 1.5 GiB are needed");
    }

    #[test]
    fn a_folder_that_is_yet_to_be_made_is_judged_by_its_parent() {
        let found = disk(Path::new("/nonexistent/cache"));
        assert!(!format!("{found:?}").contains("ask for"), "{found:?}");
    }
}
