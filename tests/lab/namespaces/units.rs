//! What this machine's networkd says about unit files, before anything runs and while it runs.

use std::collections::BTreeMap;
use std::fs;

use bridgelab_harness::report::Outcome;
use support::output;
use support::units::{path, scenario};

/// Values in unit files are judged by networkd.
#[test]
fn networkd_is_asked_about_values_before_anything_runs() {
    let lan = "[Match]\nName=eno1\n[Network]\nAddress=192.168.1.999/24\n[Link]\nMTUBytes=big\n";
    let folder = scenario(&[("host/10-lan.network", lan)]);
    let (code, out, err) = output(&["check", path(&folder)]);
    assert_eq!(code, Some(0), "{err}");
    if err.contains("could not be asked") {
        return support::skip(&err);
    }
    assert!(out.contains("2 warnings"), "{out}{err}");
    for told in [
        "Invalid address '192.168.1.999/24', ignoring assignment",
        "10-lan.network:4:1",
        "Failed to parse MTU value 'big', ignoring",
        "10-lan.network:6:1",
        "says this machine's networkd",
    ] {
        assert!(err.contains(told), "{told}:\n{err}");
    }
    let (code, _, err) = output(&["check", path(&folder), "--strict"]);
    assert_eq!(code, Some(2), "{err}");
}

/// networkd names no line where it looks at a file as a whole, so the line is found here.
#[test]
fn a_netdev_that_is_not_there_is_told_at_its_line() {
    let port = "[Match]\nName=eno1\n\n[Network]\nBridge=br1\n";
    let bridge = "[NetDev]\nName=br0\nKind=bridge\n";
    let folder = scenario(&[("host/10-lan.network", port), ("host/br0.netdev", bridge)]);
    let (code, _, err) = output(&["check", path(&folder)]);
    assert_eq!(code, Some(0), "{err}");
    if err.contains("could not be asked") {
        return support::skip(&err);
    }
    for told in [
        "br1 NetDev could not be found",
        "10-lan.network:5:1",
        "did you mean `br0`?",
    ] {
        assert!(err.contains(told), "{told}:\n{err}");
    }
}

/// The table of keys is compared with the installed networkd, which knows each key that is as old as itself, and no newer
/// one.
#[test]
fn the_installed_networkd_agrees_with_the_table_of_keys() {
    let table = include_str!("../../../harness/model/src/networkd/keys.txt");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    // The version that brought a key, by section and key.
    let mut since = BTreeMap::new();
    let mut section = ("", "");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let head = head.trim_end_matches(']').split_once(' ');
            section = head.expect("kind and section");
            continue;
        }
        let (key, version) = line.split_once(' ').unwrap_or((line, "0"));
        let (kind, name) = section;
        // networkd does not read `.link` files.
        if kind == "link" {
            continue;
        }
        since.insert(
            (kind, name, key),
            version.parse::<u32>().expect("a version"),
        );
        let file = files
            .entry(format!("{name}.{kind}"))
            .or_insert_with(|| match kind {
                "netdev" => {
                    let device = device_of(name);
                    format!("[NetDev]\nName=x-{device}\nKind={device}\n[{name}]\n")
                }
                _ => format!("[Match]\nName=lo\n[{name}]\n"),
            });
        file.push_str(&format!("{key}=\n"));
    }
    let files: Vec<(String, String)> = files
        .into_iter()
        .map(|(name, text)| (format!("host/{name}"), text))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    let mut err = String::new();
    // Take a few files at a time: if there are very many warnings, not all are printed.
    for some in files.chunks(4) {
        let folder = scenario(some);
        let (code, _, told) = output(&["check", path(&folder)]);
        assert_eq!(code, Some(0), "{told}");
        if told.contains("could not be asked") {
            return support::skip(&told);
        }
        let cut = |line: &str| line.starts_with("and ") && line.ends_with(" more");
        assert!(!told.lines().any(cut), "{told}");
        err.push_str(&told);
    }
    let version = std::process::Command::new("networkctl")
        .arg("--version")
        .output();
    let version = String::from_utf8_lossy(&version.expect("networkctl").stdout).into_owned();
    let version: u32 = version
        .split_whitespace()
        .nth(1)
        .and_then(|version| version.parse().ok())
        .expect("systemd's version");
    let mut wrong = Vec::new();
    for ((kind, name, key), since) in since {
        let unknown = [
            format!("Unknown key '{key}' in section [{name}]"),
            format!("Unknown section '{name}'"),
        ];
        let newer = since > version;
        // Each warning is followed by its place.
        let told = err.split("warning[").any(|one| {
            one.contains(&format!("host/{name}.{kind}:"))
                && unknown.iter().any(|words| one.contains(words.as_str()))
        });
        if told != newer {
            wrong.push(format!(
                "{kind} [{name}] {key}: since {since}, unknown: {told}"
            ));
        }
    }
    assert!(wrong.is_empty(), "systemd {version}:\n{}", wrong.join("\n"));
}

/// A kind of device whose `.netdev` has that section.
fn device_of(section: &str) -> String {
    match section {
        "Match" | "NetDev" => "dummy".to_owned(),
        "BatmanAdvanced" => "batadv".to_owned(),
        "FooOverUDP" => "fou".to_owned(),
        "L2TPSession" => "l2tp".to_owned(),
        "Peer" => "veth".to_owned(),
        "Tunnel" => "sit".to_owned(),
        "WireGuardPeer" => "wireguard".to_owned(),
        macsec if macsec.starts_with("MACsec") => "macsec".to_owned(),
        other => other.to_lowercase(),
    }
}

/// A machine and a ghost whose unit files are faulty, each in its way, and a check that fails.
const RUN: &str = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n\
    [guests.a]\nunits = 'guest'\n\
    interfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n\
    [[checks]]\nid = 'address'\nfrom = 'host'\nwithin = '200ms'\n\
    address = { interface = 'eno1', address = '192.168.1.2/24' }\n";

#[test]
fn what_the_running_networkd_says_is_in_the_verdict_and_the_reports() {
    let folder = scenario(&[
        ("scenario.toml", RUN),
        (
            "host/10-lan.network",
            "[Match]\nName=eno1\n[Network]\nAdress=192.168.1.2/24\n",
        ),
        (
            "host/10-lan.link",
            "[Match]\nOriginalName=eno1\n[Link]\nName=lan0\n",
        ),
        (
            "guest/20-lan.network",
            "[Match]\nType=ether\n[Network]\nDHCP=perhaps\u{1b}[2J\n",
        ),
    ]);
    let evidence = tempfile::tempdir().expect("a folder");
    let (json, junit) = (
        evidence.path().join("j.json"),
        evidence.path().join("j.xml"),
    );
    let mut run = support::bridgelab(&["run", path(&folder), "--guests", "ghost"]);
    run.arg("--evidence").arg(evidence.path());
    run.arg("--json").arg(&json).arg("--junit").arg(&junit);
    let output = run.output().expect("the program under test starts");
    let Some(report) = support::report(&json, &output) else {
        return;
    };
    let verdict = String::from_utf8_lossy(&output.stdout);
    for told in [
        "networkd said:",
        "host: 10-lan.network:4: Unknown key",
        "a: 20-lan.network:4: Failed to parse DHCP option, ignoring: perhaps",
        "unit files:",
        "10-lan.network:4: unknown key `Adress` in section [Network] (did you mean `Address=`?)",
        "skipped: 10-lan.link: Name=lan0 of host: udev would do it",
    ] {
        assert!(verdict.contains(told), "{told}:\n{verdict}");
    }
    assert!(!verdict.contains("\u{1b}[2J"), "{verdict:?}");
    let said: Vec<_> = report
        .units
        .said
        .iter()
        .map(|one| one.machine.as_str())
        .collect();
    assert_eq!(said, ["a", "host"]);
    let codes: Vec<_> = report
        .units
        .warnings
        .iter()
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(codes, ["unit.no-udev", "unit.unknown-key"]);
    assert_eq!(report.units.not_applied, ["10-lan.link: Name=lan0 of host"]);
    let xml = fs::read_to_string(&junit).expect("JUnit");
    for told in [
        "<skipped message=\"10-lan.link: Name=lan0 of host: udev would do it",
        "networkd said: host: 10-lan.network:4: Unknown key",
        "warning: ",
    ] {
        assert!(xml.contains(told), "{told}:\n{xml}");
    }
}

/// `.link` files are not applied on a machine. A run that passes says so, since it does not show what they do.
#[test]
fn a_run_without_what_udev_does_is_no_full_pass() {
    let text = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n\
        [[checks]]\nid = 'address'\nfrom = 'host'\n\
        address = { interface = 'eno1', address = '192.168.1.2/24' }\n";
    let folder = scenario(&[
        ("scenario.toml", text),
        (
            "host/10-lan.network",
            "[Match]\nName=eno1\n[Network]\nAddress=192.168.1.2/24\n",
        ),
        (
            "host/10-lan.link",
            "[Match]\nOriginalName=eno1\n[Link]\nName=lan0\n",
        ),
    ]);
    let evidence = tempfile::tempdir().expect("a folder");
    let mut run = support::bridgelab(&["run", path(&folder)]);
    let Some(report) = support::passed(&mut run, evidence.path()) else {
        return;
    };
    assert_eq!(report.units.not_applied, ["10-lan.link: Name=lan0 of host"]);
    let verdict = report.evidence.expect("evidence").join("verdict.txt");
    let verdict = fs::read_to_string(verdict).expect("the verdict");
    let told = "skipped: 10-lan.link: Name=lan0 of host: udev would do it on a machine that boots";
    assert!(verdict.contains(told), "{verdict}");
    let mut run = support::bridgelab(&["run", path(&folder), "--require-all"]);
    let Some((report, output)) = support::ran(&mut run, evidence.path()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report.outcome, Outcome::Failed);
}
