//! Whatever happens to a run at any moment: it ends in time, its ending is a true one, and nothing is left.
//!
//! A usual test run does a few rounds; `.ci/soak 1000` does as many as are wanted, and prints what was tried. What a round
//! does depends on its number and `BRIDGELAB_SOAK_SEED`. At which instruction a signal arrives is chance.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod disturbed;
mod ended;
mod hosts;
mod mutants;
mod tally;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fastrand::Rng;

use ended::{Trial, standing};
use support::turn::alone;
use support::{bridgelab, set_up, skip};
use tally::Tally;

/// Rounds of a usual test run.
const ROUNDS: u64 = 10;

type Kind = fn(&mut Rng) -> Trial;

/// Kinds of rounds, each with its percentage.
const KINDS: [(u32, Kind); 6] = [
    (45, disturbed::ghosts),
    (10, disturbed::everybody),
    (5, disturbed::guest),
    (10, hosts::umask),
    (10, hosts::full_disk),
    (20, mutants::checked),
];

fn number(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |text| {
        text.parse().expect("a number of rounds or a seed")
    })
}

fn trial(seed: u64) -> Trial {
    let mut rng = Rng::with_seed(seed);
    let mut drawn = rng.u32(..KINDS.iter().map(|(share, _)| share).sum::<u32>());
    for (share, kind) in KINDS {
        match drawn.checked_sub(share) {
            Some(less) => drawn = less,
            None => return kind(&mut rng),
        }
    }
    unreachable!("the shares add up to what was drawn from")
}

/// Whether this process ignores SIGHUP by its parent's will: processes that do not handle the signal inherit that.
fn hears_no_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // proc_pid_status(5): bit N - 1 is signal N.
    ignored.is_some_and(|mask| mask & 1 != 0)
}

#[test]
fn whatever_happens_ends_well() {
    assert!(
        !hears_no_hangup(),
        "SIGHUP is ignored, by nohup(1) it seems: a run then goes on as it was told, and its VMM ends; use setsid(1)"
    );
    alone();
    set_up();
    // On a host that cannot run a lab at all, nothing can be said about how labs end.
    let lab = bridgelab(&["run", "tiny-guest", "--guests", "ghost"]).output();
    let lab = lab.expect("the program under test starts");
    if lab.status.code() == Some(3) {
        return skip(&support::told(&lab));
    }
    assert_eq!(lab.status.code(), Some(0), "{}", support::told(&lab));

    let rounds = number("BRIDGELAB_SOAK", ROUNDS);
    let seed = number("BRIDGELAB_SOAK_SEED", 1);
    let before = standing();
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    // Run more labs than there are cores, since a lab waits most of its time.
    let hands = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                loop {
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    if round >= rounds {
                        return;
                    }
                    // Spread the seeds, since generators with neighbouring seeds would draw alike.
                    let trial = trial(seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    let mut tally = tally.lock().expect("no thread failed");
                    tally.count(round, &trial);
                }
            });
        }
    });
    let mut tally = tally.into_inner().expect("no thread failed");
    let after = standing();
    if after != before {
        tally.left_on_the_machine(&before, &after);
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    let rate = rounds as f64 / minutes;
    eprintln!("\nseed {seed}, {rounds} rounds in {minutes:.1} min, {rate:.0} a minute\n{tally}");
    assert!(tally.is_clean(), "not everything held, see above");
}
