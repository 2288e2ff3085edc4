//! Gathers from every machine and guest, before teardown, what a failure can be understood from.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;

use super::assignment::Assignment;
use super::gathered::{Asked, NOT_GATHERED, Piece, SIGN, write};
use super::record::Record;
use super::show_plan::show_plan_with;
use super::testbed::Testbed;
use super::topology::machine_folder;
use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::guest::{Guest, nics};
use crate::host::networkd::LOG as NETWORKD_LOG;
use crate::host::networkd_said;
use crate::host::process_memory::ProcessMemory;
use crate::host::sealed;
use crate::hypervisor::qemu::RAM;
use crate::hypervisor::{self, Start};
use crate::image::versions_in;
use crate::lab::boot::guest_folder;
use crate::report::units::{MOST_SAID, SaidReport};
use crate::report::{GuestMemory, NicReport, Outcome};
use crate::scenario::names::MachineName;
use crate::scenario::{RulesetTool, Scenario};

/// Commands whose output tells a machine's network.
const NETWORK: [Piece; 9] = [
    ("links.txt", "ip -d -s link"),
    ("addresses.txt", "ip addr"),
    (
        "routes.txt",
        "ip -4 route show table all; ip -6 route show table all; ip rule",
    ),
    ("neighbours.txt", "ip neigh"),
    ("bridge-ports.txt", "bridge -d link; bridge fdb; bridge mdb"),
    // Which VLANs a port lets through, and which of them without a tag.
    ("bridge-vlans.txt", "bridge -d vlan show"),
    (
        "sysctl-net.txt",
        // These are some hundred files; `sysctl -a` would read thousands.
        "cd /proc/sys && grep -s . net/ipv4/ip_forward net/ipv4/conf/*/*forwarding net/ipv6/conf/*/*forwarding \
         net/ipv6/conf/*/accept_ra* net/ipv6/conf/*/disable_ipv6 net/bridge/bridge-nf-*",
    ),
    (
        "networkctl.txt",
        "timeout 10 networkctl --no-pager --all status 2>&1; grep . /run/systemd/netif/links/* 2>/dev/null",
    ),
    (
        "firewall.txt",
        "nft -nn list ruleset 2>/dev/null || iptables-save -c 2>/dev/null",
    ),
];

/// `firewall.txt` of a machine that was given rules of iptables: with counters, for both of iptables' backends.
const IPTABLES: &str = "nft -nn list ruleset 2>/dev/null; iptables-save -c; ip6tables-save -c";

/// How many of [`NETWORK`], from the first, a guest is asked for after a run that passed: its state can then be compared with
/// that of a failed run. The rest would take longer than the checks under emulation.
const QUICK_NETWORK: usize = 6;

/// File with the properties of a guest's NICs, as its kernel has them.
const NICS: &str = "nics.txt";

/// File with the journal of a guest.
const JOURNAL: &str = "journal.txt";

/// Most bytes of a log that are searched for what networkd said of unit files; it says that when it starts.
const MOST_READ: u64 = 8 << 20;

/// Commands whose output tells the state of a guest that has systemd.
const GUEST: [Piece; 4] = [
    (JOURNAL, "journalctl --no-pager -b -o short-monotonic"),
    (
        "resolver.txt",
        "resolvectl status --no-pager; cat /etc/resolv.conf",
    ),
    (
        "docker.txt",
        "docker ps -a; docker network inspect bridge; docker info",
    ),
    (
        "boot.txt",
        "systemd-analyze; systemd-analyze blame | head -30; systemctl --failed --no-pager",
    ),
];

/// How many of [`GUEST`], from the first, are logs; and with Docker's, where the guest has containers.
const LOGS: usize = 2;
const LOGS_WITH_DOCKER: usize = 3;

/// How many of [`NETWORK`], from the first, a guest without networkd has the tools for.
const PLAIN_NETWORK: usize = 4;

/// Commands whose output tells the state of a guest without networkd.
const PLAIN_GUEST: [Piece; 4] = [
    ("journal.txt", "dmesg"),
    ("resolver.txt", "cat /etc/resolv.conf"),
    ("network.txt", "cat /etc/bridgelab/network"),
    ("processes.txt", "ps"),
];

/// Gathers everything into the evidence folder, with a list of what could not be gathered. Returns the versions found, and the
/// NICs of each guest.
pub(super) async fn gather(
    asked: Assignment<'_>,
    testbed: &Testbed,
    record: &Record<'_>,
) -> (BTreeMap<String, String>, BTreeMap<String, Vec<NicReport>>) {
    let (scenario, job) = (asked.scenario, asked.job);
    let evidence = asked.folders.evidence.as_path();
    let (lab, vms) = (&testbed.lab, testbed.guests.vms());
    write(
        &evidence.join("plan.txt"),
        &show_plan_with(scenario, job.guests, |name| {
            let mut vms = vms.iter();
            let (_, guest) = vms.find(|(known, _)| known.as_ref() == name)?;
            Some(hypervisor::command(guest.spec()).to_string())
        }),
    );
    write(
        &evidence.join("commands.txt"),
        &(ran(record).join("\n\n") + "\n"),
    );
    write(
        &evidence.join("sysctls-set.txt"),
        &(lab.sysctls().join("\n") + "\n"),
    );
    write(
        &evidence.join("reproduce.txt"),
        &format!("{}\n", job.reproduce),
    );
    let captures: Vec<String> = lab
        .captures()
        .map(|(label, c)| format!("{label} {}", c.summary()))
        .collect();
    write(
        &evidence.join("captures/summary.txt"),
        &(captures.join("\n") + "\n"),
    );
    // Ask all machines and guests at the same time, each of them by one shell.
    let machines = lab.machines().map(async |machine| {
        let folder = machine_folder(evidence, machine.name());
        // A machine that runs no networkd would be answered by the networkd of the host computer.
        let networkd = lab.has_networkd(machine.name());
        let known = scenario.machines.get(machine.name());
        let rulesets = known.map_or(&[][..], |known| &known.rulesets);
        let iptables = rulesets
            .iter()
            .any(|ruleset| ruleset.tool != RulesetTool::Nftables);
        let wanted = NETWORK
            .into_iter()
            .filter(|(file, _)| networkd || *file != "networkctl.txt")
            .map(|(file, command)| match file {
                "firewall.txt" if iptables => (file, IPTABLES),
                _ => (file, command),
            });
        let vantage = Vantage::Machine(machine.clone());
        let asked = Asked {
            parts: vec![wanted.collect()],
            sign: None,
            folder: &folder,
        };
        asked.of(&vantage).await;
    });
    let red = !scenario.must_fail.is_empty();
    let detail = detail(record.report.outcome, red, job.keep);
    let guests = vms.iter().map(async |&(name, guest)| {
        let folder = guest_folder(evidence, name.as_ref());
        if testbed.silent.contains(name) {
            write(
                &folder.join(NOT_GATHERED),
                "it stands still, and was not asked\n",
            );
            return (name.to_string(), Vec::new());
        }
        // Asking Docker would start it, so a guest without containers is not asked.
        let docker = scenario.guests.get(name);
        let logs = match docker.is_some_and(|guest| !guest.containers.is_empty()) {
            true => &GUEST[..LOGS_WITH_DOCKER],
            false => &GUEST[..LOGS],
        };
        let (network, inside) = match (guest.spec().image.networkd, detail) {
            (true, Detail::All) => (&NETWORK[..], &GUEST[..]),
            (true, Detail::Logs) => (&NETWORK[..QUICK_NETWORK], logs),
            (true, Detail::State) => (&NETWORK[..QUICK_NETWORK], &[][..]),
            (false, Detail::All | Detail::Logs) => (&NETWORK[..PLAIN_NETWORK], &PLAIN_GUEST[..]),
            (false, Detail::State) => (&NETWORK[..PLAIN_NETWORK], &[][..]),
        };
        let vantage = Vantage::Guest(guest.clone());
        // Ask one thing after the other, first what the report needs: a guest under two layers of emulation may run out of
        // time, and then only the parts that are complete are kept.
        let asked = Asked {
            parts: vec![
                vec![(NICS, nics::COMMAND)],
                network.to_vec(),
                inside.to_vec(),
            ],
            // A guest under two layers of emulation needs some time only to open a session.
            sign: Some(if job.emulated { SIGN * 4 } else { SIGN }),
            folder: &folder,
        };
        let said = asked.of(&vantage).await;
        (name.to_string(), nics_of(scenario, name, said.first()))
    });
    let (versions, _, nics) = tokio::join!(
        versions(asked, testbed),
        join_all(machines),
        join_all(guests)
    );
    (versions, nics.into_iter().collect())
}

/// How much a guest is asked for. All of it takes longer than the checks under emulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The state of its network, to compare it with that of a run that did not pass.
    State,
    /// The state, and the logs of its system, its resolver and Docker.
    Logs,
    /// Everything.
    All,
}

/// How much is asked for after a run with this outcome. A variant that passed has a fault all the same, so its guests' logs are
/// gathered.
const fn detail(outcome: Outcome, red: bool, keep: bool) -> Detail {
    match (outcome, red) {
        _ if keep => Detail::All,
        (Outcome::Passed, true) => Detail::Logs,
        (Outcome::Passed, false) => Detail::State,
        _ => Detail::All,
    }
}

/// What networkd said about unit files, from the logs of machines and ghosts, and from those journals of guests that were
/// gathered.
pub(super) fn networkd_said(testbed: &Testbed, evidence: &Path) -> Vec<SaidReport> {
    let lab = &testbed.lab;
    let machines = lab.machines().map(|machine| machine.name().to_owned());
    let machines = machines.filter(|name| lab.has_networkd(name));
    let machines = machines.map(|name| (machine_folder(evidence, &name).join(NETWORKD_LOG), name));
    let guests = testbed.guests.vms().into_iter();
    let guests = guests.filter(|(_, guest)| guest.spec().image.networkd);
    let guests = guests.map(|(name, _)| {
        let folder = guest_folder(evidence, name.as_ref());
        (folder.join(JOURNAL), name.to_string())
    });
    let mut found = Vec::new();
    for (log, machine) in machines.chain(guests) {
        // A guest's journal was gathered only where something is wrong.
        let mut bytes = Vec::new();
        let read =
            fs::File::open(&log).and_then(|file| file.take(MOST_READ).read_to_end(&mut bytes));
        if read.is_ok() {
            let said = networkd_said::about_units(&String::from_utf8_lossy(&bytes)).into_iter();
            found.extend(said.map(|said| SaidReport {
                machine: machine.clone(),
                said,
            }));
        }
    }
    found.truncate(MOST_SAID);
    found
}

/// Commands of what was started and done, in the order of the stages: guests, then steps with how they ended.
fn ran(record: &Record<'_>) -> Vec<String> {
    let steps = record.report.steps.iter().map(|step| {
        let (id, word) = (&step.id, step.outcome.word());
        format!("# step {id}: {word}\n{}", step.command)
    });
    record.commands.iter().cloned().chain(steps).collect()
}

/// A guest's NICs by what [`nics::COMMAND`] printed there, with their names in the scenario.
fn nics_of(scenario: &Scenario, guest: &MachineName, said: Option<&String>) -> Vec<NicReport> {
    let known = scenario.guests.get(guest);
    let interfaces = known.map_or(&[][..], |known| &known.interfaces);
    let found = nics::parse(said.map_or("", String::as_str)).into_iter();
    found
        .map(|nic| {
            let mut interfaces = interfaces.iter();
            let own = interfaces.find(|interface| interface.mac.to_string() == nic.mac);
            NicReport {
                id: own.map(|interface| interface.id.to_string()),
                nic,
            }
        })
        .collect()
}

/// Memory of every guest's VMM, by the guest's name. A VMM whose memory cannot be read is logged.
pub(super) async fn memory(testbed: &Testbed, evidence: &Path) -> BTreeMap<String, GuestMemory> {
    let mut measured = BTreeMap::new();
    for (name, guest) in testbed.guests.vms() {
        let folder = guest_folder(evidence, name.as_ref());
        let Some(pid) = guest.vmm_pid().await else {
            continue;
        };
        match memory_of(guest, pid, &folder) {
            Ok(memory) => drop(measured.insert(name.to_string(), memory)),
            Err(error) => tracing::warn!(%error, %name, "memory of a VMM could not be read"),
        }
    }
    measured
}

fn memory_of(guest: &Guest, vmm: u32, folder: &Path) -> io::Result<GuestMemory> {
    let process = Path::new("/proc").join(vmm.to_string());
    let (vmm, text) = ProcessMemory::read(&process)?;
    write(&folder.join("vmm-memory.txt"), &text);
    let mapped = match &guest.spec().start {
        Start::Cold | Start::Recording(_) => None,
        Start::Template {
            read_only_ram: false,
            ..
        } => Some(sealed::mapped_as()),
        Start::Template { folder, .. } => Some(folder.join(RAM)),
    };
    let template = match mapped {
        Some(file) => ProcessMemory::read_mapping(&process, &file)?,
        None => None,
    };
    Ok(GuestMemory { vmm, template })
}

async fn versions(asked: Assignment<'_>, testbed: &Testbed) -> BTreeMap<String, String> {
    let (scenario, job) = (asked.scenario, asked.job);
    let mut versions = BTreeMap::new();
    versions.insert("bridgelab".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    for (name, image) in &job.images {
        versions.insert(format!("image.{name}"), image.digest.clone());
    }
    // The image's recipe wrote down its versions, so that no guest has to be asked.
    for (name, guest) in &scenario.guests {
        let image = job.images.get(&guest.image);
        let written = image.map(|image| versions_in(&image.folder));
        for (what, version) in written.unwrap_or_default() {
            versions.insert(format!("{name}.{what}"), version);
        }
    }
    let Some(machine) = testbed.lab.machines().next() else {
        return versions;
    };
    let vantage = Vantage::Machine(machine.clone());
    let programs = [
        ("host.kernel", "uname -r".to_owned()),
        (
            "host.systemd",
            "systemctl --version | sed -n '1s/systemd //p'".to_owned(),
        ),
        (
            "host.dnsmasq",
            "dnsmasq --version | sed -n '1s/Dnsmasq version \\([^ ]*\\).*/\\1/p'".to_owned(),
        ),
    ];
    let programs = programs.map(|(what, command)| (what.to_owned(), command));
    let programs = programs
        .into_iter()
        .chain(testbed.guests.programs(scenario));
    let asked = programs.map(async |(what, command)| Some((what, ask(&vantage, &command).await?)));
    versions.extend(join_all(asked).await.into_iter().flatten());
    versions
}

async fn ask(vantage: &Vantage, command: &str) -> Option<String> {
    let by = Deadline::after(Duration::from_secs(15));
    let output = vantage.exec(&["sh", "-c", command], by).await.ok()?;
    let text = output.stdout.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_tell_all_of_it_where_something_is_wrong() {
        let told = |outcome, red| detail(outcome, red, false);
        assert_eq!(told(Outcome::Passed, false), Detail::State);
        assert_eq!(told(Outcome::Passed, true), Detail::Logs);
        for ending in [
            Outcome::Failed,
            Outcome::Broken,
            Outcome::TimedOut,
            Outcome::Skipped,
            Outcome::Cancelled,
        ] {
            assert_eq!(told(ending, false), Detail::All, "{ending:?}");
        }
        assert_eq!(detail(Outcome::Passed, false, true), Detail::All);
        let names = |pieces: &[Piece]| pieces.iter().map(|(file, _)| *file).collect::<Vec<_>>();
        assert_eq!(names(&GUEST[..LOGS]), [JOURNAL, "resolver.txt"]);
        let logs = [JOURNAL, "resolver.txt", "docker.txt"];
        assert_eq!(names(&GUEST[..LOGS_WITH_DOCKER]), logs);
    }

    #[test]
    fn a_guest_that_is_asked_for_little_tells_its_network() {
        let names = |pieces: &[Piece]| pieces.iter().map(|(file, _)| *file).collect::<Vec<_>>();
        let quick = names(&NETWORK[..QUICK_NETWORK]);
        assert_eq!(quick.last(), Some(&"bridge-vlans.txt"), "{quick:?}");
        // The busybox of such a guest has no `bridge`.
        let plain = names(&NETWORK[..PLAIN_NETWORK]);
        assert_eq!(plain.last(), Some(&"neighbours.txt"), "{plain:?}");
    }
}
