//! The times of a run in the trace event format that Perfetto and Chrome (`chrome://tracing`) open. Pure.

use serde_json::{Value, json};

use super::RunReport;

/// Name of the file in the evidence.
pub const FILE: &str = "timeline.perfetto.json";

/// The only process of a trace: the run.
const RUN: u32 = 1;

/// Something that took a while.
struct Slice {
    name: String,
    at_ms: i64,
    ms: u64,
    about: Value,
    /// What was seen meanwhile: when, and in words.
    moments: Vec<(i64, String, Value)>,
}

impl Slice {
    fn end(&self) -> i64 {
        self.at_ms.saturating_add_unsigned(self.ms)
    }
}

/// The trace of a run: stages, what they waited for, steps, and checks with what each saw from when on. What went on at the same time
/// stands on tracks of its own, since slices of one track may only lie within each other.
pub fn trace(run: &RunReport) -> Value {
    let groups = [
        ("stages", stages(run)),
        ("waits", waits(run)),
        ("steps", steps(run)),
        ("checks", checks(run)),
    ];
    let all = groups.iter().flat_map(|(_, slices)| slices);
    // Moments count from the run's start, and a trace has none before its own.
    let first = all.map(|slice| slice.at_ms).min().unwrap_or(0).min(0);
    let mut events = vec![named("process_name", 0, &run.title())];
    let mut tracks = 0;
    for (group, slices) in groups {
        for (number, track) in apart(slices).into_iter().enumerate() {
            tracks += 1;
            let name = match number {
                0 => group.to_owned(),
                more => format!("{group} {}", more + 1),
            };
            events.push(named("thread_name", tracks, &name));
            events.push(json!({
                "ph": "M", "name": "thread_sort_index", "pid": RUN, "tid": tracks, "args": { "sort_index": tracks },
            }));
            for slice in track {
                events.extend(of_slice(&slice, group, tracks, first));
            }
        }
    }
    json!({
        "displayTimeUnit": "ms",
        "traceEvents": events,
        "otherData": {
            "scenario": run.title(), "outcome": run.outcome, "started": run.started, "reproduce": run.reproduce,
            // Of the run's start in this trace, in microseconds.
            "start_ts": -first * 1000,
        },
    })
}

fn named(what: &str, track: u32, name: &str) -> Value {
    json!({ "ph": "M", "name": what, "pid": RUN, "tid": track, "args": { "name": name } })
}

/// A slice, and the moments in it.
fn of_slice(slice: &Slice, group: &str, track: u32, first: i64) -> Vec<Value> {
    let ts = |at_ms: i64| (at_ms - first) * 1000;
    let mut events = vec![json!({
        "ph": "X", "name": slice.name, "cat": group, "pid": RUN, "tid": track,
        "ts": ts(slice.at_ms), "dur": slice.ms * 1000, "args": slice.about,
    })];
    events.extend(slice.moments.iter().map(|(at_ms, name, about)| {
        json!({
            "ph": "i", "s": "t", "name": name, "cat": group, "pid": RUN, "tid": track, "ts": ts(*at_ms), "args": about,
        })
    }));
    events
}

/// Puts slices on as few tracks as there have to be, so that none of a track overlaps another.
fn apart(mut slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    slices.sort_by_key(|slice| (slice.at_ms, slice.end()));
    let mut tracks: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        let free =
            |track: &&mut Vec<Slice>| track.last().is_none_or(|last| last.end() <= slice.at_ms);
        match tracks.iter_mut().find(free) {
            Some(track) => track.push(slice),
            None => tracks.push(vec![slice]),
        }
    }
    tracks
}

fn stages(run: &RunReport) -> Vec<Slice> {
    let stages = run.stages.iter().map(|stage| Slice {
        name: stage.name.clone(),
        at_ms: stage.at_ms,
        ms: stage.ms,
        about: json!({ "cut_short": stage.cut_short }),
        moments: Vec::new(),
    });
    stages.collect()
}

fn waits(run: &RunReport) -> Vec<Slice> {
    let waits = run.waits.iter().map(|wait| Slice {
        name: wait.what.clone(),
        at_ms: wait.at_ms,
        ms: wait.ms,
        about: json!({ "stage": wait.stage }),
        moments: Vec::new(),
    });
    waits.collect()
}

fn steps(run: &RunReport) -> Vec<Slice> {
    let steps = run.steps.iter().map(|step| Slice {
        name: step.id.clone(),
        at_ms: step.at_ms,
        ms: step.ms,
        about: json!({ "command": step.command, "outcome": step.outcome, "said": step.said }),
        moments: Vec::new(),
    });
    steps.collect()
}

fn checks(run: &RunReport) -> Vec<Slice> {
    // Who never looked took no time.
    let looked = run.checks.iter().filter(|check| check.attempts > 0);
    let checks = looked.map(|check| Slice {
        name: check.id.clone(),
        at_ms: check.at_ms,
        ms: check.ms,
        about: json!({
            "from": check.from, "kind": check.kind, "outcome": check.outcome, "expected": check.expected, "got": check.got,
            "attempts": check.attempts,
        }),
        moments: check
            .seen
            .iter()
            .map(|sight| (sight.at_ms, sight.got.clone(), json!({ "holds": sight.holds })))
            .collect(),
    });
    checks.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A run that waited in the queue, and whose checks and stages overlap.
    fn run() -> RunReport {
        let check = |id: &str, at_ms: i64, ms: u64, attempts: u32| {
            json!({
                "id": id, "from": "host", "kind": "ping", "outcome": "passed", "must_fail": false, "expected": "a reply",
                "got": "a reply", "attempts": attempts, "at_ms": at_ms, "ms": ms,
                "seen": [{ "at_ms": at_ms + 5, "holds": false, "got": "no reply" }, { "at_ms": at_ms + 9, "holds": true, "got": "a reply" }],
            })
        };
        let run = json!({
            "scenario": "lan", "variant": "red", "outcome": "passed", "problem": null, "differences": [], "accelerator": "ghost",
            "accelerator_reason": "", "guests": [], "versions": {}, "leaks": [], "evidence": null, "reproduce": "bridgelab run lan",
            "started": "2026-11-30T16:21:09.123Z", "ms": 900,
            "stages": [
                { "name": "queue", "at_ms": -400, "ms": 400 }, { "name": "topology", "at_ms": 0, "ms": 300 },
                { "name": "dad", "at_ms": 0, "ms": 500 }, { "name": "checks", "at_ms": 300, "ms": 600 },
            ],
            "waits": [{ "stage": "topology", "what": "br0 is routable", "at_ms": 10, "ms": 200 }],
            "steps": [{ "id": "down", "action": "link_down", "command": "ip link", "outcome": "done", "may_fail": false, "refused": null,
                        "said": "", "at_ms": 400, "ms": 20 }],
            "checks": [check("a", 300, 100, 2), check("b", 350, 100, 2), check("c", 400, 100, 2), check("unseen", 0, 0, 0)],
        });
        serde_json::from_value(run).expect("a run")
    }

    #[test]
    fn every_slice_lasts_as_long_as_the_report_says_and_none_of_a_track_overlaps_another() {
        let run = run();
        let text = serde_json::to_string(&trace(&run)).expect("JSON");
        let trace: Value = serde_json::from_str(&text).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("events");
        let number = |event: &Value, key: &str| event[key].as_i64().expect("a number");
        let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
        let start = number(&trace["otherData"], "start_ts");
        assert_eq!(start, 400_000, "the queue comes before the start");
        let of_stages = run.stages.iter().map(|one| (&one.name, one.at_ms, one.ms));
        let of_waits = run.waits.iter().map(|one| (&one.what, one.at_ms, one.ms));
        let of_steps = run.steps.iter().map(|one| (&one.id, one.at_ms, one.ms));
        let of_checks = run.checks[..3]
            .iter()
            .map(|one| (&one.id, one.at_ms, one.ms));
        let mut expected = 0;
        for (name, at_ms, ms) in of_stages.chain(of_waits).chain(of_steps).chain(of_checks) {
            let slice = slices
                .iter()
                .find(|slice| slice["name"] == name.as_str())
                .expect(name);
            let times = (number(slice, "ts") - start, number(slice, "dur"));
            assert_eq!(times, (at_ms * 1000, ms as i64 * 1000), "{name}");
            expected += 1;
        }
        assert_eq!(slices.len(), expected);
        let mut tracks: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
        for slice in &slices {
            let from = number(slice, "ts");
            assert!(from >= 0, "{slice}");
            tracks
                .entry(number(slice, "tid"))
                .or_default()
                .push((from, from + number(slice, "dur")));
        }
        for (track, slices) in &mut tracks {
            slices.sort_unstable();
            assert!(
                slices.windows(2).all(|two| two[0].1 <= two[1].0),
                "{track}: {slices:?}"
            );
            let name =
                |event: &&Value| event["name"] == "thread_name" && number(event, "tid") == *track;
            assert_eq!(events.iter().filter(name).count(), 1, "{track}");
        }
        // Checks `a` and `b` overlap, `c` begins when `a` ends; `dad` goes on beside `topology`.
        assert_eq!(tracks.len(), 2 + 1 + 1 + 2);
        for moment in events.iter().filter(|event| event["ph"] == "i") {
            let around = |slice: &&&Value| {
                let from = number(slice, "ts");
                let inside = from..=from + number(slice, "dur");
                slice["tid"] == moment["tid"] && inside.contains(&number(moment, "ts"))
            };
            assert_eq!(slices.iter().filter(around).count(), 1, "{moment}");
        }
        assert_eq!(events.iter().filter(|event| event["ph"] == "i").count(), 6);
    }
}
