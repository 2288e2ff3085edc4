//! One fault after the other in one lab, each with what must be found.

use super::lab::{at, lab, said, scenario};
use super::{of_links, of_routes, of_settings};
use crate::diagnosis::Code;

/// Checks that the scenario has not got.
const MORE: &str = r#"
[[checks]]
id = "host-tap-setup"
from = "host"
networkctl = { interface = "vm-tiny1", setup = "configured" }
[[checks]]
id = "host-tap-file"
from = "host"
networkctl = { interface = "vm-tiny1", file = "10-lan.network" }
[[checks]]
id = "host-dns"
from = "host"
networkctl = { interface = "br0", dns = ["192.168.1.1"] }
[[checks]]
id = "host-required"
from = "host"
networkctl = { interface = "br0", required_for_online = "no" }
[[checks]]
id = "host-tap-mac"
from = "host"
link = { interface = "vm-tiny1", mac = "02:00:00:00:00:77" }
[[checks]]
id = "host-tap-allmulti"
from = "host"
link = { interface = "vm-tiny1", flags = ["ALLMULTI"] }
[[checks]]
id = "desktop-ping-guest-full"
from = "desktop"
ping = { to = "192.168.1.3", size = 1472, df = true }
[[checks]]
id = "router-forwards"
from = "router"
sysctl = { key = "net.ipv4.ip_forward", value = "1" }
[[checks]]
id = "host-mdb"
from = "host"
mdb = { group = "ff02::1:ff00:b", interface = "vm-tiny1" }
"#;

#[test]
fn each_fault_is_one_cause_at_its_link_and_explains_all_that_does_not_hold() {
    let scenario = scenario(MORE);
    let mut wrong = Vec::new();
    for (what, breaks, checks, (code, machine, link)) in of_links::FAULTS
        .iter()
        .chain(of_routes::FAULTS)
        .chain(of_settings::FAULTS)
    {
        let mut lab = lab();
        breaks(&mut lab);
        let unheld: Vec<(&str, &str)> = checks.iter().map(|id| (*id, "no reply")).collect();
        let found = said(&scenario, lab, &unheld, &Default::default());
        let [only] = found.as_slice() else {
            let causes: Vec<_> = found
                .iter()
                .map(|one| (one.code, &one.cause.statement))
                .collect();
            wrong.push(format!("{what}: {causes:?}"));
            continue;
        };
        let right = only.code == *code
            && only.cause.object.split(' ').next() == Some(machine)
            && link.is_none_or(|link| only.cause.object == format!("{machine} {link}"))
            && only.checks.len() == checks.len();
        if !right {
            let cause = (
                only.code,
                &only.cause.object,
                &only.cause.statement,
                &only.checks,
            );
            wrong.push(format!("{what}: {cause:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_lab_in_which_everything_is_right_gives_no_cause_that_is_sure() {
    let scenario = scenario(MORE);
    let flows = ["ping", "tcp", "http", "router_advert", "bridge_port"];
    let checks = scenario.checks.iter();
    // No server of a ghost's answers, and these are asked of the guest.
    let own = checks.filter(|check| flows.contains(&check.kind.name()));
    let own = own.filter(|check| !check.id.as_str().starts_with("desktop-http"));
    let unheld: Vec<(&str, &str)> = own.map(|check| (check.id.as_str(), "no")).collect();
    assert!(unheld.len() >= 15, "{unheld:?}");
    for one in unheld {
        let found = said(&scenario, lab(), &[one], &Default::default());
        let causes: Vec<_> = found
            .iter()
            .map(|one| (one.code, &one.cause.statement))
            .collect();
        let sure = causes
            .iter()
            .filter(|(code, _)| !code.is_unknown() && *code != Code::RaNotSeen);
        assert_eq!(sure.count(), 0, "{one:?}: {causes:?}");
    }
}

#[test]
fn what_holds_has_no_cause() {
    let scenario = scenario("");
    assert_eq!(said(&scenario, lab(), &[], &Default::default()), []);
}

/// Behind a machine that puts its own address in the place of the source, the answer is passed on by that machine, which has not
/// got the address that the answer comes from.
#[test]
fn an_answer_that_is_passed_on_has_a_source_of_another_machine() {
    let scenario = scenario("");
    let mut masked = lab();
    let rule = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n";
    rule.clone_into(&mut at(&mut masked, "router").iptables);
    // Without the rule there would be no way back.
    at(&mut masked, "internet")
        .routes
        .retain(|route| route.dst != "192.168.1.0/24");
    let unheld = [("guest-ping-internet-v4", "no reply")];
    let found = said(&scenario, masked, &unheld, &Default::default());
    assert_eq!(found[0].code, Code::UnknownNoFact, "{found:?}");
    let mut bare = lab();
    at(&mut bare, "internet")
        .routes
        .retain(|route| route.dst != "192.168.1.0/24");
    let found = said(&scenario, bare, &unheld, &Default::default());
    assert_eq!(found[0].code, Code::RouteNoneBack, "{found:?}");
}

/// What a check saw tells where the state is as it should be.
#[test]
fn what_was_seen_is_explained_where_the_state_is_right() {
    let scenario =
        scenario("[[checks]]\nid = \"own\"\nfrom = \"desktop\"\ncommand = { run = [\"false\"] }\n");
    let rows = [
        (
            "guest-ra-seen",
            "from fe80::1 lifetime 0 s",
            Code::RaContent,
            "router",
        ),
        (
            "guest-http-v4",
            "200 and \"another page\"",
            Code::ServiceAnswer,
            "internet",
        ),
        ("own", "it ended with 1", Code::UnknownNoProbe, "desktop"),
        (
            "guest-ping-router-v4",
            "no reply",
            Code::UnknownNoFact,
            "tiny1",
        ),
    ];
    for (check, got, code, machine) in rows {
        let found = said(&scenario, lab(), &[(check, got)], &Default::default());
        let [only] = found.as_slice() else {
            panic!("{check}: {found:?}")
        };
        let object = only.cause.object.split(' ').next();
        assert_eq!(
            (only.code, object),
            (code, Some(machine)),
            "{check}: {found:?}"
        );
    }
}
