//! Runs with a container that Docker refuses to start.

use std::fs;

use bridgelab_harness::report::Outcome;
use support::{bridgelab, lan_scenario, ran, root};

/// The container wants port 53 of every address, where systemd-resolved's stub has that of 127.0.0.53. No check asks how the
/// container starts: the scenario's only check would see a connection refused, and blame the network.
#[test]
fn a_refusal_that_no_check_asks_for_ends_the_run_in_docker_s_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = folder.path().join("guest");
    fs::create_dir(&guest).expect("a folder");
    let unit = "scenarios/simple-network/guest/20-lan.network";
    fs::copy(root().join(unit), guest.join("20-lan.network")).expect("a copy");
    let scenario = lan_scenario(
        folder.path(),
        r#"
[guests.test1]
units = "guest"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]

[guests.test1.containers.dns]
image = "busybox"
ports = ["53:53/tcp"]
command = ["httpd", "-f", "-p", "53", "-h", "/www"]

[[checks]]
id = "desktop-reaches-it"
from = "desktop"
tcp = { to = "192.168.1.3", port = 53 }
"#,
    );
    let mut command = bridgelab(&["run"]);
    command.arg(scenario).arg("--evidence");
    command.arg(folder.path().join("evidence"));
    let Some((run, output)) = ran(&mut command, folder.path()) else {
        return;
    };
    assert_eq!(
        (run.outcome, output.status.code()),
        (Outcome::Broken, Some(4))
    );
    let problem = run.problem.as_ref().expect("a problem");
    assert_eq!(problem.code, "guest.container");
    let told = problem.chain.join(": ");
    for words in ["docker run dns", "guest `test1`", "address already in use"] {
        assert!(told.contains(words), "no {words} in {told}");
    }
    let help = problem.help.as_deref().expect("what mends it");
    assert!(
        help.contains("container = { name = \"dns\", refused ="),
        "{help}"
    );
    // Nothing was judged, and Docker's own words are in the report.
    assert!(
        run.checks.iter().all(|check| !check.is_wrong()),
        "{:?}",
        run.checks
    );
    assert_eq!(run.differences, [""; 0]);
    let evidence = run.evidence.as_ref().expect("a folder");
    let docker = evidence.join("guests/test1/docker.txt");
    let docker = fs::read_to_string(docker).expect("what Docker says");
    assert!(docker.contains("dns"), "{docker}");
}
