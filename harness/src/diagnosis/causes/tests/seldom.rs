//! Codes that few scenarios show, each by the state or by what a check saw.

use super::lab::{Lab, at, green, lab, link, said, scenario};
use crate::diagnosis::state::State;
use crate::diagnosis::{Answers, Code, Course, Diagnosis, Point, Seen, Station};

/// The diagnosis of one check of the scenario with this text more, in a lab that was changed.
fn one(more: &str, breaks: fn(&mut Lab), check: &str, got: &str) -> Diagnosis {
    let mut broken = lab();
    breaks(&mut broken);
    let mut found = said(
        &scenario(more),
        broken,
        &[(check, got)],
        &Default::default(),
    );
    assert_eq!(found.len(), 1, "{check}: {found:?}");
    found.remove(0)
}

fn cause(found: &Diagnosis) -> (Code, &str) {
    (found.code, &found.cause.object)
}

const GUEST: &str = "[guests.tiny2]\nimage = \"tiny\"\ninterfaces = [{ type = \"tap\", id = \"vm-tiny2\", mac = \"02:00:00:00:00:02\" }]\n";

#[test]
fn a_router_that_advertises_nothing_or_no_default_route_is_the_cause() {
    let none = "[machines.router.dnsmasq.ra]\nlifetime = 0\n";
    let no_default = |lab: &mut Lab| {
        at(lab, "tiny1")
            .routes
            .retain(|route| route.dst != "default" || route.is_of(false));
    };
    let found = one(
        none,
        no_default,
        "guest-ping-internet-v6",
        "Network is unreachable",
    );
    assert_eq!(cause(&found), (Code::RaContent, "router lifetime"));
    let mut nobody = scenario("");
    for machine in nobody.machines.values_mut() {
        if let Some(dnsmasq) = &mut machine.dnsmasq {
            dnsmasq.ra = None;
        }
    }
    let mut broken = lab();
    no_default(&mut broken);
    let unheld = [
        ("guest-ra-accepted", "no address"),
        ("guest-ping-internet-v6", "no"),
    ];
    let found = said(&nobody, broken, &unheld, &Default::default());
    assert_eq!(
        cause(&found[0]),
        (Code::RaNotSent, "tiny1 eth0"),
        "{found:?}"
    );
    assert_eq!(found[0].checks.len(), 2);
}

#[test]
fn an_advertisement_that_should_come_and_does_not_is_no_more_than_a_suspect() {
    let got = "no router advertisement on the wire";
    let found = one("", |_| {}, "guest-ra-seen", got);
    assert_eq!(cause(&found), (Code::RaNotSeen, "tiny1 eth0"));
    let said = found.not_established.join("\n");
    assert!(said.contains("does not prove it"), "{said}");
}

#[test]
fn a_macvlan_that_keeps_frames_is_the_cause() {
    let more =
        "[[checks]]\nid = \"ping-upon\"\nfrom = \"desktop\"\nping = { to = \"2001:db8::77\" }\n";
    let found = one(
        more,
        |lab| {
            let mut upon = link(lab, "host", "eno1").clone();
            upon.name = "mv0".to_owned();
            upon.link = Some("eno1".to_owned());
            upon.master = None;
            upon.mac = "02:00:00:00:00:77".to_owned();
            upon.linkinfo.kind = Some("macvlan".to_owned());
            upon.linkinfo.data["mode"] = "source".into();
            let own = "2001:db8::a".parse().ok();
            upon.addresses = link(lab, "host", "br0").addresses.clone();
            upon.addresses.retain(|one| one.local == own);
            upon.addresses[0].local = "2001:db8::77".parse().ok();
            let links = &mut at(lab, "host").links;
            links.insert("mv0".to_owned(), upon);
        },
        "ping-upon",
        "no reply",
    );
    assert_eq!(cause(&found), (Code::LinkMode, "host mv0"));
}

#[test]
fn a_server_that_is_told_to_be_silent_is_the_cause_and_one_that_lost_a_packet_is_not() {
    let faults = "[machines.router.dnsmasq.faults]\n\"www.internet.test\" = \"no-answer\"\n";
    let got = "no address for www.internet.test: 192.168.1.1 did not answer within 3s";
    let found = one(faults, |_| {}, "guest-dns-a", got);
    assert_eq!(found.code, Code::ServiceSilent, "{found:?}");
    assert_eq!(
        one("", |_| {}, "guest-dns-a", got).code,
        Code::UnknownNoFact
    );
    let other = "www.internet.test is 192.0.2.9";
    assert_eq!(
        one("", |_| {}, "guest-dns-a", other).code,
        Code::ServiceAnswer
    );
    let refused = "no address for www.internet.test: NXDOMAIN";
    assert_eq!(
        one("", |_| {}, "guest-dns-a", refused).code,
        Code::ServiceAnswer
    );
}

#[test]
fn a_refused_connection_is_a_port_without_a_program_and_an_address_is_no_status() {
    let got = "no connection to 2001:db8:ffff::80 port 80: Connection refused (os error 111)";
    let unasked = |lab: &mut Lab| at(lab, "internet").listeners = None;
    let found = one("", unasked, "guest-http-v6", got);
    assert_eq!(cause(&found), (Code::SocketNone, "internet port"));
    let got = "no connection to 2001:db8:ffff::80 port 80 within 3s";
    assert_eq!(
        one("", |_| {}, "guest-http-v6", got).code,
        Code::UnknownNoFact
    );
}

#[test]
fn containers_are_told_by_their_veth_and_by_what_docker_says() {
    let mut guest = lab().remove("tiny1").expect("a guest");
    let mut veth = guest.links["eth0"].clone();
    veth.name = "veth0123456".to_owned();
    veth.linkinfo.kind = Some("veth".to_owned());
    veth.mac = "02:00:00:00:00:99".to_owned();
    guest.links.insert(veth.name.clone(), veth);
    let page = green("simple-network");
    let got = "192.168.1.3/24";
    let of = |guest: &State| {
        let lab = Lab::from([("test1".to_owned(), guest.clone())]);
        said(&page, lab, &[("container-veth", got)], &Default::default())
    };
    // Nobody has taken it: all that is known is what the check saw.
    assert_eq!(cause(&of(&guest)[0]), (Code::ContainerSetting, "test1"));
    let status = r#"{"Interfaces":[{"Name":"veth0123456","AdministrativeState":"configured","OperationalState":"routable",
        "NetworkFile":"/etc/systemd/network/20-lan.network"}]}"#;
    let answers = Answers {
        by_question: [("networkctl".to_owned(), status.to_owned())].into(),
        unasked: None,
    };
    guest.networkd = State::of(&answers).networkd;
    let found = of(&guest);
    assert_eq!(
        cause(&found[0]),
        (Code::ContainerVethTaken, "test1 veth0123456")
    );
    let published = green("docker/published-port");
    let lab = Lab::from([("test1".to_owned(), guest)]);
    let unheld = [("container", "address already in use")];
    let found = said(&published, lab, &unheld, &Default::default());
    assert_eq!(found[0].code, Code::ContainerNotRunning);
}

#[test]
fn a_vmm_is_told_by_its_words() {
    let more = "[[checks]]\nid = \"vmm\"\nfrom = \"host\"\nvmm = { guest = \"tiny1\" }\n";
    let tap = "it ended with 1: could not open /dev/net/tun: Operation not permitted";
    assert_eq!(
        cause(&one(more, |_| {}, "vmm", tap)),
        (Code::VmmTapRefused, "tiny1")
    );
    let other = "it ended with 1: no kernel";
    assert_eq!(
        cause(&one(more, |_| {}, "vmm", other)),
        (Code::VmmNotStarted, "tiny1")
    );
}

#[test]
fn machines_with_one_machine_id_are_one_client() {
    let mut scenario = scenario(&format!(
        "{GUEST}[[checks]]\nid = \"other\"\nfrom = \"tiny1\"\naddress = {{ interface = \"vm-tiny1\", address = \"192.168.1.55/24\" }}\n"
    ));
    let unheld = [("other", "missing")];
    let found = said(&scenario, lab(), &unheld, &Default::default());
    assert_eq!(found[0].code, Code::AddressAbsent, "{found:?}");
    for guest in scenario.guests.values_mut() {
        guest.machine_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    }
    let found = said(&scenario, lab(), &unheld, &Default::default());
    assert_eq!(found[0].code, Code::MachineSameId, "{found:?}");
}

#[test]
fn a_check_that_asks_for_a_lack_is_at_odds_with_a_network_that_has_it() {
    let more = "[[checks]]\nid = \"never\"\nfrom = \"desktop\"\nfails = true\nping = { to = \"192.168.1.3\" }\n";
    let found = one(more, |_| {}, "never", "a reply from 192.168.1.3");
    assert_eq!(found.code, Code::CheckExpectation);
}

#[test]
fn an_answer_that_came_back_and_was_not_taken_has_no_gap() {
    let seen = |station| Seen {
        point: Point {
            machine: "desktop".to_owned(),
            station,
            link: Some("eth0".to_owned()),
        },
        packet: "ICMP echo reply".to_owned(),
        dropped_by: None,
    };
    let course = Course {
        request: vec![seen(Station::Egress)],
        answer: vec![seen(Station::InetInput)],
        ..Course::default()
    };
    let check = "desktop-ping-guest-v4";
    let courses = [(check.to_owned(), course)].into();
    let found = said(&scenario(""), lab(), &[(check, "no reply")], &courses);
    assert_eq!(cause(&found[0]), (Code::UnknownNoGap, "desktop"));
}
