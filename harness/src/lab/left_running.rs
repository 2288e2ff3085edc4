//! Processes that a scenario's commands have left running on machines and in guests, found before those end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use futures_util::future::join_all;

use super::assignment::Assignment;
use super::gathered::SIGN;
use super::leaks::Process;
use super::testbed::Testbed;
use super::topology::Lab;
use crate::check::kinds;
use crate::deadline::Deadline;
use crate::guest::background;
use crate::guest::ssh::GuestCommand;
use crate::plan::shell;
use crate::report::LeftRunning;
use crate::scenario::VantagePoint;
use crate::scenario::names::MachineName;

/// Bytes of a command line that are read, since a process can make its own as long as it likes.
const COMMAND_LINE: u64 = 4096;

impl Testbed {
    /// Notes that a command of the scenario runs in a guest.
    pub(super) fn used_shell_of(&mut self, guest: &MachineName) {
        self.shells.insert(guest.clone());
    }

    /// Processes in all guests where commands ran. A guest that does not answer is left out.
    pub(super) async fn left_in_guests(&self, asked: Assignment<'_>) -> Vec<LeftRunning> {
        let checks = asked.scenario.checks.iter();
        let ran = checks.filter(|check| check.kind.downcast_ref::<kinds::Command>().is_some());
        let looked = ran.filter_map(|check| match &check.from {
            VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) => Some(guest),
            VantagePoint::Machine(_) => None,
        });
        let used: BTreeSet<&MachineName> = looked.chain(&self.shells).collect();
        let used = used.into_iter().filter(|name| !self.silent.contains(*name));
        let reached = used.filter_map(|name| Some((name, self.guests.vm(name)?)));
        let told = reached.map(async |(name, guest)| {
            let by = Deadline::after(asked.patience(SIGN));
            let told = guest
                .exec(GuestCommand::shell(background::left()), by)
                .await;
            let told = told.map_or_else(|_| Vec::new(), |told| background::left_of(&told.stdout));
            let told = told.into_iter().map(|(process, command)| LeftRunning {
                machine: name.to_string(),
                process,
                command,
            });
            told.collect::<Vec<_>>()
        });
        join_all(told).await.into_iter().flatten().collect()
    }
}

/// Processes in all machines. A command that still runs is not among them, nor is what it has started: it has left nothing yet.
pub(super) fn left_running(lab: &Lab) -> Vec<LeftRunning> {
    let proc = Path::new("/proc");
    lab.machines()
        .filter_map(|machine| Some((machine.name(), machine.cell()?)))
        .flat_map(|(machine, cell)| left_in(proc, machine, cell))
        .collect()
}

/// The descendants of `cell`, which is PID 1 of the machine's cell. When a command ends, the kernel makes that process the
/// parent of everything the command has left.
fn left_in(proc: &Path, machine: &str, cell: u32) -> Vec<LeftRunning> {
    let all = Process::all(proc);
    let mut within = BTreeSet::from([cell]);
    // Process ids begin anew after the largest, so that a child's may be smaller than its parent's.
    loop {
        let known = within.len();
        let children = all.iter();
        let children = children.filter(|(_, process)| within.contains(&process.parent));
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        within.extend(children);
        if within.len() == known {
            break;
        }
    }
    within.remove(&cell);
    // A zombie does not run any more.
    let running = all
        .iter()
        .filter(|(pid, process)| within.contains(pid) && process.state != "Z");
    running
        .map(|(pid, process)| LeftRunning {
            machine: machine.to_owned(),
            process: *pid,
            command: command_line(&proc.join(pid.to_string()))
                .unwrap_or_else(|| format!("[{}]", process.name)),
        })
        .collect()
}

fn command_line(folder: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(folder.join("cmdline")).ok()?;
    file.take(COMMAND_LINE).read_to_end(&mut bytes).ok()?;
    shell::of_process(&String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_cell_for_its_ancestor_was_left_and_what_its_keeper_holds_was_not() {
        let proc = tempfile::tempdir().expect("a temporary directory");
        for (pid, stat, line) in [
            ("1", "1 (bridgelab) S 0 1", "bridgelab\0"),
            ("7", "7 (dnsmasq) S 1 1", "dnsmasq\0"),
            ("20", "20 (cell) S 19 1", "bridgelab\0__cell\0"),
            ("21", "21 (sh) S 20 1", "sh\0-c\0sleep 9; true\0"),
            ("5", "5 (sleep) S 21 1", "sleep\x009\0"),
            ("22", "22 (sleep) Z 20 1", ""),
            ("23", "23 (a (b) c) T 20 1", ""),
            ("30", "30 (keeper) S 1 1", "bridgelab\0__in-cell\0sh\0"),
            ("31", "31 (sh) S 30 1", "sh\0"),
        ] {
            let folder = proc.path().join(pid);
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::write(folder.join("stat"), stat).expect("a file");
            std::fs::write(folder.join("cmdline"), line).expect("a file");
        }
        let left = left_in(proc.path(), "router", 20);
        let told: Vec<String> = left.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "sleep 9 (process 5, router)",
                "sh -c 'sleep 9; true' (process 21, router)",
                "[a (b) c] (process 23, router)",
            ]
        );
    }
}
