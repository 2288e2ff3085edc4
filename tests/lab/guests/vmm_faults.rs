//! VMMs and guests that fail, from end to end with the smallest image. Each ending has a name and the last words of the VMM or
//! guest, comes within seconds, and leaves nothing behind.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use bridgelab_harness::report::{Outcome, RunReport};
use support::processes::{marked, signal};
use support::user::{User, mode};
use support::{bridgelab, skip, told};

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

/// A check that never holds, for longer than any of these tests may take.
const NEVER: &str = r#"
[[checks]]
id = "never"
from = "tiny1"
within = "120s"
ping = { to = "192.0.2.99" }
"#;

/// How a run ended, and all that it printed.
struct Run {
    report: RunReport,
    told: String,
    code: Option<i32>,
    took: Duration,
}

/// A user who has this scenario.
fn user(scenario: &str) -> User {
    let user = User::new();
    let text = scenario.replace("HYPERVISOR", "qemu");
    fs::write(user.path("alone.toml"), text).expect("a scenario");
    user
}

/// Puts a QEMU in front of the real one that answers `--version` as the real one does, and otherwise runs this script.
fn qemu(user: &User, script: &str) {
    let real = format!("PATH=${{PATH#*:}} exec {QEMU} \"$@\"");
    user.program(
        QEMU,
        &format!("[ \"$1\" != --version ] || {real}\n{script}\n"),
    );
}

fn command(user: &User, words: &[&str]) -> Command {
    let mut command = bridgelab(&["run", "--cold"]);
    command.args(words).arg(user.path("alone.toml"));
    user.run(&mut command);
    command
}

/// Runs the user's scenario; `None` where this host can run no guest at all, with the reason said aloud.
fn run(user: &User, words: &[&str]) -> Option<Run> {
    let output = command(user, words).output();
    let output = output.expect("the program under test starts");
    ended(user, told(&output), output.status.code())
}

fn ended(user: &User, told: String, code: Option<i32>) -> Option<Run> {
    let report = user.report(&told);
    // Skip the test if the host lacks something for any guest, but not if it lacks what the test took away.
    let named = ["cloud-hypervisor", "firecracker", "memory"];
    if report.outcome == Outcome::Skipped && !named.iter().any(|name| told.contains(name)) {
        skip(&told);
        return None;
    }
    // Leave out the time in the queue.
    let took = Duration::from_millis(report.ms);
    Some(Run {
        report,
        told,
        code,
        took,
    })
}

impl Run {
    /// Fails unless the run ended with this outcome and code, and said these words.
    fn is(&self, outcome: Outcome, code: &str, words: &[&str]) {
        assert_eq!(self.report.outcome, outcome, "{}", self.told);
        let problem = self.report.problem.as_ref().expect("a reason");
        assert_eq!(problem.code, code, "{}", self.told);
        for word in words {
            assert!(self.told.contains(word), "no `{word}` in\n{}", self.told);
        }
    }
}

/// kvmtool refuses to start without a home to write to: its user is nobody, whose home does not exist.
#[test]
fn a_vmm_that_dies_at_start_is_told_in_its_own_words() {
    let user = user(ALONE);
    qemu(
        &user,
        "mkdir \"$HOME/of-its-own\" && echo \"$0: no such machine\" >&2; exit 7",
    );
    let Some(run) = run(&user, &[]) else { return };
    let words = ["boot guest `tiny1`", "exit status: 7", "no such machine"];
    run.is(Outcome::Broken, "guest.vmm", &words);
    assert_eq!(run.code, Some(4));
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
}

/// The kernel of this image finds no first process.
#[test]
fn a_kernel_panic_at_boot_is_seen_at_once() {
    let user = user(ALONE);
    qemu(
        &user,
        &format!(
            "for word do shift; case $word in console=*) word=\"$word rdinit=/none\" ;; esac; set -- \"$@\" \"$word\"; done\n\
         PATH=${{PATH#*:}} exec {QEMU} \"$@\""
        ),
    );
    let Some(run) = run(&user, &["--accel", "tcg"]) else {
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
    let user = user(&format!("{ALONE}{crash}{never}"));
    let Some(run) = run(&user, &["--accel", "tcg"]) else {
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
    let user = user(&format!("{ALONE}{NEVER}"));
    let mut child = command(&user, &["--accel", "tcg"])
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
    let took = killed.elapsed();
    told.push_str(&String::from_utf8_lossy(&output.stdout));
    let Some(run) = ended(&user, told, output.status.code()) else {
        return;
    };
    run.is(
        Outcome::Broken,
        "guest.lost",
        &["keep guest `tiny1` running", "SIGKILL"],
    );
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_vmm_that_is_not_there_or_too_old_is_a_skip_by_name() {
    let user = user(ALONE);
    let other = |name: &str| {
        let text = ALONE.replace("HYPERVISOR", name);
        fs::write(user.path("alone.toml"), text).expect("a scenario");
    };
    other("firecracker");
    let Some(none) = run(&user, &["--accel", "tcg"]) else {
        return skip("this host has no firecracker, as most");
    };
    none.is(Outcome::Skipped, "host.unmet", &["firecracker"]);
    other("cloud-hypervisor");
    let old = user.program("cloud-hypervisor", "echo cloud-hypervisor v41.0");
    let old = old.to_string_lossy();
    let older = run(&user, &["--accel", "tcg", "--cloud-hypervisor", &old]);
    let words = [
        "is version 41.0, and at least 49.0 is needed",
        "cloud-hypervisor needs KVM",
    ];
    let older = older.expect("as before");
    older.is(Outcome::Skipped, "host.unmet", &words);
}

#[test]
fn a_guest_for_whom_there_is_no_memory_is_not_started() {
    let user = user(&ALONE.replace("image =", "mem = 1000000\nimage ="));
    let Some(run) = run(&user, &["--accel", "tcg"]) else {
        return;
    };
    assert_eq!(run.report.outcome, Outcome::Skipped, "{}", run.told);
    assert!(run.told.contains("GiB"), "{}", run.told);
}

/// The image has other bytes of the same length, which a run does not notice beforehand.
#[test]
fn a_damaged_image_is_named() {
    let user = user(ALONE);
    let Some(copy) = user.image("tiny") else {
        return skip("this host cannot build the image");
    };
    let kernel = copy.join("vmlinux");
    let length = kernel.metadata().expect("a kernel").len();
    mode(&kernel, 0o644);
    fs::write(&kernel, vec![0; usize::try_from(length).expect("a length")]).expect("other bytes");
    let output = command(&user, &["--accel", "tcg"])
        .env("BRIDGELAB_CACHE", user.path("cache"))
        .output()
        .expect("the program under test starts");
    let Some(run) = ended(&user, told(&output), output.status.code()) else {
        return;
    };
    let words = ["vmlinux` is not what was built", "rm -r"];
    run.is(Outcome::Broken, "image.damaged", &words);
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
}

/// A guest with a disk writes 64 MiB, in a run whose tmpfs has only 4 MiB of room left. The step `shrink` is carried out by a
/// program of the test, because a command of the scenario cannot mount.
const FULL: &str = r#"
version = 1
summary = "a guest that writes more than there is room for"
base = "none"

[machines.host]

[guests.big1]
interfaces = [{ type = "tap", id = "vm-big1", mac = "02:00:00:00:00:01" }]

[[steps]]
id = "shrink"
flush = { on = "host", neighbours = true }

[[steps]]
id = "fill"
run = { on = "big1", command = ["sh", "-c", "dd if=/dev/zero of=/var/fill bs=1M count=64 conv=fsync >/dev/null 2>&1 &"] }

[[checks]]
id = "never"
after = "fill"
from = "big1"
within = "120s"
ping = { to = "192.0.2.99" }
"#;

#[test]
fn a_disk_that_fills_up_under_a_guest_ends_the_run_at_once() {
    let user = user(FULL);
    let shrink = r#"[ "$*" != "neigh flush all" ] || {
    place=$(sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - tmpfs bridgelab .*/\1/p' /proc/self/mountinfo | head -n 1)
    used=$(df -k --output=used "$place" | tail -n 1)
    mount -o "remount,size=$((used + 4096))k" "$place" || exit
}
PATH=${PATH#*:} exec ip "$@"
"#;
    user.program("ip", shrink);
    // The guest starts from a template where it can, so that it is up in seconds.
    let mut command = bridgelab(&["run"]);
    command.arg(user.path("alone.toml"));
    user.run(&mut command);
    let output = command.output().expect("the program under test starts");
    let Some(run) = ended(&user, told(&output), output.status.code()) else {
        return;
    };
    let words = [
        "keep guest `big1` running",
        "its VMM stopped it, and says `No space left on device`",
        "found no room in `/",
        "half of the machine's",
    ];
    run.is(Outcome::Broken, "guest.no-room", &words);
    assert_eq!(run.code, Some(4));
    let mut stages = run.report.stages.iter();
    let filled = stages
        .rfind(|stage| stage.name == "step fill")
        .expect("it began");
    let after = run.report.ms - u64::try_from(filled.at_ms).expect("after the start");
    assert!(after < 60_000, "{after} ms\n{}", run.told);
}
