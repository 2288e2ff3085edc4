//! What the processes of a run cost, read from `/proc` while the lab stands: processor time and memory, by whose they are.

use std::collections::BTreeMap;
use std::path::Path;

use bridgelab_harness::scenario::HypervisorKind;

/// Clock ticks in a second, of `/proc`'s times: `USER_HZ`, which is 100 on every architecture that Linux still has.
const TICKS: f64 = 100.0;

/// Whose a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// bridgelab's own: supervisor and worker.
    Harness,
    /// A VMM.
    Guest,
    /// networkd, dnsmasq and whatever else the machines run.
    Daemon,
}

/// What some processes have used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Usage {
    pub(super) processes: usize,
    /// Milliseconds on a processor, user and system; of the harness with what its ended children had.
    pub(super) cpu_ms: f64,
    /// Proportional set size in bytes: what is shared is counted once, in parts.
    pub(super) pss: f64,
    /// How much more than now was resident at most, in bytes: above `pss`, a bound of the peak.
    pub(super) above: f64,
}

impl Usage {
    fn add(&mut self, other: &Self) {
        self.processes += other.processes;
        self.cpu_ms += other.cpu_ms;
        self.pss += other.pss;
        self.above += other.above;
    }
}

/// All descendants of a process, and itself, by owner.
///
/// # Errors
/// Which file could not be read: memory of another user's process is nobody else's business, of root's neither.
pub(super) fn usage(pid: u32, program: &Path) -> Result<BTreeMap<Owner, Usage>, String> {
    let mut usage: BTreeMap<Owner, Usage> = BTreeMap::new();
    for one in family(pid, &parents()) {
        let owner = owner(&command_line(one), program);
        // It may have ended meanwhile.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{one}/stat")) else {
            continue;
        };
        let (own, children) = times(&stat).unwrap_or_default();
        let cpu = match owner {
            // Reaped children are what the harness started: ssh-keygen, ip, ping.
            Owner::Harness => own + children,
            _ => own,
        };
        let rollup = format!("/proc/{one}/smaps_rollup");
        let memory = match std::fs::read_to_string(&rollup) {
            Ok(memory) => memory,
            Err(error) if gone(&error) => continue,
            Err(error) => return Err(format!("read `{rollup}`: {error}")),
        };
        let status = std::fs::read_to_string(format!("/proc/{one}/status")).unwrap_or_default();
        let kib = |text: &str, key: &str| kib(text, key).unwrap_or(0.0) * 1024.0;
        let peak = kib(&status, "VmHWM") - kib(&status, "VmRSS");
        usage.entry(owner).or_default().add(&Usage {
            processes: 1,
            cpu_ms: cpu * 1000.0 / TICKS,
            pss: kib(&memory, "Pss"),
            above: peak.max(0.0),
        });
    }
    Ok(usage)
}

/// Whether the process ended since it was listed: its file is not there any more, or was opened before and has nothing to
/// tell (`ESRCH`), as that of one nobody has waited for yet.
fn gone(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
        || error.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32)
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let with_parent = pids.filter_map(|pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, fields(&stat).nth(1)?.parse().ok()?))
    });
    with_parent.collect()
}

/// A process and its descendants.
fn family(pid: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while next < family.len() {
        let parent = family[next];
        let children = parents.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(child, _)| *child));
        next += 1;
    }
    family
}

fn command_line(pid: u32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let first = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(first).into_owned()
}

fn owner(command: &str, program: &Path) -> Owner {
    let name = |path: &Path| path.file_name().map(|name| name.to_owned());
    let command = Path::new(command);
    if command == program || name(command) == name(program) || command.starts_with("/proc") {
        Owner::Harness
    } else if HypervisorKind::all().any(|kind| name(command).is_some_and(|is| is == kind.program)) {
        Owner::Guest
    } else {
        Owner::Daemon
    }
}

/// The fields of proc(5)'s `stat` behind the command's name, which may have spaces in it: the first is the state.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
}

/// `utime + stime`, and the same of ended children that were waited for, in ticks.
fn times(stat: &str) -> Option<(f64, f64)> {
    let times: Vec<f64> = fields(stat)
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    match times[..] {
        [user, system, children_user, children_system] => {
            Some((user + system, children_user + children_system))
        }
        _ => None,
    }
}

/// The value of a line `KEY:   N kB`.
fn kib(text: &str, key: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_s_name_may_hold_anything() {
        let stat = "4711 (a) b (c)) S 42 1 1 0 -1 4194560 1 2 3 4 100 50 7 3 20 0 1 0 9";
        assert_eq!(fields(stat).nth(1), Some("42"));
        assert_eq!(times(stat), Some((150.0, 10.0)));
        assert_eq!(times("4711 (short) S 42"), None);
    }

    #[test]
    fn a_family_is_all_that_descend() {
        let parents = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 4)];
        assert_eq!(family(2, &parents), [2, 3, 4, 6]);
        assert_eq!(family(9, &parents), [9]);
    }

    #[test]
    fn an_owner_is_known_by_its_program() {
        let program = Path::new("/usr/bin/bridgelab");
        for (command, whose) in [
            ("/usr/bin/bridgelab", Owner::Harness),
            ("qemu-system-x86_64", Owner::Guest),
            ("/usr/bin/qemu-system-x86_64", Owner::Guest),
            ("/lib/systemd/systemd-networkd", Owner::Daemon),
            ("", Owner::Daemon),
        ] {
            assert_eq!(owner(command, program), whose, "{command}");
        }
    }

    #[test]
    fn memory_is_read_by_its_key_alone() {
        let text =
            "00400000-7fff [rollup]\nRss:  2000 kB\nPss:             1234 kB\nPss_Anon: 5 kB\n";
        assert_eq!(kib(text, "Pss"), Some(1234.0));
        assert_eq!(kib(text, "VmHWM"), None);
    }

    #[test]
    fn a_process_that_ended_is_no_failure_to_look() {
        let mut child = std::process::Command::new("true").spawn().expect("true");
        let rollup = format!("/proc/{}/smaps_rollup", child.id());
        // Until it is waited for, it is there and has no memory to tell of.
        let begun = std::time::Instant::now();
        let error = loop {
            match std::fs::read_to_string(&rollup) {
                Err(error) => break error,
                Ok(_) => assert!(begun.elapsed().as_secs() < 20, "it does not end"),
            }
        };
        assert!(gone(&error), "{error}");
        child.wait().expect("it ended");
        let error = std::fs::read_to_string(&rollup).expect_err("it is gone");
        assert!(gone(&error), "{error}");
    }

    /// The real files of a real process.
    #[test]
    fn this_process_has_used_something() {
        let program = std::env::current_exe().expect("this program");
        let usage = usage(std::process::id(), &program).expect("its own files");
        let own = usage.get(&Owner::Harness).expect("itself");
        // Other tests may be about to start something.
        assert!(own.processes >= 1);
        assert!(own.pss > 0.0);
    }
}
