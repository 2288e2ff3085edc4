//! Trials with a signal for one process of a run, whichever it is, at any moment.

use std::time::Duration;

use fastrand::Rng;

use super::ended::{Trial, Trialled, folder};
use support::bridgelab;
use support::processes::{Process, marked, signal};

/// Signals that a process is sent, with the number that shows in the status of a process that it ends.
const SIGNALS: [(&str, i32); 6] = [
    ("KILL", 9),
    ("TERM", 15),
    ("HUP", 1),
    ("INT", 2),
    ("ABRT", 6),
    ("STOP", 19),
];
/// Milliseconds until a stopped process goes on; `None`: never.
const STOPPED: [Option<u64>; 3] = [Some(300), Some(3000), None];

/// A run whose guests are ghosts, which takes some four seconds.
pub(crate) fn ghosts(rng: &mut Rng) -> Trial {
    // Send half of the signals while the lab is built or taken down.
    let within = if rng.bool() { 300 } else { 4200 };
    disturbed(rng, &["--guests", "ghost"], within)
}

/// A run with a MicroVM.
pub(crate) fn guest(rng: &mut Rng) -> Trial {
    disturbed(rng, &[], 10_000)
}

/// Signals to every process of a run, as service managers and CI systems send them; the program gets its own last, or not.
pub(crate) fn everybody(rng: &mut Rng) -> Trial {
    const ALL: [(&str, i32, i32); 4] = [
        ("TERM", 15, 143),
        ("HUP", 1, 129),
        ("INT", 2, 130),
        ("KILL", 9, 0),
    ];
    let folder = folder();
    let mut command = bridgelab(&["run", "tiny-guest", "--evidence"]);
    command.arg(folder.path().join("evidence"));
    let with_guest = rng.u8(..10) == 0;
    if !with_guest {
        command.args(["--guests", "ghost"]);
    }
    let after = Duration::from_millis(rng.u64(5..if with_guest { 10_000 } else { 4200 }));
    let (name, number, code) = ALL[rng.usize(..ALL.len())];
    let last = rng.bool();
    let mut run = Trialled::start(command, folder);
    run.running.goes_on_until(after);
    let mut all = marked(&run.mark);
    all.sort_by_key(|process| process.pid.parse().unwrap_or(0_u32));
    if last {
        all.reverse();
    }
    if all.is_empty() {
        return undisturbed(run, after);
    }
    signal(&format!("-{name}"), &all);
    let ended = run.ends();
    let unheard = ended.told.is_empty();
    // The run was over, or was ended by this signal. It must not be broken by a process that ended before it.
    let by = (name == "KILL" || unheard).then_some(number);
    Trial {
        what: format!("SIG{name} of every process"),
        how: format!("after {after:?}, the program last: {last}"),
        ending: ended.is(&[0, code], by),
        left: ended.left,
    }
}

fn disturbed(rng: &mut Rng, words: &[&str], within: u64) -> Trial {
    let folder = folder();
    let mut command = bridgelab(&["run", "tiny-guest"]);
    command.args(words).arg("--evidence");
    command.arg(folder.path().join("evidence"));
    let after = Duration::from_millis(rng.u64(5..within));
    let (name, number) = SIGNALS[rng.usize(..SIGNALS.len())];
    let goes_on = STOPPED[rng.usize(..STOPPED.len())];
    let mut run = Trialled::start(command, folder);
    run.running.goes_on_until(after);

    let mut processes = marked(&run.mark);
    processes.sort_by_key(|process| process.pid.parse().unwrap_or(0_u32));
    let program = run.running.child.id().to_string();
    // Choose the program a third of the time: it is one of many processes, but the one that users end.
    let chosen = match rng.u8(..3) == 0 {
        true => processes.iter().position(|one| one.pid == program),
        false => (!processes.is_empty()).then(|| rng.usize(..processes.len())),
    };
    let Some(chosen) = chosen.map(|index| processes.swap_remove(index)) else {
        return undisturbed(run, after);
    };
    let whom = part(&chosen, &program);
    let what = match (name, goes_on) {
        ("STOP", None) => format!("SIGSTOP of {whom} for good"),
        ("STOP", Some(_)) => format!("SIGSTOP of {whom} for a while"),
        (other, _) => format!("SIG{other} of {whom}"),
    };
    let chosen = [chosen];
    signal(&format!("-{name}"), &chosen);
    let is_program = whom == "the program";
    if name == "STOP" {
        match goes_on {
            Some(time) => {
                let until = run.running.begun.elapsed() + Duration::from_millis(time);
                run.running.goes_on_until(until);
                signal("-CONT", &chosen);
            }
            // Kill a program that never goes on: nobody can wait for it, and only that it can be killed must hold.
            None if is_program => signal("-KILL", &chosen),
            None => {}
        }
    }
    let ended = run.ends();
    let unheard = ended.told.is_empty();
    // A signal that comes too late changes nothing. Never 1, since nothing is wrong with the network.
    let (codes, by): (&[i32], _) = match (is_program, name, goes_on) {
        (true, "KILL" | "ABRT", _) => (&[0], Some(number)),
        (true, "STOP", None) => (&[0], Some(9)),
        // A program that has not printed anything may not listen yet, and is ended by the signal itself.
        (true, "TERM", _) => (&[0, 143], unheard.then_some(number)),
        (true, "HUP", _) => (&[0, 129], unheard.then_some(number)),
        (true, "INT", _) => (&[0, 130], unheard.then_some(number)),
        // The worker may have told the program what ended it.
        _ => (&[0, 4], None),
    };
    Trial {
        what,
        how: format!("after {after:?}"),
        ending: ended.is(codes, by),
        left: ended.left,
    }
}

fn undisturbed(run: Trialled, after: Duration) -> Trial {
    let ended = run.ends();
    Trial {
        what: "nothing, the run was over".to_owned(),
        how: format!("after {after:?}"),
        ending: ended.is(&[0], None),
        left: ended.left,
    }
}

/// The part that a process has in the run.
fn part(process: &Process, program: &str) -> String {
    match process.name.as_str() {
        _ if process.pid == program => "the program".to_owned(),
        "bridgelab" => "the worker".to_owned(),
        // The probe is started as /proc/self/exe.
        "exe" => "the probe".to_owned(),
        "tiny1" => "the VMM".to_owned(),
        other => other.to_owned(),
    }
}
