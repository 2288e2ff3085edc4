//! VMMs and guests that fail, from end to end with the smallest image: each ending has a name and the last words of
//! whoever failed, comes in seconds, and leaves nothing behind.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bridgelab_harness::report::{Outcome, RunReport};
use support::processes::{MARK, marked, signal, wait_until_gone};
use support::{bridgelab, only_run, set_up, skip, told};
use tempfile::TempDir;

const QEMU: &str = "qemu-system-x86_64";

/// A machine with a guest on a TAP, and nothing between.
const ALONE: &str = r#"
version = 1
summary = "a guest that has its address"
base = "none"

[machines.host]

[guests.tiny1]
image = "tiny"
hypervisor = "HYPERVISOR"
interfaces = [{ type = "tap", id = "vm-tiny1", mac = "02:00:00:00:00:01", addresses = ["192.0.2.1/24"] }]

[[checks]]
id = "address"
from = "tiny1"
address = { interface = "vm-tiny1", address = "192.0.2.1/24" }
"#;

/// What is waited for in vain, for longer than any of these tests may take.
const NEVER: &str = r#"
[[checks]]
id = "never"
from = "tiny1"
within = "120s"
ping = { to = "192.0.2.99" }
"#;

/// A user with a folder for everything that a run writes, and programs of his own before all others.
struct User(TempDir);

/// What a run ended with, and all that it said.
struct Run {
    report: RunReport,
    told: String,
    code: Option<i32>,
    took: Duration,
}

impl User {
    fn new(scenario: &str) -> Self {
        set_up();
        let user = Self(tempfile::tempdir().expect("a temporary directory"));
        // A VMM runs as nobody, and may have to find a program in here.
        fs::set_permissions(user.0.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        fs::create_dir(user.path("bin")).expect("a folder");
        fs::write(
            user.path("alone.toml"),
            scenario.replace("HYPERVISOR", "qemu"),
        )
        .expect("a scenario");
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn mark(&self) -> String {
        self.0.path().to_string_lossy().into_owned()
    }

    /// A program of this user's.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    /// QEMU that tells its version as it does, and otherwise does this.
    fn qemu(&self, script: &str) {
        let real = format!("PATH=${{PATH#*:}} exec {QEMU} \"$@\"");
        self.program(
            QEMU,
            &format!("[ \"$1\" != --version ] || {real}\n{script}\n"),
        );
    }

    fn command(&self, words: &[&str]) -> Command {
        let path = std::env::var("PATH").expect("a PATH");
        let mut command = bridgelab(&["run", "--cold"]);
        command
            .args(words)
            .arg(self.path("alone.toml"))
            .arg("--json")
            .arg(self.path("report.json"))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("XDG_STATE_HOME", self.path("state"))
            .env(MARK, self.mark())
            .env_remove("BRIDGELAB_SETUP")
            .env_remove("BRIDGELAB_STRICT")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The run; `None`, and a word why, where this host cannot run any guest.
    fn run(&self, words: &[&str]) -> Option<Run> {
        let output = self.command(words).output();
        let output = output.expect("the program under test starts");
        self.ended(told(&output), output.status.code())
    }

    fn ended(&self, told: String, code: Option<i32>) -> Option<Run> {
        wait_until_gone(&self.mark());
        let report = only_run(&self.path("report.json"));
        assert_eq!(report.leaks, [""; 0], "{told}");
        // What this host lacks for any guest, as against what these tests ask it to lack.
        let named = ["cloud-hypervisor", "firecracker", "memory"];
        if report.outcome == Outcome::Skipped && !named.iter().any(|name| told.contains(name)) {
            skip(&told);
            return None;
        }
        // Without its time in the queue.
        let took = Duration::from_millis(report.ms);
        Some(Run {
            report,
            told,
            code,
            took,
        })
    }
}

impl Run {
    /// It ended with this outcome and code, and said these words.
    fn is(&self, outcome: Outcome, code: &str, words: &[&str]) {
        assert_eq!(self.report.outcome, outcome, "{}", self.told);
        let problem = self.report.problem.as_ref().expect("a reason");
        assert_eq!(problem.code, code, "{}", self.told);
        for word in words {
            assert!(self.told.contains(word), "no `{word}` in\n{}", self.told);
        }
    }
}

#[test]
fn a_vmm_that_dies_at_start_is_told_in_its_own_words() {
    let user = User::new(ALONE);
    user.qemu("echo \"$0: no such machine\" >&2; exit 7");
    let Some(run) = user.run(&[]) else { return };
    let words = ["boot guest `tiny1`", "exit status: 7", "no such machine"];
    run.is(Outcome::Broken, "guest.vmm", &words);
    assert_eq!(run.code, Some(4));
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
}

/// The kernel that is booted has no first process.
#[test]
fn a_kernel_panic_at_boot_is_seen_at_once() {
    let user = User::new(ALONE);
    user.qemu(&format!(
        "for word do shift; case $word in console=*) word=\"$word rdinit=/none\" ;; esac; set -- \"$@\" \"$word\"; done\n\
         PATH=${{PATH#*:}} exec {QEMU} \"$@\""
    ));
    let Some(run) = user.run(&["--accel", "tcg"]) else {
        return;
    };
    let words = [
        "the console says `",
        "Kernel panic - not syncing: VFS: Unable to mount root fs",
    ];
    run.is(Outcome::Broken, "guest.died", &words);
    assert!(run.took < Duration::from_secs(120), "{:?}", run.took);
}

#[test]
fn a_kernel_panic_in_mid_run_ends_the_run_at_once() {
    let crash = r#"
[[steps]]
id = "crash"
run = { on = "tiny1", command = ["sh", "-c", "(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &"] }
"#;
    let never = NEVER.replace("within", "after = \"crash\"\nwithin");
    let user = User::new(&format!("{ALONE}{crash}{never}"));
    let Some(run) = user.run(&["--accel", "tcg"]) else {
        return;
    };
    let words = [
        "keep guest `tiny1` running",
        "Kernel panic - not syncing: sysrq triggered crash",
    ];
    run.is(Outcome::Broken, "guest.lost", &words);
    assert!(run.took < Duration::from_secs(120), "{:?}", run.took);
}

#[test]
fn a_vmm_that_is_killed_in_mid_run_ends_the_run_at_once() {
    let user = User::new(&format!("{ALONE}{NEVER}"));
    let mut child = user
        .command(&["--accel", "tcg"])
        .spawn()
        .expect("it starts");
    let mut progress = BufReader::new(child.stderr.take().expect("piped"));
    let mut told = String::new();
    while !told.contains("checking") {
        let before = told.len();
        progress.read_line(&mut told).expect("text");
        if told.len() == before {
            break;
        }
    }
    let vmms: Vec<_> = marked(&user.mark())
        .into_iter()
        .filter(|process| process.name == "tiny1")
        .collect();
    let killed = Instant::now();
    signal("-KILL", &vmms);
    told.push_str(&std::io::read_to_string(progress).expect("text"));
    let output = child.wait_with_output().expect("it ends");
    let ended = killed.elapsed();
    told.push_str(&String::from_utf8_lossy(&output.stdout));
    let Some(run) = user.ended(told, output.status.code()) else {
        return;
    };
    run.is(
        Outcome::Broken,
        "guest.lost",
        &["keep guest `tiny1` running", "SIGKILL"],
    );
    assert!(ended < Duration::from_secs(60), "{ended:?}");
}

#[test]
fn a_vmm_that_is_not_there_or_too_old_is_a_skip_by_name() {
    let user = User::new(ALONE);
    let other = |name: &str| {
        let text = ALONE.replace("HYPERVISOR", name);
        fs::write(user.path("alone.toml"), text).expect("a scenario");
    };
    other("firecracker");
    let Some(run) = user.run(&["--accel", "tcg"]) else {
        return skip("this host has no firecracker, as most");
    };
    run.is(Outcome::Skipped, "host.unmet", &["firecracker"]);
    other("cloud-hypervisor");
    let old = user.program("cloud-hypervisor", "echo cloud-hypervisor v41.0");
    let old = old.to_string_lossy();
    let run = user.run(&["--accel", "tcg", "--cloud-hypervisor", &old]);
    let words = [
        "is version 41.0, and at least 49.0 is needed",
        "cloud-hypervisor needs KVM",
    ];
    let run = run.expect("as before");
    run.is(Outcome::Skipped, "host.unmet", &words);
}

#[test]
fn a_guest_for_whom_there_is_no_memory_is_not_started() {
    let user = User::new(&ALONE.replace("image =", "mem = 1000000\nimage ="));
    let Some(run) = user.run(&["--accel", "tcg"]) else {
        return;
    };
    assert_eq!(run.report.outcome, Outcome::Skipped, "{}", run.told);
    assert!(run.told.contains("GiB"), "{}", run.told);
}

/// Other bytes of the same length: nothing that a run looks at beforehand.
#[test]
fn a_damaged_image_is_named() {
    let user = User::new(ALONE);
    let built = bridgelab(&["image", "build", "tiny"]).output();
    let built = built.expect("the program under test starts");
    let image = PathBuf::from(String::from_utf8_lossy(&built.stdout).trim());
    let Some(name) = image.file_name().filter(|_| built.status.success()) else {
        return skip("this host cannot build the image");
    };
    let copy = user.path("cache/images").join(name);
    fs::create_dir_all(&copy).expect("a folder");
    for file in fs::read_dir(&image).expect("the image").flatten() {
        fs::copy(file.path(), copy.join(file.file_name())).expect("a copy");
    }
    let kernel = copy.join("vmlinux");
    let length = kernel.metadata().expect("a kernel").len();
    fs::set_permissions(&kernel, fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::write(&kernel, vec![0; usize::try_from(length).expect("a length")]).expect("other bytes");
    let output = user
        .command(&["--accel", "tcg"])
        .env("BRIDGELAB_CACHE", user.path("cache"))
        .output()
        .expect("the program under test starts");
    let Some(run) = user.ended(told(&output), output.status.code()) else {
        return;
    };
    let words = ["vmlinux` is not what was built", "rm -r"];
    run.is(Outcome::Broken, "image.damaged", &words);
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
}
