use bridgelab_model::scenario::names::{MachineName, StepId};
use bridgelab_model::scenario::units::{is_of_a_module_of_docker, may_come};
use bridgelab_model::scenario::{Scenario, VantagePoint, load_text};

const TEXT: &str = r#"
version = 1
summary = "s"
base = "none"

[segments.lan]
kind = "switch"

[machines.host]
networkd = "host"
interfaces = [{ name = "eno1", segment = "lan" }]

[machines.plain]
interfaces = [{ name = "eth0", segment = "lan" }]
bridges.br7 = {}

[guests.g]
interfaces = [{ type = "tap", id = "vm-g", mac = "02:00:00:00:00:01" }]
start = "step"

[guests.g.containers]
web = { image = "busybox", network = "own" }

[[checks]]
id = "up"
from = "plain"
link = { interface = "eth0", mtu = 1500 }

[[steps]]
id = "start"
start = { guest = "g" }

[[steps]]
id = "vlan"
write_unit = { on = "host", name = "20-v.netdev", content = "[NetDev]\nName=vlan7\nKind=vlan\n[VLAN]\nId=7\n" }

[[steps]]
id = "stop"
stop = { guest = "g" }

[[steps]]
id = "again"
start = { guest = "g" }
"#;

fn scenario() -> (tempfile::TempDir, Scenario) {
    scenario_with("")
}

fn scenario_with(more: &str) -> (tempfile::TempDir, Scenario) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let units = folder.path().join("host");
    std::fs::create_dir(&units).expect("a folder");
    let bridge = "[NetDev]\nName=br0\nKind=bridge\n";
    std::fs::write(units.join("10-br.netdev"), bridge).expect("a unit");
    let network = "[Match]\nName=br1\n[Network]\nAddress=192.0.2.1/24\n";
    std::fs::write(units.join("20-br.network"), network).expect("a unit");
    let loaded = load_text(&folder.path().join("a.toml"), format!("{TEXT}{more}"))
        .expect("a valid scenario");
    let scenario = loaded.scenario(None).expect("its green form");
    (folder, scenario)
}

#[test]
fn what_is_made_is_waited_for_and_nothing_else() {
    let (_folder, scenario) = scenario();
    let name = |text: &str| MachineName::try_from(text).expect("a name");
    let comes = |place: &VantagePoint, link| may_come(&scenario, place, link, None);
    let host = VantagePoint::Machine(name("host"));
    for link in ["lo", "eno1", "br0", "vlan7", "vm-g"] {
        assert!(comes(&host, link), "{link}");
    }
    // A `[Match]` makes nothing.
    for link in ["br1", "br7", "eth0", "docker0"] {
        assert!(!comes(&host, link), "{link}");
    }
    let plain = VantagePoint::Machine(name("plain"));
    assert!(comes(&plain, "br7") && !comes(&plain, "br0"));
    let guest = VantagePoint::Guest(name("g"));
    for link in ["vm-g", "eth0", "enp1s0", "docker0", "own", "veth12ab"] {
        assert!(comes(&guest, link), "{link}");
    }
    for link in ["eth1", "br0", "vm-h", "wlan0"] {
        assert!(!comes(&guest, link), "{link}");
    }
}

#[test]
fn what_a_step_took_away_comes_with_the_step_that_brings_it_back() {
    let (_folder, scenario) = scenario();
    let host = VantagePoint::Machine("host".try_into().expect("a name"));
    let comes = |after: &str| {
        let after = StepId::try_from(after).expect("an id");
        may_come(&scenario, &host, "vm-g", Some(&after))
    };
    assert!(comes("start") && comes("vlan"));
    assert!(!comes("stop"));
    assert!(comes("again"));
}

#[test]
fn what_a_step_deletes_nobody_makes_again_by_itself() {
    let deleted =
        "[[steps]]\nid = \"delete\"\ndelete_link = { on = \"plain\", interface = \"eth0\" }\n";
    let later = "[[steps]]\nid = \"later\"\nrun = { on = \"plain\", command = [\"true\"] }\n";
    let (_folder, scenario) = scenario_with(&format!("{deleted}{later}"));
    let plain = VantagePoint::Machine("plain".try_into().expect("a name"));
    let comes = |after: &str| {
        let after = StepId::try_from(after).expect("an id");
        may_come(&scenario, &plain, "eth0", Some(&after))
    };
    assert!(comes("again") && !comes("delete"));
    assert!(comes("later"), "the command may have made it");
}

#[test]
fn docker_brings_modules_with_it() {
    let (_folder, scenario) = scenario();
    let guest = VantagePoint::Guest("g".try_into().expect("a name"));
    let host = VantagePoint::Machine("host".try_into().expect("a name"));
    let key = "net.bridge.bridge-nf-call-iptables";
    assert!(is_of_a_module_of_docker(&scenario, &guest, key));
    assert!(!is_of_a_module_of_docker(&scenario, &host, key));
    let other = "net.ipv4.ip_forwad";
    assert!(!is_of_a_module_of_docker(&scenario, &guest, other));
}
