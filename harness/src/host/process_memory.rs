//! How much memory a process has, and how much of it is its own: `cat /proc/PID/smaps_rollup`, and `smaps` for one file.
//!
//! proc_pid_smaps(5). VMMs whose guests started from one template map the same file copy-on-write; that they share its
//! pages shows in the file's mapping.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Memory of a process, or what of a file it has mapped, in KiB.
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

    /// What the process has mapped of `file`, by `smaps`; `None`: nothing of it.
    ///
    /// # Errors
    /// As [`ProcessMemory::read`].
    pub fn read_mapping(folder: &Path, file: &Path) -> io::Result<Option<Self>> {
        let text = std::fs::read_to_string(folder.join("smaps"))?;
        Ok(Self::parse_mapping(&text, file))
    }

    /// Reads the text of a `smaps_rollup`.
    fn parse(text: &str) -> Option<Self> {
        let kib = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            let number = line.strip_prefix(':')?.trim().strip_suffix(" kB")?;
            number.parse().ok()
        };
        Some(Self {
            rss_kib: kib("Rss")?,
            pss_kib: kib("Pss")?,
            private_kib: u64::saturating_add(kib("Private_Clean")?, kib("Private_Dirty")?),
        })
    }

    /// Adds up all mappings of `file` in the text of a `smaps`: a line with addresses and path, then lines of keys.
    fn parse_mapping(text: &str, file: &Path) -> Option<Self> {
        let file = file.to_string_lossy();
        // VmFlags is the last line of each mapping.
        let mappings = text.split_inclusive("VmFlags:").filter(|mapping| {
            let head = mapping.lines().find(|line| line.contains('/'));
            head.is_some_and(|line| line.ends_with(&format!(" {file}")))
        });
        mappings.filter_map(Self::parse).reduce(|sum, one| Self {
            rss_kib: sum.rss_kib.saturating_add(one.rss_kib),
            pss_kib: sum.pss_kib.saturating_add(one.pss_kib),
            private_kib: sum.private_kib.saturating_add(one.private_kib),
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
    fn a_file_s_mappings_are_told_from_others() {
        let mapping = |path: &str, rss: u32| {
            format!(
                "7f00-7f80 rw-p 00000000 fe:00 42    {path}\nSize: 131072 kB\nRss: {rss} kB\nPss: 10 kB\n\
                 Private_Clean: 1 kB\nPrivate_Dirty: 2 kB\nVmFlags: rd wr mr\n"
            )
        };
        let ram = Path::new("/run/templates/tiny1/ram");
        let text = [
            "",
            "/usr/lib/libc.so.6",
            "/run/templates/tiny1/ram",
            "[heap]",
            "/tmp/ram",
        ]
        .map(|path| mapping(path, 40))
        .concat();
        let memory = ProcessMemory {
            rss_kib: 40,
            pss_kib: 10,
            private_kib: 3,
        };
        assert_eq!(ProcessMemory::parse_mapping(&text, ram), Some(memory));
        assert_eq!(ProcessMemory::parse_mapping(&text, Path::new("/ram")), None);
    }

    #[test]
    fn a_mapping_of_ours_is_found() {
        let program = std::fs::read_link("/proc/self/exe").expect("our program");
        let read = ProcessMemory::read_mapping(Path::new("/proc/self"), &program);
        let memory = read.expect("our own").expect("it is mapped");
        assert!(memory.rss_kib > 0, "{memory:?}");
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
