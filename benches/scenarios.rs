//! How long the pure part takes: reading, validating and planning each form of each scenario, and of large and wrong
//! files besides.
//!
//! `cargo bench --bench scenarios`. Prints the median and the longest of some rounds, for each file its lines and
//! forms, and for the large ones what twice as much of the same takes: near 2 is linear, near 4 quadratic.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot run has nothing better to do"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bridgelab_harness::lab::show_plan;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::scenario::{load_text, scenario_names};

const ROUNDS: usize = 9;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    println!(
        "{:44} {:>6} {:>6} {:>10} {:>10}",
        "", "lines", "forms", "median", "longest"
    );
    let mut whole = Duration::ZERO;
    for scenario in scenario_names(root).expect("the scenarios") {
        let file = if scenario.path.is_dir() {
            scenario.path.join("scenario.toml")
        } else {
            scenario.path
        };
        let text = fs::read_to_string(&file).expect("a scenario");
        let measured = Measured::of(&file, &text);
        measured.print(&scenario.name);
        whole += measured.median;
    }
    println!("{:44} {:>13} {whole:>10.1?}", "all of them", "");
    let path = root.join("scenarios/large.toml");
    for (what, text) in LARGE {
        let (once, twice) = (text(1), text(2));
        let (once, twice) = (Measured::of(&path, &once), Measured::of(&path, &twice));
        once.print(what);
        let ratio = twice.median.as_secs_f64() / once.median.as_secs_f64();
        twice.print(&format!("  twice as much: {ratio:.1} times as long"));
    }
}

struct Measured {
    lines: usize,
    /// `None`: it is rejected, so many faults.
    forms: Result<usize, usize>,
    median: Duration,
    longest: Duration,
}

impl Measured {
    fn of(path: &Path, text: &str) -> Self {
        let mut times = Vec::new();
        let mut forms = Ok(0);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            forms = match load_text(path, text.to_owned()) {
                Ok(loaded) => {
                    let plans = loaded.forms().map(|form| show_plan(form, GuestKind::Vm));
                    Ok(plans.filter(|plan| !plan.is_empty()).count())
                }
                // What a user sees is part of it.
                Err(errors) => Err(errors.faults().count().min(errors.render(false).len())),
            };
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        Self {
            lines: text.lines().count(),
            forms,
            median: times[ROUNDS / 2],
            longest: times[ROUNDS - 1],
        }
    }

    fn print(&self, name: &str) {
        let forms = match self.forms {
            Ok(forms) => forms.to_string(),
            Err(faults) => format!("!{faults}"),
        };
        let (median, longest) = (self.median, self.longest);
        println!(
            "{name:44} {:>6} {forms:>6} {median:>10.1?} {longest:>10.1?}",
            self.lines
        );
    }
}

const HEAD: &str = "version = 1\nsummary = \"large\"\n";

type Large = fn(usize) -> String;

/// What takes longest if anything does; `times` makes more of the same, and twice of it is within the limits of a scenario.
const LARGE: [(&str, Large); 6] = [
    ("5,000 lines of checks", |times| {
        let mut text = HEAD.to_owned();
        for check in 0..1250 * times {
            let _ = writeln!(
                text,
                "[[checks]]\nid = \"c{check}\"\nfrom = \"desktop\"\nping = {{ to = \"192.168.1.1\" }}"
            );
        }
        text
    }),
    ("50 guests, each looked at by each other's", |times| {
        guests(50 * times, 20, "g")
    }),
    ("50 guests, every check from nowhere", |times| {
        guests(50 * times, 20, "h")
    }),
    ("5,000 lines that are not TOML", |times| {
        "a = b] = c\n".repeat(5000 * times)
    }),
    ("10,000 unknown keys", |times| {
        (0..10_000 * times).fold(HEAD.to_owned(), |text, key| {
            text + &format!("key{key} = 1\n")
        })
    }),
    ("50 variants of 50 checks", |times| {
        let mut text = guests(1, 50, "g");
        for variant in 0..50 * times {
            let _ = writeln!(text, "[variants.v{variant}]\nmust_fail = [\"c0-1\"]");
        }
        text
    }),
];

/// Guests, with checks from the guest that `from` and a number name.
fn guests(count: usize, checks: usize, from: &str) -> String {
    let mut text = HEAD.to_owned();
    for guest in 0..count {
        let (high, low) = (guest / 256, guest % 256);
        let _ = writeln!(
            text,
            "[guests.g{guest}]\ninterfaces = [{{ type = \"tap\", id = \"vm-{guest}\", mac = \"02:00:00:00:{high:02x}:{low:02x}\" }}]"
        );
        for check in 0..checks {
            let other = (guest + check) % count;
            let _ = writeln!(
                text,
                "[[checks]]\nid = \"c{guest}-{check}\"\nfrom = \"{from}{other}\"\nping = {{ to = \"192.168.1.1\" }}"
            );
        }
    }
    text
}
