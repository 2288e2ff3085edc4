//! The scenario files of this repository: every good one loads with all its variants, and every one in `scenarios/invalid/` is
//! rejected with exactly the message beside it. Needs no rights and no network.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; the lints know only the test functions themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use bridgelab_harness::scenario::{LoadedScenario, VantagePoint, load, render, scenario_names};
use support::root;
use support::turn::beside_others;

/// Loads a scenario, or fails with what a user would see.
fn good(path: &Path) -> LoadedScenario {
    load(path).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

#[test]
fn every_scenario_loads_with_all_its_variants() {
    let scenarios = scenario_names(root()).unwrap();
    assert!(
        scenarios
            .iter()
            .any(|scenario| scenario.name == "simple-network")
    );
    for scenario in scenarios {
        let loaded = good(&scenario.path);
        assert!(
            scenario.name.ends_with(loaded.name()),
            "{} is {}",
            scenario.name,
            loaded.name()
        );
        let green = loaded.scenario(None).unwrap();
        assert!(green.must_fail.is_empty() && green.variant.is_none());
        assert!(!green.checks.is_empty(), "{} checks nothing", scenario.name);
        assert!(
            green.source.is_some(),
            "{} comes from nowhere",
            scenario.name
        );
        for variant in loaded.variants() {
            let laid = loaded.scenario(Some(variant)).unwrap();
            assert_eq!(laid.variant.as_ref(), Some(variant));
        }
    }
}

/// The first example of the scenarios' README loads as it is when somebody copies it.
#[test]
fn the_first_example_has_ten_lines_and_loads() {
    let text = fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    let (_, text) = text.split_once("\n## By example\n").unwrap();
    let mut blocks = text
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split_once("```").unwrap().0);
    let (smallest, variant) = (blocks.next().unwrap(), blocks.next().unwrap());
    let lines = smallest.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.count(), 10, "{smallest}");
    let folder = tempfile::tempdir().unwrap();
    copy_units(folder.path());
    let path = folder.path().join("scenario.toml");
    for (text, forms) in [(smallest, 1), (&format!("{smallest}\n{variant}"), 2)] {
        fs::write(&path, text).unwrap();
        assert_eq!(good(&path).forms().count(), forms);
    }
}

/// The README's table has every scenario, since people look there for one like theirs.
#[test]
fn every_scenario_has_a_row_in_the_readme() {
    let text = fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for scenario in scenario_names(root()).unwrap() {
        let name = format!("`{}`", scenario.name);
        assert!(rows.iter().any(|row| row.contains(&name)), "{name}");
    }
}

/// A doubtful line of a unit file in the library must be mended, or declared as meant by `faulty_units`.
#[test]
fn no_scenario_has_a_warning() {
    for name in scenario_names(root()).unwrap() {
        let loaded = good(&name.path);
        let told = render(loaded.warnings(), false);
        assert!(told.is_empty(), "{}:\n{told}", name.name);
    }
}

#[test]
fn every_invalid_scenario_is_rejected_with_the_message_beside_it() {
    let mut rejected = 0;
    let mut wrong = Vec::new();
    for path in expectations() {
        let expected = fs::read_to_string(&path).unwrap();
        let folder = path.with_extension("");
        let scenario = if folder.is_dir() {
            folder
        } else {
            path.with_extension("toml")
        };
        let got = match load(&scenario) {
            Ok(_) => "it was accepted\n".to_owned(),
            Err(errors) => errors.render(false),
        };
        if got != expected {
            wrong.push(format!(
                "{}\n--- expected\n{expected}--- got\n{got}",
                scenario.display()
            ));
        }
        rejected += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        rejected,
        invalid_scenarios(),
        "each has its message beside it"
    );
}

fn in_invalid() -> impl Iterator<Item = PathBuf> {
    fs::read_dir(root().join("scenarios/invalid"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
}

fn expectations() -> impl Iterator<Item = PathBuf> {
    in_invalid().filter(|path| path.extension().is_some_and(|ext| ext == "expected"))
}

fn invalid_scenarios() -> usize {
    let is_scenario =
        |path: &PathBuf| path.is_dir() || path.extension().is_some_and(|e| e == "toml");
    in_invalid().filter(is_scenario).count()
}

/// In each variant of the page's scenario, the checks that must fail are named and are of the right kind.
#[test]
fn simple_network_blames_the_right_side() {
    let loaded = good(&root().join("scenarios/simple-network"));
    let ids = |name: &str| -> Vec<_> {
        let variant = loaded
            .variants()
            .find(|variant| variant.as_str() == name)
            .unwrap();
        let scenario = loaded.scenario(Some(variant)).unwrap();
        let failing = |id: &_| scenario.must_fail.contains_key(id);
        scenario
            .checks
            .into_iter()
            .map(|check| (failing(&check.id), check))
            .collect()
    };
    for (fails, check) in ids("no-19-docker") {
        let of_container = matches!(check.from, VantagePoint::Container(..))
            || check.id.as_str().starts_with("container-");
        assert_eq!(fails, of_container, "{}", check.id);
    }
    for (fails, check) in ids("tap-outside-match") {
        let id = check.id.as_str();
        let local = [
            "guest-address-v4",
            "guest-address-v6",
            "guest-route-v4",
            "guest-link",
            "container-veth",
        ];
        let crosses_the_tap =
            (id.contains("guest") || id.contains("container") || id.contains("tap"))
                && !local.contains(&id);
        assert_eq!(fails, crosses_the_tap, "{id}");
    }
}

/// Truncations and flipped bytes of a real file may give faults, but never a panic.
#[test]
fn nothing_that_is_typed_makes_it_panic() {
    const THREADS: usize = 4;
    let original = fs::read(root().join("scenarios/simple-network/scenario.toml")).unwrap();
    thread::scope(|scope| {
        for part in 0..THREADS {
            let original = &original;
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                copy_units(folder.path());
                let path = folder.path().join("mutant.toml");
                let step = original.len() / 100;
                for cut in (part * step / THREADS..original.len()).step_by(step) {
                    survives(&path, &original[..cut]);
                }
                for mutant in mutants(original, part).take(400) {
                    survives(&path, &mutant);
                }
            });
        }
    });
}

fn copy_units(to: &Path) {
    for folder in ["host", "guest"] {
        fs::create_dir(to.join(folder)).unwrap();
        let from = root().join("scenarios/simple-network").join(folder);
        for file in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
            fs::copy(file.path(), to.join(folder).join(file.file_name())).unwrap();
        }
    }
}

fn survives(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    if let Err(errors) = load(path) {
        assert!(!errors.render(false).is_empty());
    }
}

/// The file with one to three bytes changed, removed or inserted; the same changes in every run.
fn mutants(original: &[u8], seed: usize) -> impl Iterator<Item = Vec<u8>> {
    const BYTES: &[u8] = b"\0\n\"'[]{}=.,#-_/:0aZ \xc3\xff";
    let mut state = u64::try_from(seed).unwrap();
    // The generator is that of Knuth's MMIX.
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    std::iter::repeat_with(move || {
        let mut mutant = original.to_vec();
        for _ in 0..=random(3) {
            let at = random(mutant.len());
            match random(3) {
                0 => mutant[at] = BYTES[random(BYTES.len())],
                1 => mutant.insert(at, BYTES[random(BYTES.len())]),
                _ => drop(mutant.remove(at)),
            }
        }
        mutant
    })
}

/// A hundred guests with 25 checks each, and a fault in every one of them.
#[test]
fn every_fault_of_a_large_file_is_told() {
    beside_others();
    use std::fmt::Write as _;
    let mut text = String::from("version = 1\nsummary = \"large\"\n");
    for guest in 0..100 {
        writeln!(text, "[guests.g{guest}]\ninterfaces = [{{ type = \"tap\", id = \"vm-{guest}\", mac = \"02:00:00:00:00:{guest:02x}\" }}]").unwrap();
        for check in 0..25 {
            writeln!(text, "[[checks]]\nid = \"c{guest}-{check}\"\nfrom = \"h{guest}\"\nping = {{ to = \"192.168.1.1\" }}").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    fs::write(&path, text).unwrap();
    let errors = load(&path).unwrap_err();
    assert_eq!(errors.faults().count(), 2500);
}
