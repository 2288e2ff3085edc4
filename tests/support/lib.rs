//! What the tests of the built program share: the program and its command lines, a user of their own, a running call, the
//! processes of a run, and what a run left.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

pub mod lab;
pub mod processes;
pub mod running;
pub mod turn;
pub mod units;
pub mod user;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, OnceLock};

use bridgelab_client::{HeldLab, Hold, NoLab};
use bridgelab_harness::host::capability::strict;
use bridgelab_harness::image::Store;
use bridgelab_harness::report::{NOT_SHOWN, Outcome, Report, RunReport};

/// The program under test. It is looked for beside the folder of this test's binary: cargo tells its path only to test
/// binaries, and older versions only while they compile those.
pub fn program() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let own = std::env::current_exe().expect("the place of this binary");
        let folder = own.parent().and_then(Path::parent).expect("target/PROFILE");
        let program = folder.join("bridgelab").into_os_string();
        program.into_string().expect("a path in UTF-8")
    });
    turn::beside_others();
    &PROGRAM
}

/// The source tree.
pub fn root() -> &'static Path {
    turn::beside_others();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this is tests/support")
}

/// A command line of the program under test.
pub fn bridgelab(words: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(words).env("BRIDGELAB_ROOT", root());
    // Ghosts skip what they cannot show, also under BRIDGELAB_STRICT=1.
    command.env("BRIDGELAB_REQUIRE_ALL", "false");
    command
}

/// Runs the program to its end. Returns exit code, stdout and stderr.
pub fn output(words: &[&str]) -> (Option<i32>, String, String) {
    let output = bridgelab(words)
        .output()
        .expect("the program under test starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The runs in a report's file.
pub fn runs(file: &Path) -> Vec<RunReport> {
    let text = std::fs::read(file).expect("a report");
    let report: Report = serde_json::from_slice(&text).expect("a report");
    report.runs
}

/// The report of the only run in a report's file.
pub fn only_run(file: &Path) -> RunReport {
    runs(file).into_iter().next().expect("one run")
}

/// What a program printed, progress first.
pub fn told(output: &Output) -> String {
    [&output.stderr, &output.stdout]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// Runs a scenario, with the report in `folder`. Returns the report of its only run, which must have left nothing behind, and
/// what was printed. `None`, said aloud, when this host cannot run it; a run whose ghosts cannot show something counts as any
/// other.
pub fn ran(run: &mut Command, folder: &Path) -> Option<(RunReport, Output)> {
    let json = folder.join("report.json");
    // Remove the report of an earlier run, which says nothing.
    let _ = std::fs::remove_file(&json);
    let output = run.arg("--json").arg(&json).output();
    let output = output.expect("the program under test starts");
    report(&json, &output).map(|run| (run, output))
}

/// As [`ran`], for a run whose report is in that file.
pub fn report(json: &Path, output: &Output) -> Option<RunReport> {
    let told = told(output);
    assert!(json.exists(), "no report: {told}");
    let run = only_run(json);
    let code = run.problem.as_ref().map(|problem| problem.code.as_str());
    if run.outcome == Outcome::Skipped && code != Some(NOT_SHOWN) {
        skip(&told);
        return None;
    }
    eprintln!("{told}");
    assert_eq!(run.leaks, [""; 0], "{told}");
    Some(run)
}

/// As [`ran`], for a run that must pass.
pub fn passed(run: &mut Command, folder: &Path) -> Option<RunReport> {
    let (run, output) = ran(run, folder)?;
    assert_eq!(run.outcome, Outcome::Passed, "{}", told(&output));
    Some(run)
}

/// Installs what is missing when `BRIDGELAB_SETUP=1` asks for it, once for each test binary, with progress.
pub fn set_up() {
    turn::beside_others();
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        if std::env::var_os("BRIDGELAB_SETUP").is_some_and(|value| value == "1") {
            let status = bridgelab(&["doctor", "--setup"]).status();
            let status = status.expect("the program under test starts");
            // Go on: a test that needs what is still missing says so, with doctor's reason.
            eprintln!("doctor --setup: {status}");
        }
    });
}

/// Skips a test whose run had exit code 3, with its reason; fails it under `BRIDGELAB_STRICT=1`.
pub fn skip(reason: &str) {
    assert!(!strict(), "skipped under BRIDGELAB_STRICT=1: {reason}");
    eprintln!("skipped: because {reason}");
}

/// Says that something was not tried because these programs are missing. Fails under `BRIDGELAB_STRICT=1`, unless
/// `BRIDGELAB_WITHOUT` names all of them: that is how the caller of the tests says that they need not be here.
pub fn lacks(programs: &[&str]) {
    let without = std::env::var("BRIDGELAB_WITHOUT").unwrap_or_default();
    let (known, unknown): (Vec<&str>, Vec<&str>) = programs
        .iter()
        .copied()
        .partition(|program| without.split_whitespace().any(|word| word == *program));
    if !known.is_empty() {
        eprintln!("not run, by BRIDGELAB_WITHOUT: {}", known.join(", "));
    }
    if !unknown.is_empty() {
        skip(&format!(
            "not run, since not on PATH: {}",
            unknown.join(", ")
        ));
    }
}

/// Holds a lab with its evidence in `folder`; `None`, said aloud, when this host cannot have it.
pub async fn held(hold: Hold, folder: &Path) -> Option<HeldLab> {
    set_up();
    let hold = hold.program(program()).option("--require-all=false");
    let hold = hold.option("--evidence");
    match hold.option(folder.join("evidence")).start().await {
        Ok(lab) => Some(lab),
        Err(NoLab::Skipped(why)) => {
            skip(&why);
            None
        }
        Err(error) => unreachable!("{error}"),
    }
}

/// Whether this process is root.
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("own status");
    let uid = status.lines().find(|line| line.starts_with("Uid:"));
    uid.is_some_and(|line| line.split_whitespace().nth(2) == Some("0"))
}

/// Writes a scenario with the page's host, no guest and these checks into a folder of its own.
pub fn lan_scenario(folder: &Path, checks: &str) -> PathBuf {
    let host = folder.join("host");
    std::fs::create_dir_all(&host).expect("a folder");
    let units = root().join("scenarios/simple-network/host");
    for unit in std::fs::read_dir(units).expect("the page's files") {
        let unit = unit.expect("a file").path();
        let name = unit.file_name().expect("a name");
        std::fs::copy(&unit, host.join(name)).expect("a copy");
    }
    let text = format!(
        "version = 1\nsummary = \"the page's host on its LAN\"\n\n[machines.host]\nnetworkd = \"host\"\n\n{checks}"
    );
    let path = folder.join("scenario.toml");
    std::fs::write(&path, text).expect("a scenario");
    path
}

/// Runs a scenario below `folder`, with its evidence in `folder/evidence`. As root, this becomes `nobody`, in a private mount
/// namespace that gives `nobody` subordinate ids, and a `/dev/net/tun` as distributions have it.
pub fn run_as_nobody(folder: &Path, scenario: &Path) -> Output {
    let tun = "mount -t tmpfs -o mode=755 tmpfs /dev/net; mknod -m 0666 /dev/net/tun c 10 200";
    let run = as_nobody(folder, tun).arg(scenario).output();
    run.expect("unshare runs")
}

/// As [`run_as_nobody`], as a command to be completed, without `/dev/net/tun`, and with the images that root has built: enough
/// for a lab in a VM.
pub fn in_a_vm_as_nobody(folder: &Path) -> Command {
    let given = r#"
        [ ! -d /dev/net ] || mount -t tmpfs -o mode=755 tmpfs /dev/net
        cp -r "$BRIDGELAB_ROOT/images" "$FOLDER/images"
        mkdir -p "$FOLDER/.cache/bridgelab/images"
        chown -R 65534:65534 "$FOLDER"
        mount --bind "$IMAGES" "$FOLDER/.cache/bridgelab/images"
        export BRIDGELAB_ROOT="$FOLDER" BRIDGELAB_CACHE="$FOLDER/.cache/bridgelab"
    "#;
    let mut run = as_nobody(folder, given);
    run.env("BRIDGELAB_ROOT", root())
        .env("IMAGES", Store::cache_folder().join("images"))
        .args(["--lab", "vm"]);
    run
}

/// `bridgelab run` as `nobody`, to which arguments are added. `given` is a shell's script that root runs before it.
fn as_nobody(folder: &Path, given: &str) -> Command {
    let copy = folder.join("bridgelab");
    std::fs::copy(program(), &copy).expect("a copy that nobody can reach");
    std::fs::create_dir(folder.join("evidence")).expect("a folder");
    let script = format!(
        r#"
        set -e
        mkdir "$FOLDER/home"
        chmod -R a+rX "$FOLDER"
        chown -R 65534:65534 "$FOLDER"
        echo nobody:200000:65536 > "$FOLDER/subid"
        mount --bind "$FOLDER/subid" /etc/subuid
        mount --bind "$FOLDER/subid" /etc/subgid
        {given}
        exec setpriv --reuid=65534 --regid=65534 --clear-groups \
            env HOME="$FOLDER/home" "$FOLDER/bridgelab" run --evidence "$FOLDER/evidence" "$@"
    "#
    );
    let mut run = Command::new("unshare");
    run.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        &script,
        "sh",
    ])
    .env("FOLDER", folder)
    .env_remove("BRIDGELAB_SETUP");
    run
}
