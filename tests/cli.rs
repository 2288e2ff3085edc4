//! The command line, as far as it needs no privileges.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use support::{bridgelab, root};

fn output(words: &[&str]) -> (Option<i32>, String, String) {
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

#[test]
fn help_tells_the_exit_codes() {
    let (code, help, _) = output(&["run", "--help"]);
    assert_eq!(code, Some(0));
    for line in [
        "1  a check failed",
        "5  passed, but something was left behind",
        "130  interrupted",
    ] {
        assert!(help.contains(line), "{help}");
    }
}

#[test]
fn list_names_every_variant() {
    let (code, list, _) = output(&["list"]);
    assert_eq!(code, Some(0), "{list}");
    for line in [
        "simple-network: ",
        "simple-network/no-19-docker",
        "simple-network/tap-outside-match",
    ] {
        assert!(list.lines().any(|found| found.starts_with(line)), "{list}");
    }
}

#[test]
fn an_invalid_scenario_is_exit_code_2_with_its_place_and_nothing_is_built() {
    let file = root().join("scenarios/invalid/bad-names.toml");
    let file = file.to_string_lossy();
    for command in ["check", "run", "plan"] {
        let (code, out, err) = output(&[command, &file]);
        assert_eq!(code, Some(2), "{out}{err}");
        assert!(out.is_empty(), "{out}");
        assert!(err.contains("bad-names.toml:"), "{err}");
        assert!(!err.contains("building"), "{err}");
    }
}

#[test]
fn tcpdump_judges_filters_before_anything_runs() {
    if std::process::Command::new("tcpdump")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("skipped: because there is no tcpdump");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("filter.toml");
    let text = "version = 1\nsummary = \"no filter\"\n\n[[checks]]\nid = \"a\"\nfrom = \"desktop\"\n\
        packet = { interface = \"eth0\", filter = \"icmp and and\" }\n";
    std::fs::write(&file, text).expect("a scenario");
    let (code, _, err) = output(&["check", &file.to_string_lossy()]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("`icmp and and` is not a filter"), "{err}");
    assert!(err.contains("filter.toml:7:41"), "{err}");
    assert!(err.contains("syntax error"), "{err}");
    std::fs::write(&file, text.replace("and and", "and ip")).expect("a scenario");
    let (code, _, err) = output(&["check", &file.to_string_lossy()]);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn an_unknown_scenario_or_variant_names_those_that_exist() {
    let (code, _, err) = output(&["plan", "simple-netwerk"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("simple-network"), "{err}");
    let (code, _, err) = output(&["plan", "simple-network", "--variant", "no-19-doker"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("no-19-docker"), "{err}");
}

#[test]
fn a_plan_captures_each_link_before_it_goes_up_and_leaves_the_tap_to_networkd() {
    let (code, plan, _) = output(&["plan", "simple-network"]);
    assert_eq!(code, Some(0));
    let at = |words: &str| plan.lines().position(|line| line.contains(words));
    let before = |first: &str, then: &str| {
        assert!(
            at(first).is_some() && at(first) < at(then),
            "`{first}` before `{then}` in\n{plan}"
        );
    };
    before("tcpdump -U -i vm-test1", "link set vm-test1 up");
    before("tcpdump -U -i p1-host", "link set p1-host up");
    before(
        "systemd-networkd",
        "tuntap add name vm-test1 mode tap vnet_hdr",
    );
    before("link set vm-test1 up", "qemu-system-");
    assert!(
        !plan.contains("vm-test1 master"),
        "the bridge is networkd's business\n{plan}"
    );
    assert!(plan.contains("mac=02:00:00:00:00:01"), "{plan}");
}

#[test]
fn two_reports_are_compared_check_by_check_and_nothing_in_common_is_no_agreement() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let report = |name: &str, outcome: &str| {
        let check = format!(
            r#"{{"id":"ping","from":"host","kind":"ping","outcome":"{outcome}","must_fail":false,
               "expected":"a reply","got":"{outcome}!","attempts":1,"ms":1}}"#
        );
        let text = format!(
            r#"{{"schema":1,"runs":[{{"scenario":"s","variant":null,"outcome":"passed","problem":null,
               "differences":[],"accelerator":"ghost","accelerator_reason":"","guests":[],"checks":[{check}],
               "stages":[],"versions":{{}},"leaks":[],"evidence":null,"reproduce":"","ms":1}}]}}"#
        );
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a report");
        path.to_string_lossy().into_owned()
    };
    let (held, failed) = (report("held", "passed"), report("failed", "failed"));
    let skipped = report("skipped", "skipped");
    assert_eq!(output(&["compare", &held, &held]).0, Some(0));
    let (code, out, _) = output(&["compare", &held, &failed]);
    assert_eq!(code, Some(1));
    assert!(
        out.contains("s ping: passed (passed!) here, failed (failed!) there"),
        "{out}"
    );
    let (code, out, _) = output(&["compare", &skipped, &failed]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("0 checks compared, 0 disagree"), "{out}");
    let (code, _, err) = output(&["compare", &held, "no-such-file"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("no-such-file"), "{err}");
}

#[test]
fn a_ghost_s_plan_has_a_veth_for_the_tap_and_the_guest_s_own_units() {
    let (code, plan, _) = output(&["plan", "simple-network", "--guests", "ghost"]);
    assert_eq!(code, Some(0));
    for line in [
        "ip -n host link add vm-test1 type veth peer name eth0 address 02:00:00:00:00:01 netns test1",
        "ip netns exec test1 /usr/lib/systemd/systemd-networkd &  # with 19-docker.network 20-lan.network",
    ] {
        assert!(plan.lines().any(|found| found == line), "{plan}");
    }
    assert!(!plan.contains("qemu") && !plan.contains("tuntap"), "{plan}");
    assert!(
        !plan.contains("vm-test1 master"),
        "the bridge is networkd's business\n{plan}"
    );
}
