//! Whole plans, as `bridgelab plan` prints them. What lies beside in `snapshots/` was read line by line, and its
//! `ip` lines were run by hand. Needs no rights and no network.
#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use bridgelab_harness::lab::show_plan;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::scenario::load;

fn plan(path: &Path) -> String {
    let loaded = load(path).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let green = loaded.scenario(None).expect("the green form");
    let plan = show_plan(&green, GuestKind::Vm);
    assert_eq!(
        plan,
        show_plan(&green, GuestKind::Vm),
        "two plans of one scenario differ"
    );
    plan
}

#[test]
fn the_page_s_network() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    insta::assert_snapshot!("simple-network", plan(&scenarios.join("simple-network")));
}

#[test]
fn a_router_that_hands_out_addresses() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let host = folder.path().join("host");
    fs::create_dir(&host).expect("a folder");
    let unit = "[Match]\nName=eno1\n\n[Network]\nDHCP=ipv4\n";
    fs::write(host.join("10-eno1.network"), unit).expect("a unit file");
    let path = folder.path().join("dhcp.toml");
    let text = r#"
version = 1
summary = "a host with a lease"

[machines.host]
networkd = "host"

[machines.router.dnsmasq]
dhcp = ["192.168.1.100", "192.168.1.200"]

[[checks]]
id = "lease"
from = "host"
route = { to = "0.0.0.0/0", via = "192.168.1.1", proto = "dhcp" }
"#;
    fs::write(&path, text).expect("a scenario");
    insta::assert_snapshot!("dhcp", plan(&path));
}
