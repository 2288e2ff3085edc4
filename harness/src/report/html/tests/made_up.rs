//! A run with all that a page shows, and a folder of evidence for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Excerpt, Pages};
use crate::report::RunReport;
use crate::scenario::Scenario;

/// A check with this outcome.
fn check(id: &str, outcome: &str, must_fail: bool) -> Value {
    json!({
        "id": id, "from": "test1", "kind": "ping", "outcome": outcome, "must_fail": must_fail,
        "expected": "a reply from 192.168.1.1", "got": "no reply from 192.168.1.1", "attempts": 5, "at_ms": 300, "ms": 5000,
        "seen": [
            { "at_ms": 310, "holds": null, "got": "the guest is gone" },
            { "at_ms": 320, "holds": false, "got": "no reply from 192.168.1.1" },
        ],
    })
}

fn point(machine: &str, station: &str, link: &str) -> Value {
    json!({ "machine": machine, "station": station, "link": link })
}

fn seen(machine: &str, station: &str, link: &str) -> Value {
    json!({ "point": point(machine, station, link), "packet": "ARP who has 192.168.1.1" })
}

/// The diagnosis of a TAP that no unit matches.
fn diagnosis() -> Value {
    let place =
        json!({ "file": "host/10-lan.network", "line": 3, "column": 6, "text": "Name=vm-*" });
    let evidence = json!([
        { "fact": "my-microvm has no master", "machine": "host", "command": "bridge -d link", "file": "diagnosis/host/ports.json" },
        { "fact": "networkd does not manage it", "machine": "host", "command": "networkctl", "file": "../../etc/passwd" },
    ]);
    json!([{
        "code": "unit.not_matched",
        "checks": ["guest-ping", "guest-dns"],
        "course": {
            "request": [seen("test1", "arp-output", "eth0"), seen("test1", "egress", "eth0"), seen("host", "ingress", "my-microvm")],
            "answer": [],
            "blind": ["test1/web: a ghost runs no Docker"],
        },
        "last_seen": point("host", "ingress", "my-microvm"),
        "first_missing": point("host", "bridge-prerouting", "br0"),
        "cause": {
            "statement": "no unit of host puts my-microvm on br0: Name=vm-* does not match my-microvm",
            "object": "host my-microvm", "place": place, "evidence": evidence,
        },
        "others": [{ "statement": "the TAP was taken off br0", "object": "host my-microvm", "place": null, "evidence": evidence }],
        "remedy": {
            "statement": "match the TAP by its name", "source": "systemd.network(5)",
            "edits": [{ "file": "host/10-lan.network", "line": 3, "from": "Name=vm-*", "to": "Name=vm-* my-microvm" }],
        },
        "proven": { "hold": 2, "of": 2 },
        "not_established": ["whether udev renamed the link"],
    }])
}

/// The run.
pub(super) fn run() -> RunReport {
    let run = json!({
        "scenario": "simple-network", "variant": "tap-outside-match", "outcome": "failed",
        "problem": { "code": "guest.gone", "chain": ["boot guest `test1`", "it ended"], "help": "see serial.log" },
        "differences": ["`guest-ping` failed: no reply from 192.168.1.1"],
        "accelerator": "tcg", "accelerator_reason": "no vmx", "guests": [],
        "checks": [
            check("host-address", "passed", false), check("guest-ping", "failed", false), check("guest-dns", "failed", true),
            check("container-ping", "skipped", false), check("guest-ra", "not-run", false), check("guest-ntp", "undecided", false),
        ],
        "steps": [{
            "id": "down", "action": "link_down", "command": "ip -n host link set eno1 down", "outcome": "refused", "may_fail": true,
            "refused": null, "said": "busy", "at_ms": 200, "ms": 3,
        }],
        "stages": [{ "name": "topology", "at_ms": 0, "ms": 300 }, { "name": "checks", "at_ms": 300, "ms": 5000 }],
        "waits": [{ "stage": "topology", "what": "br0 is routable", "at_ms": 100, "ms": 150 }],
        "units": {
            "warnings": [{ "code": "unit.unknown-key", "file": "host/10-lan.network", "line": 2, "column": 1, "message": "unknown key",
                           "help": "did you mean `Name=`?" }],
            "said": [{ "machine": "host", "file": "10-lan.network", "line": 2, "words": "Unknown key" }],
            "not_applied": ["10-lan.link: Name=lan0 of host"],
        },
        "versions": { "bridgelab": "0.1.0", "host.kernel": "6.12.95" },
        "leaks": ["process 4711 dnsmasq"],
        "left_running": [{ "machine": "router", "process": 24, "command": "python3 -m http.server 80" }],
        "unwritten": ["captures/x.pcapng: no room"], "not_gathered": ["guests/test1: nics.txt: it does not answer"],
        "holes": [{ "what": ["container-ping"], "why": "test1 is a ghost" }],
        "diagnosis": diagnosis(),
        "evidence": "/evidence/1", "reproduce": "bridgelab run simple-network --variant tap-outside-match",
        "started": "2026-11-30T16:21:09.123Z", "ms": 6000,
    });
    serde_json::from_value(run).expect("a run")
}

/// A folder of evidence with a log of the host and the copied unit.
pub(super) fn pages(scenario: &Scenario) -> Pages<'_> {
    let unit = "scenarios/simple-network/host/10-lan.network";
    let log = "machines/host/networkd.log";
    let files = [
        unit,
        log,
        "diagnosis/host/ports.json",
        "captures/a b:c%d.pcapng",
        "report.json",
        "verdict.txt",
    ];
    let texts = [
        (
            unit,
            "[Match]\nName=eno1\nName=vm-*\n\n[Network]\nBridge=br0\n",
        ),
        (log, "br0: Gained carrier\n"),
    ];
    let text = |(path, text)| (PathBuf::from(path), Excerpt::whole(text));
    Pages {
        scenario: Some(scenario),
        files: files
            .into_iter()
            .map(|path| (PathBuf::from(path), Some(2048)))
            .collect(),
        texts: texts.into_iter().map(text).collect::<BTreeMap<_, _>>(),
    }
}
