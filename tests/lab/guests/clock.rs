//! The clock of an emulated guest runs as fast as the machine's, so that lifetimes and intervals in the guest are right.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::time::Instant;

use bridgelab_client::{HeldGuest, Hold, Outcome, Scenario, toml::toml};
use support::held;

/// One guest with each of QEMU's machines: only `microvm` has no second clock by which the kernel could notice a wrong one.
fn scenario() -> Scenario {
    let guests = Scenario::new("two guests with clocks");
    let guests = guests.guest(
        "tiny1",
        toml! {
            image = "tiny"
            machine = "microvm"
            interfaces = [{ type = "tap", id = "vm-tiny1", mac = "02:00:00:00:00:01" }]
        },
    );
    guests.guest(
        "tiny2",
        toml! {
            image = "tiny"
            machine = "q35"
            interfaces = [{ type = "tap", id = "vm-tiny2", mac = "02:00:00:00:00:02" }]
        },
    )
}

/// When the guest was asked, the seconds since its boot that its clock showed, and when the answer was here.
async fn uptime(guest: HeldGuest<'_>) -> (Instant, f64, Instant) {
    let asked = Instant::now();
    let said = guest.vantage().exec(["cat", "/proc/uptime"]).await;
    let answered = Instant::now();
    let said = said.expect("an answer").stdout;
    let seconds = said.split_whitespace().next().expect("two numbers");
    (asked, seconds.parse().expect("a number"), answered)
}

/// Found with `tsc_early_khz=2000000` on a processor of 2.6 GHz: the clock on `microvm` ran 30 % fast. The time that passed in
/// the guest is longer than from the first answer to the second question, and shorter than from the first question to the
/// second answer, however slow the machine is.
#[tokio::test]
async fn an_hour_in_a_guest_is_an_hour() {
    let folder = tempfile::tempdir().expect("a folder");
    let hold = Hold::built(&scenario()).expect("it can be written");
    let Some(lab) = held(hold, folder.path()).await else {
        return;
    };
    for guest in lab.guests() {
        let first = uptime(guest).await;
        let slept = guest.vantage().exec(["sleep", "4"]).await;
        assert!(slept.expect("sleep").success());
        let second = uptime(guest).await;
        let passed = second.1 - first.1;
        let least = (second.0 - first.2).as_secs_f64();
        let most = (second.2 - first.0).as_secs_f64();
        // /proc/uptime shows hundredths of a second.
        assert!(
            passed > least * 0.97 - 0.02 && passed < most * 1.03 + 0.02,
            "{passed:.2} s passed in {guest}, between {least:.2} and {most:.2} here"
        );
    }
    let report = lab.finish().await.expect("a report");
    assert_eq!(report.outcome, Outcome::Passed, "{report:?}");
}
