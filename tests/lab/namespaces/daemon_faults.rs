//! Daemons of the lab's machines that end in mid-run. The run is broken at once, by the daemon's name, without a verdict on
//! the network. The signal comes from outside, as on a machine that runs out of memory.

use std::time::{Duration, Instant};

use bridgelab_harness::host::daemon::Kept;
use bridgelab_harness::report::{Outcome, RunReport};
use support::processes::{marked, names, signal, wait_until};
use support::running::Running;
use support::user::User;
use support::{bridgelab, lan_scenario};

/// A check that holds from the first look on, and one that never does, since nobody has the address.
const CHECKS: &str = r#"
[[checks]]
id = "router"
from = "desktop"
dns = { name = "router.lan.test", record = "A", server = "192.168.1.1", expect = ["192.168.1.1"] }

[[checks]]
id = "never"
from = "host"
within = "120s"
ping = { to = "192.168.1.99" }
"#;

/// A check that fails when nobody answers names any more.
const UNANSWERED: &str = r#"
[[steps]]
id = "later"
wait_for = { from = "desktop", ping = { to = "192.168.1.1" } }

[[checks]]
id = "unanswered"
from = "desktop"
after = "later"
within = "3s"
dns = { name = "router.lan.test", record = "A", server = "192.168.1.1", expect = ["192.168.1.1"] }
"#;

/// The name of a daemon's process; `None` for one that runs inside the lab's worker and ends with it. Tests of `host::daemon`
/// end those.
fn process(kept: Kept) -> Option<&'static str> {
    match kept {
        Kept::Dnsmasq => Some("dnsmasq"),
        // The kernel keeps 15 bytes of a name.
        Kept::Networkd => Some("systemd-network"),
        Kept::Bus => Some("dbus-daemon"),
        Kept::Http | Kept::DnsFaults | Kept::Capture | Kept::Monitor => None,
    }
}

/// A run in which every process of that name got a signal, once everything stood and one answer had come.
struct Disturbed {
    report: RunReport,
    code: Option<i32>,
    /// Everything that was printed.
    told: String,
    /// Time from the signal to the run's end.
    took: Duration,
}

/// Runs a scenario with these checks and disturbs it. `None`, said aloud, when this host cannot run labs.
fn disturbed(process: &str, sent: &str, checks: &str) -> Option<Disturbed> {
    let user = User::new();
    let scenario = lan_scenario(&user.path("bin"), checks);
    let mut command = bridgelab(&["run"]);
    command.arg(scenario);
    user.run(&mut command);
    let mut run = Running::start(&mut command);
    if !run.reached("router: ") {
        return None;
    }
    let of_kind = || {
        let all = marked(&user.mark()).into_iter();
        all.filter(|one| one.name == process).collect::<Vec<_>>()
    };
    wait_until(&format!("{process} to run"), || match of_kind() {
        none if none.is_empty() => Err(names(&marked(&user.mark()))),
        _ => Ok(()),
    });
    let begun = Instant::now();
    signal(sent, &of_kind());
    let ended = run.ends();
    let (took, told) = (begun.elapsed(), ended.told());
    Some(Disturbed {
        report: user.report(&told),
        code: ended.code(),
        told,
        took,
    })
}

#[test]
fn a_daemon_that_is_killed_ends_the_run_at_once_by_name() {
    for kept in Kept::ALL {
        let Some(process) = process(kept) else {
            continue;
        };
        let Some(run) = disturbed(process, "-KILL", CHECKS) else {
            return;
        };
        let (told, took) = (run.told, run.took);
        assert_eq!(run.report.outcome, Outcome::Broken, "{told}");
        assert_eq!(run.code, Some(4), "{told}");
        let problem = run.report.problem.expect("a reason");
        assert_eq!(problem.code, "host.daemon-ended", "{told}");
        let reason = problem.chain.join(": ");
        for word in [kept.name(), "machine `", "SIGKILL", "last words"] {
            assert!(reason.contains(word), "no `{word}` in\n{reason}");
        }
        assert!(took < Duration::from_secs(30), "{kept:?}: {took:?}");
    }
}

/// A stopped daemon does not end, but answers nobody: what fails because of that is no verdict either.
#[test]
fn a_daemon_that_is_stopped_makes_no_verdict() {
    // Ask for a name that was not asked for before, so that nobody has it in a cache.
    let checks = format!("{CHECKS}\n{UNANSWERED}").replace("120s", "1s");
    let Some(run) = disturbed("dnsmasq", "-STOP", &checks) else {
        return;
    };
    let told = run.told;
    assert_eq!(run.report.outcome, Outcome::Broken, "{told}");
    assert_eq!(run.code, Some(4), "{told}");
    let problem = run.report.problem.expect("a reason");
    assert_eq!(problem.code, "host.process-stopped", "{told}");
    assert!(problem.chain[0].contains("dnsmasq"), "{told}");
}
