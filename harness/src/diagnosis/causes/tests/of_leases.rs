//! A machine that has no lease: nobody gives any, or what it asks does not come through.

use super::lab::{Lab, green, said};
use crate::diagnosis::state::State;
use crate::diagnosis::{Answers, Code, Diagnosis};
use crate::scenario::{Scenario, UnitFile};

/// The page's host and its guest, by what `ip` and `networkctl` say of them, cut to what is read; `flag` is one of the TAP's.
fn states(flag: &str) -> Lab {
    let host = format!(
        r#"[{{"ifname":"microvm","flags":["UP","LOWER_UP"],"mtu":1500,"address":"02:00:00:00:00:20","linkinfo":{{"info_kind":"bridge"}},
          "addr_info":[{{"local":"10.0.0.1","prefixlen":24,"scope":"global"}}]}},
         {{"ifname":"vm-test1","flags":["UP","LOWER_UP"],"mtu":1500,"address":"fe:00:00:00:00:01","master":"microvm",
          "linkinfo":{{"info_kind":"tun","info_slave_data":{{"state":"forwarding",{flag}}}}}}}]"#
    );
    let guest = r#"[{"ifname":"eth0","flags":["UP","LOWER_UP"],"mtu":1500,"address":"02:00:00:00:00:01","addr_info":[]}]"#;
    let managed = |links: &[(&str, &str)]| {
        let links: Vec<String> = links
            .iter()
            .map(|(link, file)| {
                format!(
                    r#"{{"Name":"{link}","AdministrativeState":"configured","OperationalState":"routable",
                      "NetworkFile":"/etc/systemd/network/{file}"}}"#
                )
            })
            .collect();
        format!(r#"{{"Interfaces":[{}]}}"#, links.join(","))
    };
    let of = |addresses: &str, networkctl: String| {
        let told = [
            ("addresses", addresses.to_owned()),
            ("networkctl", networkctl),
        ];
        State::of(&Answers {
            by_question: told.map(|(name, text)| (name.to_owned(), text)).into(),
            unasked: None,
        })
    };
    let of_host = [
        ("microvm", "10-microvm.network"),
        ("vm-test1", "11-microvm.network"),
    ];
    Lab::from([
        ("host".to_owned(), of(&host, managed(&of_host))),
        (
            "test1".to_owned(),
            of(guest, managed(&[("eth0", "20-lan.network")])),
        ),
    ])
}

fn no_route(scenario: &Scenario, flag: &str) -> Diagnosis {
    let unheld = [("dhcp-route", "no route to 0.0.0.0/0")];
    said(scenario, states(flag), &unheld, &Default::default()).remove(0)
}

#[test]
fn who_has_no_lease_lacks_a_server_or_the_way_to_it() {
    let page = green("pages/advanced-network");
    let found = no_route(&page, r#""learning":false,"flood":false"#);
    assert_eq!(found.code, Code::PortLearningOff, "{found:?}");
    let found = no_route(&page, r#""bcast_flood":true"#);
    assert_eq!(
        found.code,
        Code::RouteNone,
        "nothing is in the way: {found:?}"
    );
    // The TAP is on no bridge: no server is seen from the guest.
    let mut apart = states(r#""bcast_flood":true"#);
    let host = apart.get_mut("host").expect("the host");
    host.links.get_mut("vm-test1").expect("the TAP").master = None;
    let unheld = [("dhcp-route", "no route to 0.0.0.0/0")];
    let found = said(&page, apart, &unheld, &Default::default()).remove(0);
    assert_eq!(found.code, Code::PortNotEnslaved, "{found:?}");
    let mut without = page;
    let host = without.machines.get_mut("host").expect("the host");
    for unit in host.networkd.as_mut().expect("unit files") {
        let text = String::from_utf8(unit.bytes.to_vec()).expect("UTF-8");
        *unit = UnitFile {
            bytes: text.replace("DHCPServer=yes\n", "").into_bytes().into(),
            ..unit.clone()
        };
    }
    let found = no_route(&without, r#""bcast_flood":true"#);
    assert_eq!(
        (found.code, found.cause.object.as_str()),
        (Code::ServiceNotRunning, "host microvm"),
        "{found:?}"
    );
}
