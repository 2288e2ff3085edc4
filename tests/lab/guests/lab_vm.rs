//! A lab inside a VM: it gives the same report and evidence as a lab on this machine, and leaves nothing behind, whatever ends
//! it.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

use bridgelab_client::{Hold, toml::toml};
use bridgelab_harness::report::{LabPlace, Outcome, RunReport, StepOutcome, exit_code};
use support::processes::{MARK, marked, wait_until, wait_until_gone};
use support::{
    bridgelab, held, in_a_vm_as_nobody, is_root, only_run, output, passed, set_up, skip,
};

/// A bridge with an uplink, and a guest.
const GUEST: &str = r#"
version = 1
summary = "a guest on br0 is on the LAN"

[machines.host]
interfaces = [{ name = "eno1", segment = "lan", master = "br0" }]
bridges.br0 = { addresses = ["192.168.1.2/24"] }

[guests.tiny1]
image = "tiny"
interfaces = [
  { type = "tap", id = "vm-tiny1", mac = "02:00:00:00:00:01", addresses = ["192.168.1.3/24"], master = "br0" },
]

[[checks]]
id = "desktop-ping-guest"
from = "desktop"
ping = { to = "192.168.1.3" }

[[checks]]
id = "guest-ping-router"
from = "tiny1"
ping = { to = "192.168.1.1" }
"#;

/// A check that never holds, so that the run with [`GUEST`] does not end by itself.
const NEVER: &str = r#"
[[checks]]
id = "never"
from = "desktop"
within = "120s"
ping = { to = "192.168.1.99" }
"#;

/// A run of the scenario in a VM.
struct Run {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
    mark: String,
    folder: tempfile::TempDir,
}

impl Run {
    fn start(name: &str, more: &str) -> Self {
        set_up();
        let folder = tempfile::tempdir().expect("a temporary directory");
        let scenario = folder.path().join("scenario.toml");
        fs::write(&scenario, GUEST.to_owned() + more).expect("a scenario");
        let mark = format!("{name}-{}", std::process::id());
        let mut child = bridgelab(&["run", "--lab", "vm"])
            .arg(scenario)
            .arg("--evidence")
            .arg(folder.path().join("evidence"))
            .arg("--json")
            .arg(folder.path().join("report.json"))
            .env(MARK, &mark)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program under test starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Self {
            child,
            stderr,
            said: String::new(),
            mark,
            folder,
        }
    }

    /// Reads until a line of progress has these words; `false` when this host cannot run the lab, which is said aloud.
    fn wait_for(&mut self, words: &str) -> bool {
        loop {
            let before = self.said.len();
            let read = self.stderr.read_line(&mut self.said).expect("readable");
            if self.said[before..].contains(words) {
                return true;
            }
            if read == 0 {
                let code = self.child.wait().expect("it ended").code();
                assert_eq!(code, Some(3), "before `{words}`:\n{}", self.said);
                skip("this host cannot run labs in VMs");
                return false;
            }
        }
    }

    fn kill(&self, signal: &str, pid: &str) {
        let status = Command::new("kill").args([signal, pid]).status();
        assert!(status.expect("kill runs").success(), "kill {signal} {pid}");
    }

    /// Waits until the run has ended and nothing of it is left.
    fn ended(mut self) -> (Option<i32>, Option<RunReport>, tempfile::TempDir) {
        self.stderr
            .read_to_string(&mut self.said)
            .expect("readable");
        let code = self.child.wait().expect("it ended").code();
        wait_until_gone(&self.mark);
        let json = self.folder.path().join("report.json");
        let report = json.exists().then(|| only_run(&json));
        eprintln!("{}", self.said);
        (code, report, self.folder)
    }
}

/// QEMU's process, which is named after the lab VM.
fn qemu(mark: &str) -> Option<String> {
    let mut processes = marked(mark).into_iter();
    let qemu = processes.find(|process| process.name.starts_with("lab-vm"));
    qemu.map(|process| process.pid)
}

/// The guest has KVM in the VM, even though few machines that run tests have it.
#[test]
fn a_guest_runs_under_kvm_in_a_lab_vm() {
    let mut run = Run::start("vm", "");
    if !run.wait_for("the lab VM runs") {
        return;
    }
    let (code, report, _folder) = run.ended();
    let report = report.expect("a report");
    assert_eq!(code, Some(exit_code::PASSED), "{report:#?}");
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(report.accelerator, "kvm");
    assert_eq!(report.lab.place, LabPlace::Vm);
    assert_eq!(report.lab.reason, "asked for");
    assert!(report.lab.accelerator.is_some(), "{:?}", report.lab);
    // The stage of the queue comes before, in a run that had to wait.
    let mut stages = report.stages.iter().map(|stage| &*stage.name);
    assert_eq!(stages.find(|name| *name != "queue"), Some("lab-vm"));
    assert!(
        report.versions.contains_key("lab-vm.kernel"),
        "{:?}",
        report.versions
    );
    let evidence = report.evidence.expect("a folder");
    for file in [
        "plan.txt",
        "captures/summary.txt",
        "guests/tiny1/addresses.txt",
        "lab-vm/command.txt",
    ] {
        let bytes = fs::metadata(evidence.join(file)).map(|meta| meta.len());
        assert!(
            bytes.as_ref().is_ok_and(|bytes| *bytes > 0),
            "{file}: {bytes:?}"
        );
    }
    let json = fs::read_to_string(evidence.join("report.json")).expect("a report");
    assert!(
        !json.contains("/lab/host") && !json.contains("/var/lib/bridgelab"),
        "{json}"
    );
}

/// On the host, a lab VM needs no device node, and of root's only the subordinate ids that every user has.
#[test]
fn an_ordinary_user_has_a_lab_vm() {
    set_up();
    if !is_root() {
        return skip("only root can become another user; this user's own runs are the other tests");
    }
    for image in ["tiny", "lab-vm"] {
        let (code, _, said) = output(&["image", "build", image]);
        assert_eq!(code, Some(exit_code::PASSED), "{said}");
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    // Give the scenario a folder of its own, since the whole folder is shown to the VM.
    let scenario = folder.path().join("lab/scenario.toml");
    fs::create_dir(folder.path().join("lab")).expect("a folder");
    fs::write(&scenario, GUEST).expect("a scenario");
    let mut run = in_a_vm_as_nobody(folder.path());
    let Some(report) = passed(run.arg(scenario), folder.path()) else {
        return;
    };
    assert_eq!(report.accelerator, "kvm");
    assert_eq!(report.lab.place, LabPlace::Vm);
    // Evidence comes out of the VM as root's, and must belong to the user.
    let evidence = report.evidence.expect("a folder");
    for file in ["plan.txt", "guests/tiny1/addresses.txt"] {
        let owner = fs::metadata(evidence.join(file)).map(|meta| meta.uid());
        assert!(
            owner.as_ref().is_ok_and(|uid| *uid == 65534),
            "{file}: {owner:?}"
        );
    }
}

/// This is one test, because each case boots a VM, and two VMs at once are slower than one after the other.
#[test]
fn nothing_of_a_lab_vm_is_left_behind() {
    // Kill the program while the VM boots.
    let mut run = Run::start("vm-early", NEVER);
    if !run.wait_for("starting the lab VM") {
        return;
    }
    wait_until("QEMU to run", || {
        qemu(&run.mark).map(|_| ()).ok_or_else(String::new)
    });
    run.kill("-KILL", &run.child.id().to_string());
    let (code, report, _folder) = run.ended();
    assert_eq!((code, report), (None, None));

    // Interrupt it while guests boot: it ends in good order, with the evidence that the lab in the VM gathered.
    let mut run = Run::start("vm-interrupt", NEVER);
    assert!(run.wait_for("booting the guests"));
    run.kill("-INT", &run.child.id().to_string());
    let (code, report, _folder) = run.ended();
    let report = report.expect("a report");
    assert_eq!(code, Some(130), "{report:#?}");
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert!(
        report
            .evidence
            .expect("a folder")
            .join("plan.txt")
            .is_file()
    );

    // Kill QEMU in mid-run: the run ends at once, and names it.
    let mut run = Run::start("vm-dies", NEVER);
    assert!(run.wait_for("booting the guests"));
    run.kill("-KILL", &qemu(&run.mark).expect("QEMU runs"));
    let (code, report, _folder) = run.ended();
    let report = report.expect("a report");
    assert_eq!(code, Some(exit_code::BROKEN), "{report:#?}");
    assert_eq!(report.lab.place, LabPlace::Vm);
    let problem = report.problem.expect("a reason");
    assert_eq!(problem.code, "lab-vm.died");
    assert!(problem.chain[0].contains("signal: 9"), "{problem:?}");
}

#[test]
fn a_lab_in_a_vm_cannot_be_kept() {
    let output = bridgelab(&["run", "tiny-guest", "--keep", "--lab", "vm"]).output();
    let output = output.expect("the program under test starts");
    assert_eq!(output.status.code(), Some(exit_code::INVALID));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`--keep`"), "{said}");
}

/// A test's requests and the lab's answers go through the VM's ports, as the run does.
#[tokio::test]
async fn a_test_holds_a_lab_in_a_vm() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, GUEST).expect("a scenario");
    let hold = Hold::scenario(&scenario).ghosts();
    let hold = hold.option("--lab").option("vm");
    let Some(lab) = held(hold, folder.path()).await else {
        return;
    };
    let kernel = lab.exec("desktop", &["uname", "-r"]).await.expect("uname");
    let ours = fs::read_to_string("/proc/sys/kernel/osrelease").expect("ours");
    assert_ne!(kernel.stdout.trim(), ours.trim(), "the VM's own kernel");
    let down = toml! { link_down = { on = "host", interface = "eno1" } };
    let step = lab.step("cable-out", down).await.expect("a step");
    assert_eq!(step.outcome, StepOutcome::Done, "{}", step.said);
    let lost = toml! { from = "desktop" fails = true ping = { to = "192.168.1.3" } };
    let check = lab.check("guest-is-lost", lost).await.expect("a check");
    assert!(check.passed(), "{check:?}");
    let report = lab.finish().await.expect("a report");
    assert_eq!(report.outcome, Outcome::Passed, "{report:?}");
    assert_eq!(report.others["lab"]["place"], "vm");
    assert_eq!(report.checks.len(), 3);
    let evidence = report.evidence.expect("gathered in the VM, kept here");
    assert!(evidence.join("machines/host").is_dir(), "{evidence:?}");
}
