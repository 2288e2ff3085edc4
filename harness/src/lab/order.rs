//! The order in which the checks of one stage are looked at, so that each is judged when it can hold. Pure.
//!
//! `scenarios/README.md` ("Times") says the same to those who write scenarios.

use std::collections::BTreeMap;

use crate::check::of;
use crate::scenario::names::CheckId;
use crate::scenario::{Check, During, VantagePoint};

/// The checks of a stage: each part begins when the one before it is over.
#[derive(Debug, Default)]
pub(super) struct Order<'a> {
    /// Checks that need no container, looked at while Docker starts the containers.
    pub(super) early: Vec<&'a Check>,
    /// Checks that need a container.
    pub(super) late: Vec<&'a Check>,
    /// Checks that must fail or never hold. They come late, since something that is not there yet would make them fail, too.
    pub(super) red: Vec<&'a Check>,
    /// Checks that count the traffic of others, and checks that hold while something is missing.
    pub(super) last: Vec<&'a Check>,
    /// Checks that begin when another one is over, by that one, which may be in any part.
    followers: BTreeMap<&'a CheckId, Vec<&'a Check>>,
}

impl<'a> Order<'a> {
    /// Puts checks in order; `must_fail` says which of them must fail.
    ///
    /// A check with `fails_until` is never put off, since its time counts from when the lab stands, unless it names the check
    /// that it follows.
    pub(super) fn of(
        checks: impl Iterator<Item = &'a Check>,
        must_fail: impl Fn(&CheckId) -> bool,
    ) -> Self {
        let mut order = Self::default();
        for check in checks {
            let at_once = check.times.fails_until.is_some() || check.during.is_some();
            let part = match &check.during {
                Some(During::Check(other)) => order.followers.entry(other).or_default(),
                _ if !at_once && waits(check) => &mut order.last,
                _ if !at_once && (check.times.fails || must_fail(&check.id)) => &mut order.red,
                _ if needs_container(check) => &mut order.late,
                _ => &mut order.early,
            };
            part.push(check);
        }
        order
    }

    /// Checks that begin when this check is over.
    pub(super) fn after(&self, check: &CheckId) -> &[&'a Check] {
        self.followers.get(check).map_or(&[], Vec::as_slice)
    }

    /// Whether every check is among the last.
    pub(super) fn has_only_last(&self) -> bool {
        self.early.is_empty() && self.late.is_empty() && self.red.is_empty()
    }
}

fn waits(check: &Check) -> bool {
    let kind = of(&*check.kind);
    kind.tally().is_some() || kind.holds_by_lack()
}

/// Whether Docker must have started the containers.
fn needs_container(check: &Check) -> bool {
    let kind = check.kind.name();
    matches!(check.from, VantagePoint::Container(..))
        || ["container", "container_veth"].contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_text;
    use std::path::Path;

    /// The parts of a stage, in words: `early; late; red; last`, each check with its followers in brackets.
    fn shown(checks: &str, must_fail: &[&str]) -> String {
        let text = format!(
            "version = 1\nsummary = \"x\"\n\
             [guests.test1]\ninterfaces = [{{ type = \"tap\", id = \"vm-test1\", mac = \"02:00:00:00:00:01\" }}]\n\
             containers = {{ web = \"busybox\" }}\n{checks}"
        );
        let loaded = load_text(Path::new("x/scenario.toml"), text).expect("a scenario");
        let scenario = loaded.scenario(None).expect("the green form");
        let red = |id: &CheckId| must_fail.contains(&id.as_str());
        let order = Order::of(scenario.checks.iter(), red);
        let parts = [&order.early, &order.late, &order.red, &order.last];
        parts.map(|part| names(&order, part)).join("; ")
    }

    fn names(order: &Order<'_>, checks: &[&Check]) -> String {
        let name = |check: &&Check| match order.after(&check.id) {
            [] => check.id.to_string(),
            followers => format!("{} ({})", check.id, names(order, followers)),
        };
        checks.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    fn check(id: &str, rest: &str) -> String {
        format!("[[checks]]\nid = \"{id}\"\nfrom = \"host\"\n{rest}\n")
    }

    const PING: &str = "ping = { to = \"192.168.1.1\" }";
    const NONE: &str = "packet = { interface = \"eno1\", filter = \"icmp\", count = [0, 0] }";
    const SOME: &str = "packet = { interface = \"eno1\", filter = \"icmp\" }";

    #[test]
    fn what_counts_waits_for_all_others_also_for_those_that_must_fail() {
        let checks = [
            check("none", NONE),
            check("some", SOME),
            check("ping", PING),
            check("never", &format!("fails = true\n{PING}")),
            check("red", PING),
            check("inside", PING).replace("\"host\"", "\"test1/web\""),
        ];
        let told = "ping; inside; never red; none some";
        assert_eq!(shown(&checks.concat(), &["red", "some"]), told);
    }

    #[test]
    fn what_holds_for_the_lack_of_something_waits_as_well() {
        let lacks = [
            "address = { prefix = \"10.0.0.0/8\", state = \"absent\" }",
            "route = { to = \"10.0.0.0/8\", absent = true }",
            "neighbour = { address = \"10.0.0.9\", absent = true }",
            "link = { interface = \"eno1\", absent = true }",
            "link = { interface = \"eno1\", nomaster = true }",
            "link = { interface = \"eno1\", carrier = false }",
            "fdb = { mac = \"02:00:00:00:00:09\", absent = true }",
            "mdb = { group = \"224.0.0.9\", absent = true }",
            "bridge_vlan = { interface = \"eno1\", vlan = 5, absent = true }",
            "process = { name = \"dnsmasq\", absent = true }",
            "dns = { name = \"a.test\", record = \"A\", server = \"192.168.1.1\", rcode = \"none\" }",
            "ping = { to = \"192.168.1.99\", loss = [50, 100] }",
            "counter = { table = \"inet filter\", chain = \"forward\" }",
        ];
        for lack in lacks {
            let checks = [check("lack", lack), check("ping", PING)].concat();
            assert_eq!(shown(&checks, &[]), "ping; ; ; lack", "{lack}");
        }
        for there in [
            "address = { prefix = \"10.0.0.0/8\" }",
            "link = { interface = \"eno1\", carrier = true }",
            "ping = { to = \"192.168.1.99\", loss = 50 }",
        ] {
            assert_eq!(shown(&check("there", there), &[]), "there; ; ; ", "{there}");
        }
    }

    #[test]
    fn one_that_says_whose_traffic_it_is_about_follows_that() {
        let checks = [
            check("none", &format!("during = \"red\"\n{NONE}")),
            check("then", &format!("during = \"none\"\n{PING}")),
            check("red", PING),
            check("some", &format!("during = \"ping\"\n{SOME}")),
            check("ping", PING),
        ];
        let told = "ping (some); ; red (none (then)); ";
        assert_eq!(shown(&checks.concat(), &["red", "none"]), told);
    }

    #[test]
    fn a_step_s_traffic_is_over_and_a_time_to_fail_until_is_running() {
        let checks = [
            "[[steps]]\nid = \"sent\"\nrun = { on = \"desktop\", command = [\"true\"] }\n"
                .to_owned(),
            check(
                "none",
                &format!("after = \"sent\"\nduring = \"sent\"\n{NONE}"),
            ),
            check("late", &format!("fails_until = \"1s\"\n{SOME}")),
        ];
        assert_eq!(
            shown(&checks.concat(), &["none", "late"]),
            "none late; ; ; "
        );
    }
}
