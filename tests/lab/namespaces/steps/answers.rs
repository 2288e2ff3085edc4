//! Runs with a step that is refused or cannot be carried out.

use bridgelab_harness::report::{CheckOutcome, Outcome, Report, StepOutcome};

use super::{GUEST, passes, run, step};
use support::{bridgelab, lan_scenario, skip};

#[test]
fn a_refusal_that_nobody_expects_leaves_no_verdict() {
    let Some(run) = run(r#"
[[checks]]
id = "before"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "tolerated"
may_fail = true
run = { on = "host", command = ["false"] }

[[steps]]
id = "unexpected"
delete_link = { on = "host", interface = "lo" }

[[steps]]
id = "never"
run = { on = "host", command = ["true"] }
"#)
    else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Broken);
    let problem = run.problem.as_ref().expect("a problem");
    assert_eq!(problem.code, "step.refused");
    assert!(
        problem.chain[0].contains("ip -n host link delete lo"),
        "{problem:?}"
    );
    assert!(
        problem.chain[0].contains("Operation not supported"),
        "{problem:?}"
    );
    let ids: Vec<&str> = run.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["tolerated", "unexpected"]);
    assert_eq!(run.checks.len(), 1, "what was seen before is kept");
}

#[test]
fn an_expected_refusal_that_does_not_come_is_a_difference() {
    let Some(run) = run(r#"
[[steps]]
id = "harmless"
refused = "Operation not permitted"
run = { on = "host", command = ["true"] }

[[steps]]
id = "otherwise"
refused = "Operation not permitted"
run = { on = "host", command = ["ip", "link", "delete", "nobody"] }

[[checks]]
id = "after"
after = "otherwise"
from = "host"
ping = { to = "192.168.1.1" }
"#)
    else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Failed);
    assert_eq!(run.differences.len(), 2, "{:?}", run.differences);
    assert!(run.differences[0].contains("must be refused"));
    assert!(run.differences[1].contains("not in the named way"));
    assert_eq!(run.checks[0].outcome, CheckOutcome::Passed);
}

/// In a ghost, commands would run this machine's programs, which shows nothing. Neither does anything that comes later.
#[test]
fn what_a_ghost_cannot_do_is_skipped_by_name_with_all_that_follows() {
    let text = format!(
        r#"{GUEST}
[[checks]]
id = "before"
from = "test1"
ping = {{ to = "192.168.1.1" }}

[[steps]]
id = "docker"
run = {{ on = "test1", command = ["systemctl", "restart", "docker"] }}

[[steps]]
id = "then"
link_down = {{ on = "host", interface = "eno1" }}

[[checks]]
id = "after"
after = "then"
from = "host"
ping = {{ to = "192.168.1.1" }}
"#
    );
    let Some(run) = run(&text) else { return };
    passes(&run);
    let docker = step(&run, "docker");
    assert_eq!(docker.outcome, StepOutcome::Skipped);
    assert!(docker.said.contains("test1 is a ghost"), "{}", docker.said);
    assert_eq!(step(&run, "then").outcome, StepOutcome::Skipped);
    let after = run.checks.iter().find(|check| check.id == "after");
    let after = after.expect("the check");
    assert_eq!(after.outcome, CheckOutcome::Skipped);
    assert!(after.got.contains("step docker"), "{}", after.got);
}

/// Where the kernel has netem, the link is impaired. Where it has not, the run is skipped, with netem's name, and never passes.
#[test]
fn a_link_is_impaired_where_the_kernel_can() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let text = r#"
[[steps]]
id = "dead"
impair = { on = "router", interface = "lan0", loss = 100 }

[[checks]]
id = "nothing-comes"
after = "dead"
from = "host"
within = "2s"
fails = true
ping = { to = "192.168.1.1" }

[[steps]]
id = "well"
unimpair = { on = "router", interface = "lan0" }

[[checks]]
id = "all-comes"
after = "well"
from = "host"
ping = { to = "192.168.1.1" }
"#;
    let scenario = lan_scenario(folder.path(), text);
    let output = bridgelab(&["run", "--guests", "ghost", "--json", "-", "--evidence"])
        .arg(folder.path().join("evidence"))
        .arg(&scenario)
        .output()
        .expect("the program under test starts");
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    let run = &report.runs[0];
    if run.outcome == Outcome::Skipped {
        let problem = run.problem.as_ref().expect("a reason");
        skip(&problem.chain.join(": "));
        assert_eq!(problem.code, "host.unmet");
        return;
    }
    passes(run);
}

/// Units that make a link of a kind that the kernel lacks are no fault of the network: the run is skipped, with the kind's
/// name, before anything is built. Where the kernel has the kind, networkd makes the link.
#[test]
fn a_kind_of_link_is_made_where_the_kernel_can() {
    for (kind, more) in [
        ("vxlan", "[VXLAN]\nVNI=7\nIndependent=yes\n"),
        ("dummy", ""),
        ("macvlan", "[MACVLAN]\nMode=bridge\n"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let link = format!("link = {{ interface = \"made0\", kind = \"{kind}\" }}");
        let text = format!("\n[[checks]]\nid = \"made\"\nfrom = \"host\"\n{link}\n");
        let scenario = lan_scenario(folder.path(), &text);
        let write = |name: &str, text: &str| {
            let path = folder.path().join("host").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a unit file");
        };
        let unit = format!("[NetDev]\nName=made0\nKind={kind}\n{more}");
        write("30-made0.netdev", &unit);
        if kind == "macvlan" {
            // A link on top of another one is named in the `.network` file of the lower one.
            write(
                "10-lan-bridge.network.d/made0.conf",
                "[Network]\nMACVLAN=made0\n",
            );
        }
        let output = bridgelab(&["run", "--json", "-", "--evidence"])
            .arg(folder.path().join("evidence"))
            .arg(&scenario)
            .env_remove("BRIDGELAB_STRICT")
            .output()
            .expect("the program under test starts");
        let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
        let run = &report.runs[0];
        if run.outcome == Outcome::Skipped {
            let problem = run.problem.as_ref().expect("a reason");
            assert_eq!(problem.code, "host.unmet");
            let reason = problem.chain.join(": ");
            assert!(reason.contains(&format!("type {kind}")), "{reason}");
            eprintln!("skipped: because {reason}");
            continue;
        }
        passes(run);
    }
}
