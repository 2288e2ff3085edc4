//! Daemons of the lab's machines that end in mid-run: the run is broken at once, by the daemon's name, and is no verdict on
//! the network. The signal comes from outside, as from a machine that runs out of memory.

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use bridgelab_harness::host::daemon::Kept;
use bridgelab_harness::report::Outcome;
use support::processes::{marked, names, signal, wait_until};
use support::user::User;
use support::{bridgelab, lan_scenario, skip};

/// What holds from the first look on, and what never does: nobody has the address.
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

/// The name of its process; `None` for what runs inside the lab's worker, which ends with everything else. What ends one
/// of those is seen in `host::daemon`'s own tests.
fn process(kept: Kept) -> Option<&'static str> {
    match kept {
        Kept::Dnsmasq => Some("dnsmasq"),
        // The kernel keeps 15 bytes of a name.
        Kept::Networkd => Some("systemd-network"),
        Kept::Bus => Some("dbus-daemon"),
        Kept::Http | Kept::DnsFaults | Kept::Capture | Kept::Monitor => None,
    }
}

#[test]
fn a_daemon_that_is_killed_ends_the_run_at_once_by_name() {
    for kept in Kept::ALL {
        let Some(process) = process(kept) else {
            continue;
        };
        let user = User::new();
        let scenario = lan_scenario(&user.path("bin"), CHECKS);
        let mut command = bridgelab(&["run"]);
        command.arg(scenario);
        user.run(&mut command);
        let mut child = command.spawn().expect("the program under test starts");
        let mut progress = BufReader::new(child.stderr.take().expect("piped"));
        let mut told = String::new();
        // Everything stands, and one answer has come.
        while !told.contains("router: ") {
            let before = told.len();
            progress.read_line(&mut told).expect("text");
            if told.len() == before {
                let code = child.wait().expect("it ends").code();
                assert_eq!(code, Some(3), "{told}");
                return skip("this host cannot run labs");
            }
        }
        let of_kind = || {
            let all = marked(&user.mark()).into_iter();
            all.filter(|one| one.name == process).collect::<Vec<_>>()
        };
        wait_until(&format!("{process} to run"), || match of_kind() {
            none if none.is_empty() => Err(names(&marked(&user.mark()))),
            _ => Ok(()),
        });
        let killed = Instant::now();
        signal("-KILL", &of_kind());
        told.push_str(&std::io::read_to_string(progress).expect("text"));
        let output = child.wait_with_output().expect("it ends");
        let took = killed.elapsed();
        told.push_str(&String::from_utf8_lossy(&output.stdout));
        let report = user.report(&told);
        assert_eq!(report.outcome, Outcome::Broken, "{told}");
        assert_eq!(output.status.code(), Some(4), "{told}");
        let problem = report.problem.expect("a reason");
        assert_eq!(problem.code, "host.daemon-ended", "{told}");
        let reason = problem.chain.join(": ");
        for word in [kept.name(), "machine `", "SIGKILL", "last words"] {
            assert!(reason.contains(word), "no `{word}` in\n{reason}");
        }
        assert!(took < Duration::from_secs(30), "{kept:?}: {took:?}");
    }
}
