//! Labs inside tests, by `bridgelab_client`: an example to copy, and what happens when a test does not end well.
//!
//! The labs have ghost guests, so they need no image and stand within seconds; without `.ghosts()` the same lines boot
//! MicroVMs.
#![expect(clippy::expect_used, reason = "fixtures of tests fail as tests do")]

use std::path::Path;

use bridgelab_client::toml::toml;
use bridgelab_client::{HeldLab, HeldVantage, Hold, NoLab, Outcome, Scenario, StepOutcome};
use bridgelab_harness::host::capability::strict;
use rstest::{fixture, rstest};

/// The page's host with one guest behind `br0`.
fn scenario() -> Scenario {
    Scenario::new("a guest on br0, for tests in Rust")
        .networkd(
            "host",
            [
                ("br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n"),
                (
                    "10-lan.network",
                    "[Match]\nName=eno1\nName=vm-*\n\n[Network]\nBridge=br0\n",
                ),
                (
                    "10-br0.network",
                    "[Match]\nName=br0\n\n[Network]\nAddress=192.168.1.2/24\n",
                ),
            ],
        )
        .guest_units(
            "test1",
            [(
                "20-lan.network",
                "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.3/24\n",
            )],
        )
        .guest(
            "test1",
            toml! {
                interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]
            },
        )
        .check(
            "desktop-ping-guest",
            toml! {
                from = "desktop"
                ping = { to = "192.168.1.3" }
            },
        )
}

/// Holds a lab; `None`, said aloud, on a machine that cannot have one. Leave out `program` in another package: then
/// `bridgelab` is found by `BRIDGELAB_BIN` or on `PATH`.
async fn hold(evidence: &Path) -> Option<HeldLab> {
    let hold = Hold::built(&scenario()).expect("it can be written");
    let hold = hold
        .program(support::program())
        .ghosts()
        .option("--evidence")
        .option(evidence);
    match hold.start().await {
        Ok(lab) => Some(lab),
        Err(NoLab::Skipped(why)) if !strict() => {
            eprintln!("skipped: because {why}");
            None
        }
        Err(error) => unreachable!("{error}"),
    }
}

#[fixture]
fn evidence() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Shows what a scenario file cannot say: the next command depends on what the last one saw. The largest packet that reaches
/// the guest is searched for by halving, once with the kernel's MTU, and once after the bridge's port was given a smaller one.
#[rstest]
#[tokio::test]
async fn the_largest_packet_to_the_guest_follows_the_smallest_mtu(evidence: tempfile::TempDir) {
    let Some(lab) = hold(evidence.path()).await else {
        return;
    };
    let desktop = lab.vantage("desktop").expect("the desktop");
    let host = lab.vantage("host").expect("the host");
    assert_eq!(largest_packet(desktop).await, 1500);
    let narrow = ["ip", "link", "set", "vm-test1", "mtu", "1280"];
    assert!(host.exec(narrow).await.expect("ip").success());
    // A bridge is no router: it drops larger frames silently. It always leaves room for a VLAN tag (`__is_skb_forwardable` in
    // net/core/dev.c), so that four bytes more get through.
    assert_eq!(largest_packet(desktop).await, 1280 + 4);
    let report = lab.finish().await.expect("a report");
    assert_eq!(report.outcome, Outcome::Passed);
}

/// The size of the largest packet from there that the guest answers, in bytes with its IPv4 header.
async fn largest_packet(from: HeldVantage<'_>) -> u32 {
    const HEADERS: u32 = 20 + 8; // IPv4, ICMP
    let (mut passes, mut lost) = (0, 9000);
    while lost - passes > 1 {
        let size = u32::midpoint(passes, lost);
        let text = size.to_string();
        let ping = [
            "ping",
            "-n",
            "-c",
            "1",
            "-W",
            "1",
            "-M",
            "do",
            "-s",
            &text,
            "192.168.1.3",
        ];
        let answered = from.exec(ping).await.expect("ping").success();
        if answered { passes = size } else { lost = size }
    }
    passes + HEADERS
}

/// A test sets links down and up itself, and the report has each check that it asks for beside the scenario's own.
#[rstest]
#[tokio::test]
async fn checks_and_links_by_hand_are_in_the_report(evidence: tempfile::TempDir) {
    let Some(lab) = hold(evidence.path()).await else {
        return;
    };
    let host = lab.vantage("host").expect("the host");
    let desktop = lab.vantage("desktop").expect("the desktop");
    let reached = toml! { within = "10s" ping = { to = "192.168.1.3" } };
    let cut = toml! { within = "3s" fails = true ping = { to = "192.168.1.3" } };
    host.set_link("eno1", false)
        .await
        .expect("the link goes down");
    assert!(desktop.check("cut", cut).await.expect("a look").passed());
    host.set_link("eno1", true).await.expect("the link goes up");
    let again = desktop.check("again", reached.clone()).await;
    assert!(again.expect("a look").passed());

    let refused = host.set_link("eno7", true).await.expect_err("no such link");
    assert!(refused.to_string().contains("eno7"), "{refused}");
    let invalid = toml! { from = "dekstop" ping = { to = "192.168.1.3" } };
    let invalid = lab.check("x", invalid).await.expect_err("no such machine");
    assert!(
        invalid.to_string().contains("did you mean `desktop`?"),
        "{invalid}"
    );
    let twice = desktop.check("again", reached).await;
    let twice = twice.expect_err("an id is used once");
    assert!(twice.to_string().contains("used twice"), "{twice}");

    let report = lab.finish().await.expect("a report");
    let ids: Vec<_> = report
        .checks
        .iter()
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(ids, ["desktop-ping-guest", "cut", "again"]);
    assert_eq!(report.outcome, Outcome::Passed);
    assert!(report.leaks.is_empty(), "{:?}", report.leaks);
}

/// A test can ask for every step that a file can have, and look at what came of it: its checks come after the step before
/// them.
#[rstest]
#[tokio::test]
async fn steps_are_carried_out_and_judged_as_if_they_stood_in_the_file(
    evidence: tempfile::TempDir,
) {
    let Some(lab) = hold(evidence.path()).await else {
        return;
    };
    let down = toml! { link_down = { on = "host", interface = "vm-test1" } };
    let step = lab.step("down", down).await.expect("a step");
    assert_eq!(step.outcome, StepOutcome::Done, "{step:?}");
    assert_eq!(step.command, "ip -n host link set vm-test1 down");
    let desktop = lab.vantage("desktop").expect("the desktop");
    let guest = lab.guest("test1").expect("the guest");
    let cut = toml! { within = "2s" fails = true ping = { to = "192.168.1.3" } };
    assert!(desktop.check("cut", cut).await.expect("a look").passed());
    guest.stop().await.expect("a step");
    // Earlier steps count: a guest cannot be stopped twice, and nobody looks from one that is stopped.
    let twice = guest.stop().await.expect_err("it is stopped");
    assert!(twice.to_string().contains("is stopped already"), "{twice}");
    let out = toml! { ping = { to = "192.168.1.1" } };
    let from = guest.vantage().check("from", out.clone()).await;
    let from = from.expect_err("it is stopped");
    let told = "does not run after step `test1-stop`";
    assert!(from.to_string().contains(told), "{from}");
    guest.start().await.expect("a step");
    let again = toml! { within = "15s" ping = { to = "192.168.1.3" } };
    assert!(
        desktop
            .check("again", again)
            .await
            .expect("a look")
            .passed()
    );
    guest.restart().await.expect("a step");
    guest.unplug("vm-test1").await.expect("a step");
    guest.plug("vm-test1").await.expect("a step");
    let inside = guest.vantage().check("inside", out).await;
    assert!(inside.expect("a look").passed());
    guest.stop().await.expect("a step, the second of its kind");
    let bridge = toml! { may_fail = true add_bridge = { on = "host", name = "br0" } };
    let refused = lab.step("bridge", bridge).await.expect("a step");
    assert_eq!(refused.outcome, StepOutcome::Refused, "{refused:?}");
    let report = lab.finish().await.expect("a report");
    let ids: Vec<_> = report.steps.iter().map(|step| step.id.as_str()).collect();
    let all = [
        "down",
        "test1-stop",
        "test1-start",
        "test1-restart",
        "test1-vm-test1-unplug",
        "test1-vm-test1-plug",
        "test1-stop-2",
        "bridge",
    ];
    assert_eq!(ids, all);
    assert_eq!(report.outcome, Outcome::Passed, "{report:?}");
}

/// Places are found by their names, ghosts as well. The error for a name that does not exist has those that do.
#[rstest]
#[tokio::test]
async fn places_are_found_by_name(evidence: tempfile::TempDir) {
    let Some(lab) = hold(evidence.path()).await else {
        return;
    };
    let machines: Vec<_> = lab.machines().map(|machine| machine.name()).collect();
    assert!(machines.contains(&"host") && !machines.contains(&"test1"));
    let guests: Vec<_> = lab.guests().map(|guest| guest.name()).collect();
    assert_eq!(guests, ["test1"]);
    let inside = lab.vantage("test1").expect("the guest");
    let address = inside.exec(["ip", "-o", "addr"]).await.expect("ip");
    assert!(address.stdout.contains("192.168.1.3/24"), "{address:?}");

    let told = |unknown: Option<NoLab>| unknown.expect("nothing of that name").to_string();
    let near = told(lab.vantage("dekstop").err());
    assert!(
        near.ends_with("no vantage `dekstop`: did you mean `desktop`?"),
        "{near}"
    );
    let listed = told(lab.guest("elsewhere").err());
    assert!(
        listed.ends_with("no guest `elsewhere`: guests: `test1`"),
        "{listed}"
    );
    let guest = lab.guest("test1").expect("the guest");
    let none = told(guest.container("web").err());
    assert!(
        none.ends_with("no container `test1/web`: there are no containers"),
        "{none}"
    );
}

/// A refused step that nobody expected ends the run without a verdict, in a test as in a file.
#[rstest]
#[tokio::test]
async fn a_refused_step_that_nobody_expects_leaves_no_verdict(evidence: tempfile::TempDir) {
    let Some(lab) = hold(evidence.path()).await else {
        return;
    };
    let bridge = toml! { add_bridge = { on = "host", name = "br0" } };
    let refused = lab.step("bridge", bridge).await.expect("a step");
    assert_eq!(refused.outcome, StepOutcome::Refused, "{refused:?}");
    // For a step that is a method this is an error, with the kernel's words.
    let host = lab.vantage("host").expect("the host");
    let delete = ["ip", "link", "delete", "vm-test1"];
    assert!(host.exec(delete).await.expect("ip").success());
    let refused = host.set_link("vm-test1", true).await;
    let refused = refused.expect_err("it is gone").to_string();
    let command = "ip -n host link set vm-test1 up: ";
    assert!(refused.starts_with(command), "{refused}");
    assert!(refused.contains("Cannot find device"), "{refused}");
    let report = lab.finish().await.expect("a report");
    assert_eq!(report.outcome, Outcome::Broken);
    let problem = report.problem.expect("a problem");
    assert_eq!(problem.code, "step.refused");
}

/// A test that panics leaves the same evidence as one that fails, and nothing else.
#[rstest]
#[tokio::test]
async fn a_panic_ends_the_lab_in_good_order(evidence: tempfile::TempDir) {
    let path = evidence.path().to_owned();
    let panicked = tokio::spawn(async move {
        let lab = hold(&path).await?;
        let desktop = lab.vantage("desktop").expect("the desktop");
        let cut = toml! { within = "1s" ping = { to = "192.168.1.99" } };
        let check = desktop.check("nobody-there", cut).await.expect("a look");
        assert!(check.passed(), "on purpose");
        Some(())
    });
    let Err(error) = panicked.await else {
        return; // skipped, and said so
    };
    assert!(error.is_panic());
    let run = std::fs::read_dir(evidence.path()).expect("the folder");
    let run = run
        .filter_map(Result::ok)
        .next()
        .expect("the run's evidence")
        .path();
    assert!(run.join("failed").exists(), "{}", run.display());
    let verdict = std::fs::read_to_string(run.join("verdict.txt")).expect("a verdict");
    assert!(verdict.contains("nobody-there"), "{verdict}");
    assert!(run.join("captures").is_dir());
}
