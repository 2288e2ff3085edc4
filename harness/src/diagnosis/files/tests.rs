//! One thing of the page's files is broken, and the line is found by what the kernel lacks.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::diagnosis::code::Code;
use crate::diagnosis::facts::{Answers, Facts};
use crate::host::networkd_said::UnitSaid;
use crate::scenario::{Scenario, UnitFile, Written, load};

/// The links of the page's host, as `ip -j -d link` has them, and which unit networkd applied to each.
const LINKS: &str = r#"[{"ifname":"lo","address":"00:00:00:00:00:00"},
 {"ifname":"eno1","address":"02:00:00:00:00:10","linkinfo":{"info_kind":"veth"}},
 {"ifname":"br0","address":"02:00:00:00:00:20","linkinfo":{"info_kind":"bridge"}},
 {"ifname":"vm-test1","address":"fe:00:00:00:00:01","linkinfo":{"info_kind":"tun"}}]"#;

fn page() -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/simple-network");
    let loaded = load(&path).expect("the page");
    loaded.forms().next().expect("the green form").clone()
}

/// The unit files of a machine or guest.
fn files<'s>(scenario: &'s mut Scenario, of: &str) -> &'s mut Vec<UnitFile> {
    if let Some(guest) = scenario.guests.get_mut(of) {
        return &mut guest.units;
    }
    let machine = scenario.machines.get_mut(of).expect("a machine");
    machine.networkd.as_mut().expect("unit files")
}

/// The page with one text of a file changed.
fn broken(of: &str, file: &str, from: &str, to: &str) -> Scenario {
    let mut scenario = page();
    let mut all = files(&mut scenario, of).iter_mut();
    let unit = all.find(|unit| unit.name == file).expect("a file");
    let text = String::from_utf8(unit.bytes.to_vec()).expect("UTF-8");
    assert!(text.contains(from), "{text}");
    unit.bytes = text.replacen(from, to, 1).into_bytes().into();
    scenario
}

fn gap(code: Code, machine: &str, link: Option<&str>, needed: Option<&str>) -> Gap {
    Gap {
        code,
        machine: machine.to_owned(),
        link: link.map(ToOwned::to_owned),
        is: None,
        needed: needed.map(ToOwned::to_owned),
        key: None,
        statement: String::new(),
        evidence: Vec::new(),
    }
}

/// What is located first, with the unit that networkd has applied to the gap's link, and what it said.
fn first(scenario: &Scenario, gap: &Gap, applied: Option<&str>, said: Vec<UnitSaid>) -> Located {
    all(scenario, gap, applied, said)
        .into_iter()
        .next()
        .expect("a place")
}

fn all(scenario: &Scenario, gap: &Gap, applied: Option<&str>, said: Vec<UnitSaid>) -> Vec<Located> {
    let link = gap.link.as_deref().unwrap_or_default();
    let file = applied.map(|unit| format!(r#","NetworkFile":"/etc/systemd/network/{unit}""#));
    let status = format!(
        r#"{{"Interfaces":[{{"Name":"{link}"{}}}]}}"#,
        file.unwrap_or_default()
    );
    let by_question = [("links", LINKS.to_owned()), ("networkctl", status)];
    let answers = Answers {
        by_question: by_question
            .map(|(name, text)| (name.to_owned(), text))
            .into(),
        unasked: None,
    };
    let facts: Facts = BTreeMap::from([("host".to_owned(), answers)]);
    let said = BTreeMap::from([("host".to_owned(), said)]);
    let text = std::fs::read_to_string(&scenario.path).expect("the scenario's text");
    let written = Written::of(&scenario.path, &text, None);
    let observed = Observed {
        scenario,
        written: &written,
        unheld: &[],
        held: &[],
        facts: &facts,
        courses: &BTreeMap::new(),
        said: &said,
    };
    Files::of(&observed).locate(gap)
}

/// File name, line and text of a place.
fn at(located: &Located) -> (String, usize, &str) {
    let place = located.place.as_ref().expect("a place");
    let name = place.file.file_name().expect("a file").to_string_lossy();
    (name.into_owned(), place.line, &place.text)
}

#[test]
fn a_port_without_a_bridge_leads_to_the_line_that_should_give_it_one() {
    let port = |needed| gap(Code::PortNotEnslaved, "host", Some("vm-test1"), needed);
    let lan = "10-lan.network";
    // The name does not match.
    let scenario = broken("host", lan, "vm-*", "wm-*");
    let found = first(&scenario, &port(Some("br0")), None, Vec::new());
    assert_eq!(found.code, Some(Code::UnitNotMatched));
    assert_eq!(at(&found).0, lan);
    assert_eq!(at(&found).2, "Name=wm-*");
    let remedy = found.remedy.expect("a remedy");
    assert_eq!(remedy.edits[0].to, "Name=wm-* vm-test1");
    // It is the same line where the gap is that no unit matches.
    let none = gap(Code::UnitNotMatched, "host", Some("vm-test1"), None);
    let found = first(&scenario, &none, None, Vec::new());
    assert_eq!(at(&found).2, "Name=wm-*");
    // Another bridge.
    let scenario = broken("host", lan, "Bridge=br0", "Bridge=br1");
    let found = first(&scenario, &port(Some("br0")), Some(lan), Vec::new());
    assert_eq!((found.code, at(&found).2), (None, "Bridge=br1"));
    assert_eq!(found.remedy.expect("a remedy").edits[0].to, "Bridge=br0");
    // A misspelt key.
    let scenario = broken("host", lan, "Bridge=br0", "Brdge=br0");
    let found = first(&scenario, &port(Some("br0")), Some(lan), Vec::new());
    assert_eq!(
        (found.code, at(&found).2),
        (Some(Code::UnitInvalid), "Brdge=br0")
    );
    assert_eq!(found.remedy.expect("a remedy").edits[0].to, "Bridge=br0");
    // No line at all: the section that it belongs into, and the line to add.
    let scenario = broken("host", lan, "Bridge=br0\n", "LLDP=no\n");
    let found = first(&scenario, &port(Some("br0")), Some(lan), Vec::new());
    assert_eq!(at(&found).2, "LLDP=no");
    assert_eq!(found.remedy.expect("a remedy").edits[0].to, "Bridge=br0");
}

#[test]
fn a_unit_that_takes_the_link_first_is_named_before_the_one_that_was_meant() {
    let mut scenario = page();
    files(&mut scenario, "host").push(UnitFile {
        name: "05-all.network".to_owned(),
        shown: "host/05-all.network".into(),
        bytes: b"[Match]\nName=*\n[Network]\nLLDP=no\n"[..].into(),
    });
    let port = gap(Code::PortNotEnslaved, "host", Some("vm-test1"), Some("br0"));
    let found = first(&scenario, &port, Some("05-all.network"), Vec::new());
    assert_eq!(found.code, Some(Code::UnitWrongMatch));
    assert_eq!(at(&found), ("05-all.network".to_owned(), 2, "Name=*"));
}

#[test]
fn a_bridge_that_is_not_there_or_is_none_leads_to_its_netdev() {
    let scenario = broken("host", "br0.netdev", "Kind=bridge", "Kind=dummy");
    let kind = gap(Code::LinkKind, "host", Some("br0"), Some("bridge"));
    let found = first(&scenario, &kind, None, Vec::new());
    assert_eq!(
        (at(&found).0.as_str(), at(&found).2),
        ("br0.netdev", "Kind=dummy")
    );
    assert_eq!(found.remedy.expect("a remedy").edits[0].to, "Kind=bridge");
    let absent = gap(Code::LinkAbsent, "host", Some("br0"), None);
    let scenario = broken("host", "br0.netdev", "Name=br0", "Name=br1");
    let found = first(&scenario, &absent, None, Vec::new());
    assert_eq!(at(&found).2, "Name=br1");
    let said = UnitSaid {
        file: "br0.netdev".to_owned(),
        line: Some(3),
        words: "Unknown type of netdev".to_owned(),
    };
    let scenario = broken("host", "br0.netdev", "Kind=bridge", "Kind=brigde");
    let found = first(&scenario, &absent, None, vec![said]);
    assert_eq!((found.code, at(&found).1), (Some(Code::UnitInvalid), 3));
}

#[test]
fn of_several_addresses_and_gateways_the_one_that_was_meant_is_found() {
    let bridge = "10-lan-bridge.network";
    let scenario = broken("host", bridge, "192.168.1.2/24", "192.168.1.12/24");
    let address = gap(
        Code::AddressAbsent,
        "host",
        Some("br0"),
        Some("192.168.1.2/24"),
    );
    let found = first(&scenario, &address, Some(bridge), Vec::new());
    assert!(at(&found).2.contains("192.168.1.12/24"), "{found:?}");
}

#[test]
fn docker_s_veth_is_taken_by_the_unit_whose_match_is_too_wide() {
    let mut scenario = page();
    files(&mut scenario, "test1").retain(|unit| unit.name != "19-docker.network");
    let taken = gap(Code::ContainerVethTaken, "test1", Some("veth1234567"), None);
    let found = first(&scenario, &taken, None, Vec::new());
    assert_eq!(at(&found).0, "20-lan.network");
    let edit = &found.remedy.expect("a remedy").edits[0];
    assert!(edit.file.ends_with("19-docker.network") && edit.to.contains("Unmanaged=yes"));
    // With the page's file it is left alone.
    assert_eq!(all(&page(), &taken, None, Vec::new()), []);
}

#[test]
fn a_key_of_the_scenario_is_found_by_machine_link_and_value() {
    let scenario = page();
    let mac = gap(Code::LinkMac, "host", Some("vm-test1"), None);
    let found = all(&scenario, &mac, None, Vec::new());
    let keys = found.iter().filter_map(|one| one.place.as_ref());
    let found: Vec<&str> = keys.map(|place| place.text.as_str()).collect();
    assert!(
        found
            .iter()
            .any(|text| text.contains("mac = \"02:00:00:00:00:01\"")),
        "{found:?}"
    );
    // The base topology is nobody's file.
    let address = gap(
        Code::AddressAbsent,
        "router",
        Some("lan0"),
        Some("192.168.1.7/24"),
    );
    assert_eq!(all(&scenario, &address, None, Vec::new()), []);
}

#[test]
fn a_unit_that_leaves_its_link_alone_or_has_no_match_is_the_one_to_blame() {
    let none = gap(Code::UnitNotMatched, "host", Some("vm-test1"), None);
    let lan = "10-lan.network";
    let alone = broken("host", lan, "[Network]", "[Link]\nUnmanaged=yes\n[Network]");
    let found = first(&alone, &none, None, Vec::new());
    assert_eq!(at(&found).2, "Unmanaged=yes");
    let matchless = broken("host", lan, "[Match]\nName=eno1\nName=vm-*\n", "");
    let found = first(&matchless, &none, None, Vec::new());
    assert_eq!(
        (found.code, at(&found).0.as_str()),
        (Some(Code::UnitInvalid), lan)
    );
    let misspelt = broken("host", lan, "Name=vm-*", "Nmae=vm-*");
    let found = first(&misspelt, &none, None, Vec::new());
    assert_eq!(at(&found).2, "Nmae=vm-*");
    // Whose words are all others was not meant for the link.
    let mut without = page();
    files(&mut without, "host").retain(|unit| unit.name == "10-lan-bridge.network");
    assert_eq!(all(&without, &none, None, Vec::new()), []);
}

#[test]
fn a_server_for_names_that_is_another_is_found_by_its_line_and_a_missing_one_by_its_section() {
    let server = |is: Option<&str>| Gap {
        is: is.map(ToOwned::to_owned),
        key: Some("DNS".to_owned()),
        ..gap(
            Code::ServiceResolver,
            "host",
            Some("br0"),
            Some("192.168.1.1"),
        )
    };
    let file = "10-lan-bridge.network";
    let other = broken("host", file, "DNS=192.168.1.1", "DNS=192.168.1.102");
    let found = all(
        &other,
        &server(Some("192.168.1.102")),
        Some(file),
        Vec::new(),
    );
    assert_eq!(at(&found[0]).2, "DNS=192.168.1.102");
    assert_eq!(found.len(), 1, "nothing is missing beside it: {found:?}");
    let gone = broken("host", file, "DNS=192.168.1.1\n", "");
    let found = first(&gone, &server(None), Some(file), Vec::new());
    assert!(
        found
            .statement
            .expect("a statement")
            .contains("no `DNS=192.168.1.1`")
    );
}

#[test]
fn a_bridge_that_is_named_otherwise_is_wrong_where_only_one_line_says_it() {
    let none = |name| gap(Code::LinkAbsent, "host", Some(name), Some("bridge"));
    let made = broken("host", "br0.netdev", "Name=br0", "Name=br1");
    assert_eq!(
        at(&first(&made, &none("br0"), None, Vec::new())).0,
        "br0.netdev"
    );
    let asked = broken("host", "10-lan.network", "Bridge=br0", "Bridge=br1");
    let found = first(&asked, &none("br1"), None, Vec::new());
    assert_eq!(at(&found).2, "Bridge=br1");
    // Nothing makes any bridge: a file that does is what is missing.
    let mut gone = page();
    files(&mut gone, "host").retain(|unit| unit.name != "br0.netdev");
    let found = first(&gone, &none("br0"), None, Vec::new());
    let remedy = found.remedy.expect("a remedy");
    let edit = &remedy.edits[0];
    assert!(edit.file.ends_with("host/br0.netdev"), "{remedy:?}");
    assert_eq!(edit.to, "[NetDev]\nName=br0\nKind=bridge\n");
}

#[test]
fn a_section_that_is_misspelt_is_named_by_its_header() {
    let port = gap(Code::PortNotEnslaved, "host", Some("vm-test1"), Some("br0"));
    let lan = "10-lan.network";
    let scenario = broken("host", lan, "[Network]", "[Netwrok]");
    let found = first(&scenario, &port, Some(lan), Vec::new());
    assert_eq!(at(&found).2, "[Netwrok]");
}

#[test]
fn a_unit_that_leaves_links_alone_was_not_meant_for_one_that_none_matches() {
    let none = gap(Code::UnitNotMatched, "host", Some("vm-test1"), None);
    let mut scenario = broken("host", "10-lan.network", "Name=vm-*", "Name=vn-*");
    let alone = UnitFile {
        name: "05-alone.network".to_owned(),
        bytes: b"[Match]\nName=vm-tes2\n[Link]\nUnmanaged=yes\n"
            .as_slice()
            .into(),
        ..files(&mut scenario, "host")[0].clone()
    };
    files(&mut scenario, "host").push(alone);
    let found = first(&scenario, &none, None, Vec::new());
    assert_eq!(at(&found).0, "10-lan.network");
}

#[test]
fn a_nic_with_nearly_the_name_that_is_missing_is_the_one_that_was_renamed() {
    let absent = gap(Code::LinkAbsent, "test1", Some("vm-test2"), Some("link"));
    let scenario = page();
    let found = first(&scenario, &absent, None, Vec::new());
    let (file, _, text) = at(&found);
    assert_eq!(file, "scenario.toml");
    assert!(text.contains("id = \"vm-test1\""), "{text}");
    let other = gap(Code::LinkAbsent, "test1", Some("eth7"), Some("link"));
    assert!(all(&scenario, &other, None, Vec::new()).iter().all(|one| {
        let said = one.statement.as_deref().unwrap_or_default();
        !said.contains("there is no")
    }));
}

#[test]
fn routes_are_missing_by_a_gateway_out_of_reach_and_else_by_the_line_that_no_unit_has() {
    let file = "10-lan-bridge.network";
    let none = gap(Code::RouteNone, "host", None, Some("203.0.113.80"));
    let addresses = |own: &str| {
        format!(
            r#"[{{"ifname":"br0","flags":["UP"],"address":"02:00:00:00:00:20","linkinfo":{{"info_kind":"bridge"}},
              "addr_info":[{{"local":"{own}","prefixlen":24,"scope":"global"}}]}}]"#
        )
    };
    let located = |scenario: &Scenario, own: &str| {
        let status = format!(
            r#"{{"Interfaces":[{{"Name":"br0","NetworkFile":"/etc/systemd/network/{file}"}}]}}"#
        );
        let host = Answers {
            by_question: [("addresses", addresses(own)), ("networkctl", status)]
                .map(|(name, text)| (name.to_owned(), text))
                .into(),
            unasked: None,
        };
        let router = Answers {
            by_question: [("addresses".to_owned(), addresses("192.168.1.1"))].into(),
            unasked: None,
        };
        let facts: Facts = [("host".to_owned(), host), ("router".to_owned(), router)].into();
        let text = std::fs::read_to_string(&scenario.path).expect("the scenario's text");
        let written = Written::of(&scenario.path, &text, None);
        let observed = Observed {
            scenario,
            written: &written,
            unheld: &[],
            held: &[],
            facts: &facts,
            courses: &BTreeMap::new(),
            said: &BTreeMap::new(),
        };
        Files::of(&observed).locate(&none)
    };
    // The gateway is there: the address is what is wrong.
    let moved = broken(
        "host",
        file,
        "Address=192.168.1.2/24",
        "Address=192.168.9.2/24",
    );
    let found = located(&moved, "192.168.9.2");
    assert_eq!(at(&found[0]).2, "Address=192.168.9.2/24");
    assert_eq!(at(&found[1]).2, "Gateway=192.168.1.1");
    // Nobody has it: the gateway is.
    let other = broken("host", file, "Gateway=192.168.1.1", "Gateway=10.9.9.1");
    assert_eq!(at(&located(&other, "192.168.1.2")[0]).2, "Gateway=10.9.9.1");
    let gone = broken("host", file, "Gateway=192.168.1.1\n", "");
    let found = located(&gone, "192.168.1.2");
    assert_eq!(found.len(), 1, "{found:?}");
    // The page has a check that names the gateway.
    let remedy = found[0].remedy.as_ref().expect("a remedy");
    assert_eq!(remedy.edits[0].to, "Gateway=192.168.1.1");
    // A gateway that is as it should be is not blamed for what is lost elsewhere.
    assert_eq!(located(&page(), "192.168.1.2"), []);
}
