//! Nothing is left behind, whatever ends a run: SIGINT, SIGKILL of the program, SIGKILL of its worker; early, in mid-run,
//! and with a guest.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::Command;

use support::processes::{MARK, marked, names, wait_until, wait_until_gone};
use support::running::Running;
use support::{bridgelab, lan_scenario, root, set_up};

/// A check that never holds: nobody has this address.
const NEVER: &str = r#"
[[checks]]
id = "never"
from = "host"
within = "120s"
ping = { to = "192.168.1.99" }
"#;

fn named(mark: &str, program: &str) -> Result<(), String> {
    let processes = marked(mark);
    if processes
        .iter()
        .any(|process| process.name.starts_with(program))
    {
        Ok(())
    } else {
        Err(names(&processes))
    }
}

/// What could outlive processes: mounts, and named namespaces.
fn standing() -> String {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let named = fs::read_dir("/run/netns")
        .map(Iterator::count)
        .unwrap_or_default();
    format!("{mounts}\n{named} named namespaces")
}

/// Temporary files of a run that has this folder as `TMPDIR`.
fn files_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder").flatten();
    entries
        .map(|entry| entry.path().display().to_string())
        .collect()
}

struct Run {
    running: Running,
    mark: String,
    temporary: tempfile::TempDir,
    _folder: tempfile::TempDir,
    before: String,
}

impl Run {
    fn start(name: &str, scenario: &dyn Fn(&Path) -> std::path::PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let scenario = scenario(folder.path());
        let mark = format!("{name}-{}", std::process::id());
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let before = standing();
        let mut command = bridgelab(&["run", "--accel", "tcg"]);
        command
            .arg(scenario)
            .arg("--evidence")
            .arg(folder.path().join("evidence"))
            .env(MARK, &mark)
            .env("TMPDIR", temporary.path())
            .env_remove("BRIDGELAB_SETUP");
        Self {
            running: Running::start(&mut command),
            mark,
            temporary,
            _folder: folder,
            before,
        }
    }

    fn kill_worker(&self) {
        let pid = self.running.child.id();
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("children");
        let worker = children.split_whitespace().next().expect("a worker");
        let killed = Command::new("kill").args(["-KILL", worker]).status();
        assert!(killed.expect("kill runs").success());
    }

    fn leaves_nothing(self) -> Option<i32> {
        let code = self.running.ends().code();
        wait_until_gone(&self.mark);
        assert_eq!(standing(), self.before);
        assert_eq!(files_in(self.temporary.path()), [""; 0]);
        code
    }
}

fn lan(folder: &Path) -> std::path::PathBuf {
    lan_scenario(folder, NEVER)
}

/// This is one test, because its cases look at the whole machine.
#[test]
fn nothing_is_left_behind() {
    set_up();
    // Kill the program while it builds the topology.
    let mut run = Run::start("early", &lan);
    if !run.running.reached("building the topology") {
        return;
    }
    run.running.signal("-KILL");
    assert_eq!(run.leaves_nothing(), None);

    // Kill the program when everything stands. First make sure that there is something that could be left.
    let mut run = Run::start("whole", &lan);
    assert!(run.running.reached("checking"));
    wait_until("networkd to run", || named(&run.mark, "systemd-network"));
    wait_until("dnsmasq to run", || named(&run.mark, "dnsmasq"));
    run.running.signal("-KILL");
    assert_eq!(run.leaves_nothing(), None);

    // Kill the worker: the program reports the run as broken, and ends everything.
    let mut run = Run::start("worker", &lan);
    assert!(run.running.reached("checking"));
    run.kill_worker();
    assert_eq!(run.leaves_nothing(), Some(4));

    // Interrupt the program: it ends in good order.
    let mut run = Run::start("interrupt", &lan);
    assert!(run.running.reached("checking"));
    run.running.signal("-INT");
    assert_eq!(run.leaves_nothing(), Some(130));
}

/// A command in the background. Its number is in no other test's command lines, so that it can be found by it.
const LOAD: &str = r#"
[[steps]]
id = "load"
run = { on = "desktop", command = ["sh", "-c", "trap '' TERM; setsid sleep 98781 & wait; sleep 98781"], background = true }
"#;

/// Whether the command runs. A process of a cell has nothing of the test's environment, so it is looked for by its command
/// line.
fn asleep() -> bool {
    let pgrep = Command::new("pgrep").args(["-f", "sleep 9878[1]"]).output();
    pgrep.expect("pgrep runs").status.success()
}

/// As above, with a command in the background that ignores SIGTERM.
#[test]
fn no_command_in_the_background_is_left_behind() {
    set_up();
    let scenario = |folder: &Path| lan_scenario(folder, &format!("{LOAD}{}", after(NEVER, "load")));
    for (name, signal, code) in [
        ("load-killed", "-KILL", None),
        ("load-interrupted", "-INT", Some(130)),
        ("load-ended", "-TERM", Some(143)),
    ] {
        let mut run = Run::start(name, &scenario);
        if !run.running.reached("checking after load") {
            return;
        }
        wait_until("the load to run", || match asleep() {
            true => Ok(()),
            false => Err("nobody sleeps".to_owned()),
        });
        run.running.signal(signal);
        assert_eq!(run.leaves_nothing(), code);
        wait_until("the load to be gone", || match asleep() {
            true => Err("it sleeps".to_owned()),
            false => Ok(()),
        });
    }
}

/// Makes checks come after a step.
fn after(checks: &str, step: &str) -> String {
    checks.replace("from =", &format!("after = \"{step}\"\nfrom ="))
}

/// As above, with a VMM, which must not outlive the program, and with its TAP.
#[test]
fn no_guest_is_left_behind() {
    set_up();
    let mut run = Run::start("guest", &|_| root().join("scenarios/simple-network"));
    if !run.running.reached("booting the guests") {
        return;
    }
    // The VMM's process is named after its guest.
    wait_until("the VMM to run", || named(&run.mark, "test1"));
    run.running.signal("-KILL");
    assert_eq!(run.leaves_nothing(), None);
}
