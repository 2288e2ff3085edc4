//! Whether a cause stays as it is: what is needed to say that a check cannot hold any more, before its time is over.

use std::collections::BTreeMap;

use super::code::Code;
use super::facts::{Answers, Facts};
use super::finding::Diagnosis;
use super::state::{Managed, State};

/// States of a link in which networkd still has something to do (`networkctl(1)`, "SETUP").
const UNDER_WAY: [&str; 4] = ["pending", "initialized", "configuring", "linger"];
/// States of a port in which STP still waits (`linux/if_bridge.h`, `BR_STATE_*`).
const STP_WAITS: [&str; 2] = ["listening", "learning"];

/// Whether these causes explain all of these checks, and none of them goes away by itself: each is a line of a file, what made it
/// so has finished, no address is still probed for duplicates and no port waits for STP.
pub fn is_settled(found: &[Diagnosis], checks: &[String], facts: &Facts) -> bool {
    let explained = |check: &String| {
        let mut found = found.iter();
        found.any(|one| one.checks.contains(check) && !one.assumed.contains(check))
    };
    let read = |(name, answers): (&String, &Answers)| (name.clone(), State::of(answers));
    let states: BTreeMap<String, State> = facts.iter().map(read).collect();
    !checks.is_empty()
        && checks.iter().all(explained)
        && states.values().all(is_at_rest)
        && found.iter().all(|one| stays(one, &states))
}

/// Whether nothing of what the kernel does by time goes on.
fn is_at_rest(state: &State) -> bool {
    state.links.values().all(|link| {
        let mut addresses = link.addresses.iter();
        let waits = link.linkinfo.port["state"].as_str();
        !waits.is_some_and(|state| STP_WAITS.contains(&state))
            && !addresses.any(|address| address.tentative && !address.dadfailed)
    })
}

fn stays(found: &Diagnosis, states: &BTreeMap<String, State>) -> bool {
    let (machine, thing) = found.cause.about();
    let Some(state) = states.get(machine) else {
        return false;
    };
    found.cause.place.is_some() && is_static(found.code) && is_configured(state, thing)
}

/// Whether networkd has done with the link, or, when it is about no link, with all of them. Without networkd nothing is under way.
fn is_configured(state: &State, thing: Option<&str>) -> bool {
    let Some(managed) = &state.networkd else {
        return true;
    };
    let done = |link: &Managed| !UNDER_WAY.contains(&link.setup.as_str());
    match thing.and_then(|thing| managed.get(thing)) {
        Some(link) => done(link),
        None => managed.values().all(done),
    }
}

/// Whether it is a matter of configuration alone: of no program that may still start or answer, nobody's timer, and nothing that
/// a kernel learns from packets.
const fn is_static(code: Code) -> bool {
    matches!(
        code,
        Code::LinkKind
            | Code::LinkMtu
            | Code::LinkMac
            | Code::LinkMode
            | Code::LinkSetting
            | Code::PortNotEnslaved
            | Code::PortWrongMaster
            | Code::PortIsolated
            | Code::PortFloodOff
            | Code::PortBcastOff
            | Code::PortMcastOff
            | Code::PortVlan
            | Code::PortLocked
            | Code::PortLearningOff
            | Code::AddressAbsent
            | Code::AddressOther
            | Code::RouteNone
            | Code::RouteOtherLink
            | Code::RouteNoneBack
            | Code::RouteRpFilter
            | Code::RouteRefused
            | Code::HookRule
            | Code::HookPolicy
            | Code::HookBridgeNf
            | Code::ForwardOff
            | Code::SysctlIgnores
            | Code::UnitNotMatched
            | Code::UnitWrongMatch
            | Code::UnitInvalid
            | Code::UnitSetting
            | Code::SysctlValue
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::diagnosis::finding::{At, Cause};

    fn found(code: Code, object: &str, checks: &[&str]) -> Diagnosis {
        let place = At {
            file: PathBuf::from("host/10-lan.network"),
            line: 2,
            column: 6,
            text: "Name=eno2".to_owned(),
        };
        Diagnosis {
            code,
            checks: checks.iter().map(|&check| check.to_owned()).collect(),
            assumed: Vec::new(),
            course: None,
            last_seen: None,
            first_missing: None,
            cause: Cause {
                statement: "no".to_owned(),
                object: object.to_owned(),
                place: Some(place),
                evidence: Vec::new(),
            },
            others: Vec::new(),
            remedy: None,
            proven: None,
            not_established: Vec::new(),
        }
    }

    /// A machine with one link, as networkd and the kernel have it.
    fn facts(setup: &str, port: &str, tentative: bool) -> Facts {
        let networkctl = format!(
            r#"{{"Interfaces":[{{"Name":"eno1","AdministrativeState":"{setup}"}},{{"Name":"lo","AdministrativeState":"unmanaged"}}]}}"#
        );
        let addresses = format!(
            r#"[{{"ifname":"eno1","linkinfo":{{"info_slave_data":{{"state":"{port}"}}}},
                 "addr_info":[{{"local":"fe80::1","prefixlen":64,"tentative":{tentative}}}]}}]"#
        );
        let told = [("networkctl", networkctl), ("addresses", addresses)];
        let answers = Answers {
            by_question: told.map(|(one, text)| (one.to_owned(), text)).into(),
            unasked: None,
        };
        Facts::from([("host".to_owned(), answers)])
    }

    fn ids(checks: &[&str]) -> Vec<String> {
        checks.iter().map(|&check| check.to_owned()).collect()
    }

    #[test]
    fn a_line_that_is_carried_out_stays() {
        let one = [found(Code::UnitNotMatched, "host eno1", &["a", "b"])];
        let done = facts("unmanaged", "forwarding", false);
        assert!(is_settled(&one, &ids(&["a", "b"]), &done));
        assert!(is_settled(&one, &ids(&["a"]), &done));
        assert!(!is_settled(&one, &[], &done), "nothing is asked");
    }

    #[test]
    fn what_is_under_way_may_mend_it() {
        let one = [found(Code::RouteNone, "host 0.0.0.0/0", &["a"])];
        let checks = ids(&["a"]);
        for (why, facts, settled) in [
            ("done", facts("configured", "forwarding", false), true),
            ("failed", facts("failed", "disabled", false), true),
            ("networkd", facts("configuring", "forwarding", false), false),
            ("begins", facts("pending", "forwarding", false), false),
            ("STP", facts("configured", "learning", false), false),
            ("DAD", facts("configured", "forwarding", true), false),
        ] {
            assert_eq!(is_settled(&one, &checks, &facts), settled, "{why}");
        }
    }

    #[test]
    fn what_may_go_away_by_itself_is_not_settled() {
        let done = facts("configured", "forwarding", false);
        let checks = ids(&["a"]);
        for code in Code::ALL {
            let one = [found(*code, "host eno1", &["a"])];
            assert_eq!(is_settled(&one, &checks, &done), is_static(*code), "{code}");
            let by_itself = [
                "neigh.", "service.", "socket.", "ra.", "fdb.", "mdb.", "unknown.",
            ];
            let by_itself = by_itself.iter().any(|layer| code.name().starts_with(layer));
            assert!(!(by_itself && is_static(*code)), "{code}");
        }
        // Of no line of a file.
        let mut one = found(Code::RouteNone, "host", &["a"]);
        one.cause.place = None;
        assert!(!is_settled(&[one], &checks, &done));
        // Of a machine that was not asked, such as a guest that boots.
        let one = found(Code::RouteNone, "test1", &["a"]);
        assert!(!is_settled(&[one], &checks, &done));
    }

    #[test]
    fn a_check_that_nothing_explains_keeps_all_going() {
        let done = facts("configured", "forwarding", false);
        let mut one = found(Code::RouteNone, "host eno1", &["a", "b"]);
        assert!(!is_settled(&[one.clone()], &ids(&["a", "c"]), &done));
        one.assumed = ids(&["b"]);
        assert!(is_settled(&[one.clone()], &ids(&["a"]), &done));
        assert!(!is_settled(&[one.clone()], &ids(&["a", "b"]), &done));
        let other = found(Code::ServiceSilent, "host", &["c"]);
        assert!(!is_settled(&[one, other], &ids(&["a", "c"]), &done));
    }
}
