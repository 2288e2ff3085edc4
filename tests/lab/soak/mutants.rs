//! Trials with scenario files in which anything was changed: each is valid or is not, and nothing else happens.

use std::fs;
use std::path::PathBuf;

use bridgelab_harness::scenario::scenario_names;
use fastrand::Rng;

use super::ended::{Trial, Trialled, folder};
use support::{bridgelab, root};

/// Words that are put into a file.
const WORDS: [&str; 16] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "=",
    "\n",
    "\0",
    "\u{1b}[2J",
    "\u{202e}",
    "../../../etc/shadow",
    "/dev/zero",
    "-1",
    "99999999999999999999",
    "[[checks]]\n",
    "\u{fffd}",
];

fn shipped(rng: &mut Rng) -> PathBuf {
    let scenarios = scenario_names(root()).expect("the library");
    let path = &scenarios[rng.usize(..scenarios.len())].path;
    match path.is_dir() {
        true => path.join("scenario.toml"),
        false => path.clone(),
    }
}

/// Deletes, doubles, exchanges, overwrites or inserts something.
fn mutate(rng: &mut Rng, text: &mut Vec<u8>) {
    let end = text.len().max(1);
    let (from, length) = (rng.usize(..end), rng.usize(1..200));
    let to = (from + length).min(text.len());
    match rng.u8(..5) {
        0 => drop(text.drain(from..to)),
        1 => {
            let piece = text[from..to].to_vec();
            text.splice(to..to, piece);
        }
        2 if !text.is_empty() => text[from.min(to.saturating_sub(1))] = rng.u8(..),
        3 => {
            let word = WORDS[rng.usize(..WORDS.len())];
            text.splice(from.min(to)..from.min(to), word.bytes());
        }
        _ => {
            let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            if !lines.is_empty() {
                let (one, other) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
                lines.swap(one, other);
            }
            *text = lines.concat();
        }
    }
}

/// Runs `bridgelab check` with such a file.
pub(crate) fn checked(rng: &mut Rng) -> Trial {
    let folder = folder();
    let shipped = shipped(rng);
    let mut text = fs::read(&shipped).expect("a scenario");
    let changes = rng.u32(1..6);
    for _ in 0..changes {
        mutate(rng, &mut text);
    }
    let file = folder.path().join("scenario.toml");
    fs::write(&file, &text).expect("a scenario");
    let mut command = bridgelab(&["check"]);
    command.arg(&file);
    let ended = Trialled::start(command, folder).ends();
    let mut ending = ended.is(&[0, 2], None);
    if ended.told.contains(['\u{1b}', '\u{202e}', '\0']) {
        ending = Err(format!("raw control characters: {:?}", ended.told));
    }
    if ending.is_err() {
        ending = ending.map_err(|why| format!("{why}\n{}", String::from_utf8_lossy(&text)));
    }
    Trial {
        what: "a scenario with anything changed in it".to_owned(),
        how: format!("{changes} changes of {}", shipped.display()),
        ending,
        left: ended.left,
    }
}
