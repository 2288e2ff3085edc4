//! A check that no fault can fail proves nothing, and a line of a unit file that no check would miss is not tested. So each
//! line of the page's scenarios is taken away, one at a time, and then some check must fail. A line that no check can miss is
//! named in its scenario, with the reason: `# Unseen: FILE: LINE: why`.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridgelab_harness::report::Outcome;
use rstest::rstest;
use support::{bridgelab, ran, root, set_up};

/// Unit file that only a MicroVM can miss, since a ghost has no Docker.
const DOCKER: &str = "19-docker.network";
/// Ghosts run at once for one scenario: more than there are cores, since ghosts mostly wait. The scenarios run beside each
/// other as well.
const AT_ONCE: usize = 4;

/// A line of a unit file.
#[derive(Debug, Clone)]
struct Line {
    scenario: &'static str,
    /// Path below the scenario's folder.
    file: PathBuf,
    /// Number of the line, from 0.
    number: usize,
    text: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}: {}",
            self.scenario,
            self.file.display(),
            self.text
        )
    }
}

fn scenario(name: &str) -> PathBuf {
    root().join("scenarios").join(name)
}

/// The lines of the unit files that the green form of a scenario uses, without those that the scenario names as unseen.
fn lines(scenario_name: &'static str, folders: &[&str]) -> Vec<Line> {
    let folder = scenario(scenario_name);
    let text = fs::read_to_string(folder.join("scenario.toml")).expect("a scenario");
    let mut unseen: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# Unseen: "))
        .collect();
    let mut found = Vec::new();
    for units in folders {
        let mut files: Vec<PathBuf> = fs::read_dir(folder.join(units))
            .expect("unit files")
            .map(|entry| entry.expect("a file").path())
            .collect();
        files.sort();
        for path in files {
            let file = Path::new(units).join(path.file_name().expect("a name"));
            let text = fs::read_to_string(&path).expect("a unit file");
            for (number, line) in text.lines().enumerate() {
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let named = format!("{}: {line}: ", file.display());
                let before = unseen.len();
                unseen.retain(|one| !one.starts_with(&named));
                if unseen.len() == before {
                    found.push(Line {
                        scenario: scenario_name,
                        file: file.clone(),
                        number,
                        text: line.to_owned(),
                    });
                }
            }
        }
    }
    assert_eq!(
        unseen, [""; 0],
        "{scenario_name} names lines that are not there"
    );
    found
}

/// Copies the library without that line, or whole, and gives the checks no more time than they need.
fn copied(scenario: &str, without: Option<&Line>, patience: &str, folder: &Path) -> PathBuf {
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(root().join("scenarios"))
        .arg(folder)
        .status();
    assert!(copied.expect("cp runs").success());
    let copy = folder.join("scenarios").join(scenario);
    if let Some(line) = without {
        let unit = copy.join(&line.file);
        let text = fs::read_to_string(&unit).expect("a unit file");
        let kept = text.lines().enumerate();
        let kept = kept.filter(|(number, _)| *number != line.number);
        let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
        fs::write(&unit, kept.join("\n") + "\n").expect("a unit file");
    }
    let file = copy.join("scenario.toml");
    let mut scenario: toml::Table = fs::read_to_string(&file)
        .expect("a scenario")
        .parse()
        .expect("a scenario");
    let checks = scenario.get_mut("checks").and_then(|it| it.as_array_mut());
    for check in checks.expect("checks") {
        let check = check.as_table_mut().expect("a check");
        if !check.contains_key("fails") {
            check.insert("within".to_owned(), patience.into());
        }
    }
    fs::write(&file, scenario.to_string()).expect("a scenario");
    copy
}

/// What is wrong with a run of the scenario without that line, or of the whole one. If this host cannot run it, that is said
/// aloud and is no fault.
fn fault(scenario: &str, line: Option<&Line>, patience: &str, words: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let copy = copied(scenario, line, patience, folder.path());
    // A line is missed before anything is built if the scenario is invalid without it.
    let checked = bridgelab(&["check"]).arg(&copy).output();
    let checked = checked.expect("the program under test starts");
    if !checked.status.success() {
        return match line {
            Some(_) => None,
            None => Some(format!("{scenario}: {}", support::told(&checked))),
        };
    }
    let mut run = bridgelab(&["run"]);
    run.arg(copy).args(words).arg("--evidence");
    run.arg(folder.path().join("evidence"));
    run.env_remove("BRIDGELAB_SETUP");
    let (report, _) = ran(&mut run, folder.path())?;
    match (report.outcome, line) {
        (Outcome::Failed, Some(_)) | (Outcome::Passed, None) => None,
        (other, Some(line)) => Some(format!("{line}: {other:?}, {:?}", report.problem)),
        (other, None) => Some(format!(
            "{scenario}, whole: {other:?}, {:?}",
            report.differences
        )),
    }
}

/// Tests all lines, some at once, and the whole scenario, which must pass with as little patience.
fn each_is_missed(scenario: &str, lines: &[Line], patience: &str, words: &[&str], at_once: usize) {
    let tasks: Vec<Option<&Line>> = lines.iter().map(Some).chain([None]).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(line) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(why) = fault(scenario, *line, patience, words) {
                        wrong.lock().expect("no thread failed").push(why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no thread failed");
    eprintln!("{scenario}: {} lines, {} faults", lines.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `baseline` has the files of `simple-network`, and only checks that look from end to end.
///
/// What holds in a whole ghost lab holds within the patience, so what does not hold by then is missed. A link without router
/// advertisements is `configured` only when networkd gives up soliciting, after twelve seconds.
#[rstest]
#[case("simple-network", &["host", "guest"], "8s")]
#[ignore = "minutes in which ghosts wait for what does not come; the nightly run has it"]
#[case("two-guests", &["host", "guest1", "guest2"], "8s")]
#[ignore = "likewise"]
#[case("pages/advanced-network", &["host", "guest"], "8s")]
#[ignore = "likewise"]
#[case("pages/routed-network", &["host", "guest"], "20s")]
fn each_line_of_a_unit_file_is_missed_by_a_check(
    #[case] scenario: &'static str,
    #[case] folders: &[&str],
    #[case] patience: &str,
) {
    set_up();
    let mut lines = lines(scenario, folders);
    lines.retain(|line| !line.file.ends_with(DOCKER));
    each_is_missed(scenario, &lines, patience, &["--guests", "ghost"], AT_ONCE);
}

#[test]
#[ignore = "real guests that wait for what does not come, some minutes of it; the nightly run has it"]
fn each_line_about_docker_is_missed_by_a_check() {
    set_up();
    let mut lines = lines("simple-network", &["host", "guest"]);
    lines.retain(|line| line.file.ends_with(DOCKER));
    each_is_missed("simple-network", &lines, "30s", &[], 1);
}
