//! What the packets did counts more than what the machines' states say.

use std::collections::BTreeMap;

use super::lab::{at, lab, link, said, scenario};
use crate::diagnosis::{Code, Course, Point, Seen, Station};

const CHECK: &str = "desktop-ping-guest-v4";

fn seen(machine: &str, station: Station, link: &str, dropped_by: Option<&str>) -> Seen {
    Seen {
        point: Point {
            machine: machine.to_owned(),
            station,
            link: Some(link.to_owned()),
        },
        packet: "ICMP echo request".to_owned(),
        dropped_by: dropped_by.map(str::to_owned),
    }
}

fn course(request: Vec<Seen>) -> BTreeMap<String, Course> {
    let course = Course {
        request,
        ..Course::default()
    };
    BTreeMap::from([(CHECK.to_owned(), course)])
}

#[test]
fn a_rule_that_was_seen_to_drop_is_the_cause_and_its_point_the_last() {
    let rule = "inet own input: icmp type echo-request drop";
    let seen = course(vec![
        seen("host", Station::BridgeForward, "vm-tiny1", None),
        seen("tiny1", Station::InetInput, "eth0", Some(rule)),
    ]);
    let found = said(&scenario(""), lab(), &[(CHECK, "no reply")], &seen);
    let [only] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (only.code, only.cause.object.as_str()),
        (Code::HookRule, "tiny1")
    );
    assert!(
        only.cause.statement.contains(rule),
        "{}",
        only.cause.statement
    );
    let last = only.last_seen.as_ref().map(ToString::to_string);
    assert_eq!(last.as_deref(), Some("tiny1 inet input eth0"));
    assert_eq!(only.course.as_ref(), seen.get(CHECK));
}

#[test]
fn where_nothing_explains_the_last_point_that_is_said() {
    let seen = course(vec![seen("host", Station::BridgePrerouting, "eno1", None)]);
    let scenario = scenario("");
    let found = said(&scenario, lab(), &[(CHECK, "no reply")], &seen);
    assert_eq!(found[0].code, Code::UnknownNoFact, "{found:?}");
    let mut broken = lab();
    link(&mut broken, "desktop", "eth0").addresses.clear();
    let found = said(&scenario, broken, &[(CHECK, "no reply")], &seen);
    let said = found[0].not_established.join("\n");
    assert!(
        said.contains("was not seen after host bridge prerouting eno1"),
        "{said}"
    );
}

#[test]
fn of_two_gaps_the_one_at_which_the_packet_stopped_comes_first() {
    let mut broken = lab();
    link(&mut broken, "host", "vm-tiny1").master = None;
    at(&mut broken, "tiny1").routes.clear();
    let at_guest = course(vec![seen("tiny1", Station::InetInput, "eth0", None)]);
    let at_host = course(vec![seen("host", Station::Ingress, "vm-tiny1", None)]);
    let scenario = scenario("");
    for (seen, code) in [
        (at_guest, Code::RouteNoneBack),
        (at_host, Code::PortNotEnslaved),
    ] {
        let found = said(&scenario, broken.clone(), &[(CHECK, "no reply")], &seen);
        assert_eq!(found[0].code, code, "{found:?}");
        assert!(!found[0].others.is_empty(), "the other one is said, too");
    }
}
