//! Follows the packets of failed checks: watches every machine, sends each flow once more, and reads what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::flows::{MOST_TARGETS, Probed, flows, rounds};
use super::watching::{self, Watched};
use crate::check::{Looking, Since, Vantage, of};
use crate::deadline::Deadline;
use crate::diagnosis::{Course, Facts, Followed, Sight, Target, Wire, reading, sights};
use crate::lab::assignment::Assignment;
use crate::lab::observer::Observer;
use crate::lab::testbed::Testbed;
use crate::plan::{Operation, TopologyPlan};
use crate::scenario::{Check, VantagePoint};

/// What a course says of a packet that came all the way, and its answer back.
pub const WENT_WELL: &str = "sent again, it went well";

/// How long one probe is waited for. A neighbour is asked for every second, and a ping waits for a second.
const PROBE: Duration = Duration::from_secs(1);

/// What was followed.
#[derive(Debug, Default)]
pub(super) struct Courses {
    /// By the check's id.
    pub(super) by_check: BTreeMap<String, Course>,
    /// What was read on each machine.
    pub(super) traces: BTreeMap<String, String>,
}

/// What is known of the lab before anything is sent.
struct Known<'a> {
    asked: Assignment<'a>,
    testbed: &'a Testbed,
    observer: &'a Observer,
    addresses: BTreeMap<String, BTreeSet<IpAddr>>,
    gateways: BTreeMap<String, BTreeSet<IpAddr>>,
    wires: Vec<Wire>,
}

/// Follows what these checks send: one round of probes, and further ones that are over by `more`. All is over by `by`.
pub(super) async fn follow(
    (asked, testbed, observer): (Assignment<'_>, &Testbed, &Observer),
    checks: &[&Check],
    facts: &Facts,
    (more, by): (Deadline, Deadline),
) -> Courses {
    let mut courses = Courses::default();
    let flows = flows(checks);
    if flows.is_empty() {
        return courses;
    }
    let by_name = |read: fn(&_) -> BTreeSet<IpAddr>| {
        let all = facts.iter();
        all.map(|(name, answers)| (name.clone(), read(answers)))
            .collect()
    };
    let known = Known {
        asked,
        testbed,
        observer,
        addresses: by_name(reading::addresses),
        gateways: by_name(reading::gateways),
        wires: wires(asked, facts),
    };
    let mut targets: Vec<Target> = Vec::new();
    for flow in &flows {
        if targets.len() < MOST_TARGETS && !targets.contains(&flow.target()) {
            targets.push(flow.target());
        }
    }
    let neighbours = known.neighbours(&flows, &targets);
    let lab = &testbed.lab;
    let mut watched = watching::watch(lab, facts, &targets, &neighbours, by).await;
    let all: Vec<Target> = flows.iter().map(Probed::target).collect();
    for (number, round) in rounds(&all).into_iter().enumerate() {
        let round = round.iter().map(|place| &flows[*place]);
        let (round, beyond): (Vec<&Probed<'_>>, Vec<_>) =
            round.partition(|flow| targets.contains(&flow.target()));
        unprobed(&beyond, "there are too many destinations", &mut courses);
        if number > 0 && more.left() < PROBE {
            unprobed(&round, "the time for it was over", &mut courses);
            continue;
        }
        known
            .probe(&round, &targets, &mut watched, by, &mut courses)
            .await;
    }
    join_all(watched.into_iter().map(Watched::end)).await;
    courses
}

/// Says of flows why they were not probed.
fn unprobed(flows: &[&Probed<'_>], why: &str, courses: &mut Courses) {
    for flow in flows {
        let course = Course {
            blind: vec![format!("it was not sent again: {why}")],
            ..Course::default()
        };
        note(flow, &course, courses);
    }
}

fn note(flow: &Probed<'_>, course: &Course, courses: &mut Courses) {
    for check in &flow.checks {
        let id = check.id.to_string();
        courses.by_check.insert(id, course.clone());
    }
}

/// How machines and guests are connected: the cables of the plan, and the NICs of MicroVMs.
fn wires(asked: Assignment<'_>, facts: &Facts) -> Vec<Wire> {
    let plan = TopologyPlan::with_guests(asked.scenario, asked.job.guests);
    let cables = plan.steps().iter().filter_map(|step| match step {
        Operation::Link(link) => link.wire(),
        _ => None,
    });
    let guests = asked.scenario.guests.iter();
    let nics = guests.flat_map(|(name, guest)| {
        let links = facts.get(name.as_ref()).map(reading::links);
        let links = links.unwrap_or_default();
        guest.interfaces.iter().filter_map(move |interface| {
            let mac = Some(interface.mac.to_string());
            let (inside, _) = links.iter().find(|(_, address)| *address == mac)?;
            let outside = (guest.on.to_string(), interface.id.to_string());
            Some([outside, (name.to_string(), inside.clone())])
        })
    });
    let mut all: Vec<Wire> = cables.collect();
    let known = |link: &(String, String), all: &[Wire]| all.iter().flatten().any(|end| end == link);
    for nic in nics {
        if !known(&nic[0], &all) {
            all.push(nic);
        }
    }
    all
}

impl Known<'_> {
    /// Whose resolution may be on the way: the destinations, every next hop, and those who ask.
    fn neighbours(&self, flows: &[Probed<'_>], targets: &[Target]) -> BTreeSet<IpAddr> {
        let destinations = targets.iter().filter_map(|target| target.to);
        let hops = self.gateways.values().flatten().copied();
        let from = flows.iter().map(|flow| place(&flow.check().from));
        let own = from.filter_map(|from| self.addresses.get(&from));
        destinations
            .chain(hops)
            .chain(own.flatten().copied())
            .collect()
    }

    /// Sends each flow of a round once, all at the same time, and notes their courses.
    async fn probe(
        &self,
        round: &[&Probed<'_>],
        targets: &[Target],
        watched: &mut [Watched],
        by: Deadline,
        courses: &mut Courses,
    ) {
        watching::begin(watched, self.asked.job.follow_all, by).await;
        let begun = Instant::now();
        let sent = join_all(round.iter().map(|flow| self.send(flow, by))).await;
        let told = watching::told(watched).await;
        let mut seen: Vec<Sight> = Vec::new();
        for (machine, lines) in &told {
            let lines = lines.iter();
            let lines = lines.map(|(at, line)| (at.duration_since(begun), line.as_str()));
            seen.extend(sights(machine, lines));
        }
        for (machine, lines) in told {
            let trace = courses.traces.entry(machine).or_default();
            trace.extend(lines.into_iter().map(|(_, line)| line + "\n"));
        }
        let followed = Followed {
            targets,
            sights: &seen,
            wires: &self.wires,
            gateways: &self.gateways,
            addresses: &self.addresses,
        };
        for (flow, sent) in round.iter().zip(sent) {
            let mut numbers = 0..targets.len();
            let Some(number) = numbers.find(|number| targets[*number] == flow.target()) else {
                continue;
            };
            let from = place(&flow.check().from);
            let mut course = followed.course(&from, number);
            course.blind.extend(sent);
            course
                .blind
                .extend(watched.iter().filter_map(Watched::blind));
            course.blind.extend(self.unseen_guests(&from, flow));
            note(flow, &course, courses);
        }
    }

    /// Sends one flow again, as the check does. Returns what is to be said of it: that it could not be sent, or that the check holds
    /// by now.
    async fn send(&self, flow: &Probed<'_>, by: Deadline) -> Option<String> {
        let check = flow.check();
        let vantage = match self.testbed.vantage(&check.from) {
            Ok(vantage) => vantage,
            Err(error) => return Some(format!("it was not sent again: {error}")),
        };
        let ghost = matches!(
            (&check.from, &vantage),
            (VantagePoint::Guest(_), Vantage::Machine(_))
        );
        // A guest's program may need longer than that only to start.
        let by = by.child(match vantage {
            Vantage::Machine(_) => PROBE,
            Vantage::Guest(_) | Vantage::Container { .. } => self.asked.patience(PROBE),
        });
        let looking = Looking {
            from: &vantage,
            with: None,
            ghost,
            around: &self.observer.context,
            since: Since::now(),
            by,
        };
        let looked = async {
            let _turn = vantage.turn().await;
            of(&*check.kind).probe(&looking).await
        };
        match tokio::time::timeout_at(by.tokio(), looked).await {
            Ok(Ok(verdict)) if verdict.holds => Some(format!("{WENT_WELL}: {}", verdict.got)),
            Ok(_) | Err(_) => None,
        }
    }

    /// MicroVMs at either end of a flow, inside of which nothing was watched.
    fn unseen_guests(&self, from: &str, flow: &Probed<'_>) -> Vec<String> {
        let to = flow.flow.to;
        let vms = self.testbed.guests.vms();
        let ends = vms.into_iter().filter(|(name, _)| {
            let name = name.as_ref();
            let asks = from == name || from.split('/').next() == Some(name);
            let own = self.addresses.get(name);
            asks || to.is_some_and(|to| own.is_some_and(|own| own.contains(&to)))
        });
        ends.map(|(name, _)| format!("nothing was watched inside of guest {name}"))
            .collect()
    }
}

/// What a place is called among facts and courses.
fn place(from: &VantagePoint) -> String {
    from.to_string()
}
