//! How much memory a process has, and how much of it is its own: `cat /proc/PID/smaps_rollup`.
//!
//! proc_pid_smaps(5). VMMs whose guests started from one template map the same file copy-on-write; that they share its
//! pages shows in what is theirs alone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Memory of a process, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// Resident set size: what it maps that is in memory.
    pub rss_kib: u64,
    /// Proportional set size: each page divided by the number of its users. The sum over all processes is what they
    /// take together.
    pub pss_kib: u64,
    /// What no other process maps: what its end would free, page cache aside.
    pub private_kib: u64,
}

impl ProcessMemory {
    /// Reads `smaps_rollup` in a process's folder of `/proc`; returns its text as well.
    ///
    /// # Errors
    /// The kernel's answer (the caller must be allowed to trace the process, ptrace(2)); `InvalidData` when a line
    /// is missing.
    pub fn read(folder: &Path) -> io::Result<(Self, String)> {
        let text = std::fs::read_to_string(folder.join("smaps_rollup"))?;
        match Self::parse(&text) {
            Some(memory) => Ok((memory, text)),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, text)),
        }
    }

    /// Reads the text of a `smaps_rollup`.
    fn parse(text: &str) -> Option<Self> {
        let kib = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.strip_prefix(':')?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        };
        Some(Self {
            rss_kib: kib("Rss")?,
            pss_kib: kib("Pss")?,
            private_kib: u64::saturating_add(kib("Private_Clean")?, kib("Private_Dirty")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18.
    const TEXT: &str = "\
55ee2e400000-7ffd8c5fe000 ---p 00000000 00:00 0                          [rollup]
Rss:              123012 kB
Pss:               61544 kB
Pss_Dirty:         30528 kB
Pss_Anon:          30528 kB
Pss_File:          31016 kB
Pss_Shmem:             0 kB
Shared_Clean:      90012 kB
Shared_Dirty:          0 kB
Private_Clean:      2472 kB
Private_Dirty:     30528 kB
Referenced:       123012 kB
Anonymous:         30528 kB
";

    #[test]
    fn what_is_private_is_clean_or_dirty() {
        let read = ProcessMemory::parse(TEXT).expect("it is whole");
        let memory = ProcessMemory {
            rss_kib: 123_012,
            pss_kib: 61_544,
            private_kib: 33_000,
        };
        assert_eq!(read, memory);
    }

    #[test]
    fn half_a_text_is_no_measurement() {
        let half = TEXT.replace("Private_Dirty", "Private");
        assert_eq!(ProcessMemory::parse(&half), None);
        assert_eq!(ProcessMemory::parse(""), None);
    }

    #[test]
    fn the_kernel_writes_what_is_read() {
        let (memory, text) = ProcessMemory::read(Path::new("/proc/self")).expect("our own");
        assert!(
            memory.private_kib > 0 && memory.private_kib <= memory.rss_kib,
            "{text}"
        );
        assert!(memory.pss_kib <= memory.rss_kib, "{text}");
    }
}
