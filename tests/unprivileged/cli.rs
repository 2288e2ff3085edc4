//! The command line, as far as it needs no privileges.

use crate::rows::{refused, said};
use support::{output, root};

#[test]
fn help_tells_the_exit_codes() {
    said(&[(
        "run --help",
        &[
            "1  a check failed",
            "5  passed, but something was left behind",
            "130  interrupted",
        ],
    )]);
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
        let starts = |found: &str| found.trim_start().starts_with(line);
        assert!(list.lines().any(starts), "{list}");
    }
    assert!(list.contains("must fail: container-veth, seeing"), "{list}");
}

#[test]
fn the_list_as_json_says_what_each_form_proves() {
    let (code, list, _) = output(&["list", "--json"]);
    assert_eq!(code, Some(0), "{list}");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let scenarios = list["scenarios"].as_array().expect("an array");
    let page = scenarios
        .iter()
        .find(|scenario| scenario["name"] == "simple-network")
        .expect("the page");
    let forms = page["forms"].as_array().expect("an array");
    let of = |name: &str| {
        forms
            .iter()
            .find(|form| form["form"] == name)
            .expect("a form")
    };
    assert_eq!(of("green")["must_fail"], serde_json::json!({}));
    let red = of("no-19-docker");
    assert_eq!(red["test"], "simple-network::no-19-docker::qemu");
    assert_eq!(
        red["must_fail"]["container-veth"]
            .as_str()
            .map(str::is_empty),
        Some(false)
    );
    let held = red["holds"].as_array().expect("an array");
    assert!(
        held.iter()
            .all(|id| red["must_fail"].get(id.as_str().unwrap_or("")).is_none())
    );
}

#[test]
fn a_tag_that_nobody_has_is_an_error_and_not_an_empty_success() {
    refused(&[("run --tag no-such-tag", &["no-such-tag"])]);
    let (code, out, _) = output(&["list", "--tag", "no-such-tag"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
}

/// The instances of a matrix are named, planned and asked for one by one.
#[test]
fn every_combination_of_a_matrix_is_a_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wide.toml");
    let text = "version = 1\nsummary = 'wide'\nneeds = ['tap']\n[matrix]\nvcpu = [1, 2]\nmem = [128, 256]\n\
        [guests.a]\nimage = 'tiny'\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n\
        [[checks]]\nid = 'up'\nfrom = 'desktop'\nping = { to = '192.168.1.3' }\n\
        [variants.red]\nmust_fail = ['up']\nmachines.host.forward = true\n";
    std::fs::write(&path, text).expect("a file");
    let path = path.to_string_lossy();
    said(&[(&format!("check {path}"), &["1 variants, 8 forms"])]);
    for (form, vmms) in [("", 4), ("--variant red,mem=256,vcpu=2", 1)] {
        let plan = said(&[(&format!("plan {path} {form}"), &["-smp"])]);
        assert_eq!(plan.matches("-smp").count(), vmms, "{form}: {plan}");
    }
    refused(&[(
        &format!("plan {path} --variant red,mem=256,vcpu=3"),
        &["did you mean `red,mem=256,vcpu="],
    )]);
}

#[test]
fn an_invalid_scenario_is_exit_code_2_with_its_place_and_nothing_is_built() {
    let file = root().join("scenarios/invalid/bad-names.toml");
    let file = file.to_string_lossy();
    for command in ["check", "run", "plan"] {
        let err = refused(&[(&format!("{command} {file}"), &["bad-names.toml:"])]);
        assert!(!err.contains("building"), "{err}");
    }
}

#[test]
fn a_level_that_there_is_not_is_told_and_nothing_is_logged() {
    let listed = support::bridgelab(&["list"])
        .env("BRIDGELAB_LOG", "loud")
        .output()
        .expect("the program under test starts");
    assert!(listed.status.success());
    let err = String::from_utf8_lossy(&listed.stderr);
    assert_eq!(
        err,
        "warning: nothing is logged: `BRIDGELAB_LOG=loud` is none of error, warn, info, debug, trace\n"
    );
}

#[test]
fn a_plan_is_drawn_instead_of_told() {
    said(&[
        (
            "plan simple-network --mermaid",
            &["flowchart LR", "vm-test1", "test1/web"],
        ),
        (
            "plan simple-network --variant tap-outside-match --svg",
            &[
                "<svg ",
                ">simple-network/tap-outside-match<",
                ">my-microvm<",
            ],
        ),
    ]);
    refused(&[
        (
            "plan baseline --svg",
            &[
                "a picture is of one form, and `baseline` has ",
                "`--variant`",
            ],
        ),
        (
            "plan simple-network --svg --mermaid",
            &["cannot be used with"],
        ),
        (
            "plan simple-network --svg --guests ghost",
            &["cannot be used with"],
        ),
        ("plan simple-netwerk --svg", &["simple-network"]),
    ]);
}

#[test]
fn tcpdump_judges_filters_before_anything_runs() {
    if std::process::Command::new("tcpdump")
        .arg("--version")
        .output()
        .is_err()
    {
        return support::skip("there is no tcpdump");
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

/// Values of the command line are checked before anything is built, by whichever option they are given.
#[test]
fn what_is_set_for_one_run_must_be_a_key_and_a_value() {
    refused(&[
        ("run simple-network --set vpcu=2", &["did you mean `vcpu`?"]),
        (
            "run simple-network --hypervisor quemu",
            &["did you mean `qemu`?"],
        ),
        ("run simple-network --nic taps", &["did you mean `tap`?"]),
        (
            "run simple-network --set machine=q35 --set transport=mmio",
            &["the command line:1:11"],
        ),
    ]);
}

#[test]
fn an_unknown_scenario_or_variant_names_those_that_exist() {
    refused(&[
        ("plan simple-netwerk", &["simple-network"]),
        (
            "plan simple-network --variant no-19-doker",
            &["no-19-docker"],
        ),
    ]);
}

#[test]
fn what_is_not_known_is_named_with_what_is() {
    refused(&[(
        "bench topology",
        &["no benchmark `topology`", "topology-sizes"],
    )]);
    said(&[("bench --list", &["page-topology: "])]);
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
    refused(&[(&format!("compare {held} no-such-file"), &["no-such-file"])]);
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

/// The sysctls of `default` are set before a ghost's NIC is made, which takes them over as a guest's NIC does. Its own follow.
#[test]
fn a_ghost_s_nic_takes_over_the_default() {
    let plan = said(&[("plan guest-sysctls --guests ghost", &["sysctl"])]);
    let line = |words: &str| {
        let found = plan.lines().position(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("no `{words}` in\n{plan}"))
    };
    let default = line("sysctl -w net.ipv6.conf.default.dad_transmits=0");
    let nic = line("peer name eth0");
    let own = line("sysctl -w net.ipv6.conf.eth0.accept_ra=0");
    assert!(default < nic && nic < own, "{plan}");
}

#[test]
fn a_new_scenario_is_valid_and_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("labs/mine");
    let name = path.to_string_lossy();
    let (code, out, err) = output(&["new", &name]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("bridgelab run"), "{out}");
    let (code, out, err) = output(&["check", &name]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("1 variants"), "{out}");
    let file = path.join("scenario.toml");
    std::fs::write(&file, "mine").expect("a file");
    let (code, _, err) = output(&["new", &name]);
    assert_eq!(code, Some(2));
    assert!(err.contains("already"), "{err}");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "mine");
    for bad in ["Mine", "a b", "", "a//b", "invalid/x", "../"] {
        let (code, _, err) = output(&["new", bad]);
        assert_eq!(code, Some(2), "{bad}: {err}");
    }
}

/// `report` takes a folder as `rerun` does, since a verdict ends with the folder.
#[test]
fn a_folder_of_evidence_stands_for_its_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    for words in [vec!["report", &path], vec!["compare", &path, &path]] {
        let (code, _, err) = output(&words);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(&format!("{path}/report.json")), "{err}");
        assert!(err.contains("help: ") && err.contains("--json"), "{err}");
    }
    let report = r#"{"schema": 1, "runs": []}"#;
    std::fs::write(folder.path().join("report.json"), report).expect("a report");
    let (code, out, err) = output(&["report", &path]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    let (_, out, err) = output(&["compare", &path, &path]);
    assert!(out.contains("0 checks compared"), "{out}{err}");
}
