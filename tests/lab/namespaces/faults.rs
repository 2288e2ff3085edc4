//! Faults of the machine: it stands still in mid-run, its cache is full or read-only. Each fault is reported with the words
//! that mend it, gives no wrong verdict, and leaves nothing behind. The labs have no guests. Where this host cannot run even
//! those, each test says so.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use bridgelab_harness::report::{CheckOutcome, Outcome, RunReport};
use support::processes::{MARK, stop_for, wait_until_gone};
use support::{bridgelab, is_root, lan_scenario, only_run, program, skip};
use tempfile::TempDir;

/// How long processes are stopped: long enough to make a look late for certain.
const STOP: Duration = Duration::from_secs(4);

const HOLDS: &str = r#"
[[checks]]
id = "router"
from = "host"
within = "2s"
ping = { to = "192.168.1.1" }
"#;
/// Nobody has this address.
const FAILS: &str = r#"
[[checks]]
id = "nobody"
from = "host"
within = "2s"
ping = { to = "192.168.1.99" }
"#;

/// A run of one scenario, with everything that it writes in a folder of its own.
struct Run {
    folder: TempDir,
    mark: String,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Run {
    fn start(name: &str, checks: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mark = format!("{name}-{}", std::process::id());
        let mut child = bridgelab(&["run", "--guests", "ghost"])
            .arg(lan_scenario(folder.path(), checks))
            .arg("--json")
            .arg(folder.path().join("report.json"))
            .env("XDG_STATE_HOME", folder.path())
            .env(MARK, &mark)
            .env_remove("BRIDGELAB_SETUP")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program under test starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Self {
            folder,
            mark,
            child,
            stderr,
        }
    }

    /// Reads until a line of progress has these words; `false` when the run ended because this host cannot run it.
    fn wait_for(&mut self, words: &str) -> bool {
        let mut lines = self.stderr.by_ref().lines();
        if lines.any(|line| line.is_ok_and(|line| line.contains(words))) {
            return true;
        }
        let code = self.child.wait().expect("it ended").code();
        assert_eq!(code, Some(3), "it ended before `{words}`");
        skip("this host cannot run labs");
        false
    }

    /// The run's exit code, its report, and what it printed. Fails if anything of the run is left.
    fn end(mut self) -> (Option<i32>, RunReport, String) {
        let progress = std::io::read_to_string(&mut self.stderr).expect("text");
        let output = self.child.wait_with_output().expect("it ends");
        wait_until_gone(&self.mark);
        let run = only_run(&self.folder.path().join("report.json"));
        assert_eq!(run.leaks, [""; 0]);
        let verdict = String::from_utf8_lossy(&output.stdout);
        (output.status.code(), run, format!("{progress}{verdict}"))
    }
}

#[test]
fn what_holds_after_a_standstill_holds() {
    let mut run = Run::start("holds", HOLDS);
    if !run.wait_for("building the topology") {
        return;
    }
    stop_for(&run.mark, STOP);
    let (code, run, told) = run.end();
    assert_eq!((code, run.outcome), (Some(0), Outcome::Passed), "{told}");
    let stood_still = run
        .waits
        .iter()
        .find(|wait| wait.what.contains("stood still"));
    assert!(
        stood_still.is_some_and(|wait| wait.ms >= 4000),
        "{:?}",
        run.waits
    );
    assert!(told.contains("this machine stood still for"), "{told}");
}

/// The check's deadline passes while it is stopped. Afterwards it gets that time back, and yet its failure does not count: the
/// standstill may be the cause.
#[test]
fn what_fails_after_a_standstill_is_broken_and_not_failed() {
    let mut run = Run::start("fails", FAILS);
    if !run.wait_for("checking") {
        return;
    }
    stop_for(&run.mark, STOP);
    let (code, run, told) = run.end();
    assert_eq!((code, run.outcome), (Some(4), Outcome::Broken), "{told}");
    assert_eq!(run.checks[0].outcome, CheckOutcome::Failed);
    // It was looked at for its own two seconds, and for the four in which it was stopped: those were given back.
    assert!(run.checks[0].ms >= 2000 + 4000, "{:?}", run.checks);
    let problem = run.problem.expect("a reason");
    assert_eq!(problem.code, "host.stood-still");
    assert!(
        problem.chain[0].contains("this machine stood still for"),
        "{problem:?}"
    );
    assert!(
        problem
            .help
            .is_some_and(|help| help.contains("run it again")),
        "{told}"
    );
}

/// Writes 2 MiB, and the files that every image has.
const BUILD: &str = r#"#!/bin/sh
set -eu
cd "$BRIDGELAB_OUT"
dd if=/dev/zero of=disk.raw bs=1M count=2
for file in vmlinuz initrd packages.txt; do : >$file; done
echo '{}' >versions.json
"#;

/// Runs the program under test with its cache folder on a small file system of its own.
///
/// `prepare` is a shell's script that runs before the program, in the same mount namespace. `None`, with the reason said
/// aloud, where this user may not mount.
fn in_a_cache_of(size: &str, prepare: &str, words: &[&str], folder: &Path) -> Option<Output> {
    let recipe = folder.join("images/sample");
    fs::create_dir_all(&recipe).expect("a folder");
    let build = recipe.join("build");
    fs::write(&build, BUILD).expect("a script");
    fs::set_permissions(&build, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::create_dir_all(folder.join("cache")).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size={size},mode=755 tmpfs \"$BRIDGELAB_CACHE\" || exit 77; \
         {{ {prepare}; }} >&2 || exit 77; exec \"$0\" \"$@\""
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    let output = command
        .args(["sh", "-c", &script, program()])
        .args(words)
        .env("PROGRAM", program())
        .env("BRIDGELAB_ROOT", folder)
        .env("BRIDGELAB_CACHE", folder.join("cache"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("unshare runs");
    let told = String::from_utf8_lossy(&output.stderr);
    let cannot = ["[image.isolate]", "unshare: "];
    if output.status.code() == Some(77) || cannot.iter().any(|word| told.contains(word)) {
        skip(&format!("this user mounts nothing: {told}"));
        return None;
    }
    Some(output)
}

/// Fails unless the output has these words. Prints all of it.
fn says(output: &Output, words: &[&str]) {
    let told = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let told = told.concat();
    for word in words {
        assert!(told.contains(word), "no `{word}` in\n{told}");
    }
}

#[test]
fn a_full_cache_is_told_with_the_kernels_words_and_holds_nothing_unfinished() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let after = r#""$PROGRAM" image build sample; status=$?
        test $status = 4; find "$BRIDGELAB_CACHE" -name '.unfinished*' -o -size +64k"#;
    let words = ["image", "build", "sample"];
    let Some(output) = in_a_cache_of("1m", after, &words, folder.path()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(4));
    says(
        &output,
        &[
            "build image `sample`",
            "No space left on device",
            "df -h ",
            "BRIDGELAB_CACHE=DIR",
        ],
    );
    // The build was tried twice. Between the two, `find` printed each file that was left on a line of its own.
    let told = String::from_utf8_lossy(&output.stderr);
    let left = told
        .lines()
        .filter(|line| line.starts_with(&*folder.path().to_string_lossy()));
    assert_eq!(left.count(), 0, "{told}");
}

#[test]
fn a_read_only_cache_serves_what_it_has_and_says_what_it_cannot_take() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (full, empty) = (
        r#""$PROGRAM" image build sample && mount -o remount,ro "$BRIDGELAB_CACHE""#,
        r#"mount -o remount,ro "$BRIDGELAB_CACHE""#,
    );
    let build = ["image", "build", "sample"];
    let Some(output) = in_a_cache_of("8m", full, &build, folder.path()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = in_a_cache_of("8m", empty, &build, folder.path()).expect("as before");
    assert_eq!(output.status.code(), Some(4));
    says(
        &output,
        &[
            "cache/images`",
            "Read-only file system",
            "make it writable",
            "BRIDGELAB_CACHE=DIR",
        ],
    );
    // A run that needs no image still needs a folder for the queue.
    let scenario = lan_scenario(folder.path(), HOLDS);
    let scenario = scenario.to_string_lossy();
    let run = ["run", "--guests", "ghost", &scenario];
    let output = in_a_cache_of("8m", empty, &run, folder.path()).expect("as before");
    says(
        &output,
        &["broken", "Read-only file system", "XDG_RUNTIME_DIR"],
    );
    assert_eq!(output.status.code(), Some(4));
}
