//! `bridgelab enter` into a kept lab: tools work there as on a machine, and a forgotten shell neither counts as a leak nor
//! keeps the lab.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use support::{bridgelab, lan_scenario, set_up, skip};

const ONLINE: &str = r#"
[[checks]]
id = "online"
from = "host"
wait_online = { interface = "br0" }
"#;

/// The worker's process id, from `bridgelab enter --pid N host`, and what was told before; `None` when the run ended before
/// it printed that.
fn kept(run: &mut Child) -> Option<(String, String)> {
    let stderr = run.stderr.take().expect("piped");
    let mut told = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line.expect("readable");
        let words = line.trim().strip_prefix("bridgelab enter --pid ");
        if let Some(pid) = words.and_then(|words| words.strip_suffix(" host")) {
            return Some((pid.to_owned(), told));
        }
        told = told + &line + "\n";
    }
    None
}

fn enter(pid: &str, words: &[&str]) -> Command {
    let mut command = bridgelab(&["enter", "--pid", pid, "host", "--"]);
    command.args(words);
    command
}

fn says(pid: &str, words: &[&str]) -> Output {
    enter(pid, words)
        .output()
        .expect("the program under test starts")
}

#[test]
fn tools_work_on_an_entered_machine_and_a_forgotten_shell_ends_with_the_lab() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut run = bridgelab(&["run", "--keep"])
        .arg(lan_scenario(folder.path(), ONLINE))
        .arg("--evidence")
        .arg(folder.path().join("evidence"))
        .env_remove("BRIDGELAB_SETUP")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program under test starts");
    let Some((pid, progress)) = kept(&mut run) else {
        let output = run.wait_with_output().expect("it ended");
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{told}");
        return skip(&told);
    };

    // Whoever keeps a lab wants to know what to look for in it.
    let told = [
        "ok      online: ",
        "passed (1 of 1 checks hold)",
        "evidence: ",
        "the lab stands",
    ];
    let told = told.map(|words| progress.find(words));
    assert!(
        told.iter().all(Option::is_some) && told.is_sorted(),
        "{progress}"
    );

    // networkctl compares this with networkd's own namespace. It exists only inside the lab's PID namespace.
    let own = says(&pid, &["readlink", "/proc/self/ns/net"]);
    assert!(own.status.success(), "{own:?}");
    let list = says(&pid, &["networkctl", "list", "--no-pager"]);
    let table = String::from_utf8_lossy(&list.stdout);
    let br0 = table.lines().find(|line| line.contains(" br0 "));
    assert!(
        br0.is_some_and(|line| line.contains("routable") && line.contains("configured")),
        "{list:?}"
    );

    let mut shell = enter(&pid, &["cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program under test starts");
    let mut stdin = shell.stdin.take().expect("piped");
    stdin.write_all(b"inside\n").expect("it reads");
    let mut answer = String::new();
    let mut stdout = BufReader::new(shell.stdout.take().expect("piped"));
    stdout.read_line(&mut answer).expect("it answers");
    assert_eq!(answer, "inside\n");
    let interrupt = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(interrupt.expect("kill runs").success());
    let output = run.wait_with_output().expect("it ends");
    let verdict = String::from_utf8_lossy(&output.stdout);
    assert!(!verdict.contains("left behind"), "{verdict}");
    // The shell's stdin is still open, so it is the lab's end that ends it.
    assert!(!shell.wait().expect("it ends").success());
    drop(stdin);
}
