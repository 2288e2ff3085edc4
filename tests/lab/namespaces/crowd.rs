//! Fifty labs on a machine that holds four: an orderly queue, output that can be read, every verdict right, and nothing
//! left behind.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use bridgelab_harness::report::Outcome;
use support::processes::wait_until_gone;
use support::turn::alone;
use support::user::User;
use support::{bridgelab, runs, skip};

/// A lab that needs only one machine.
const LONELY: &str = r#"
version = 1
summary = "a machine that has its address, and not another"
base = "none"

[segments.lan]
kind = "switch"

[machines.one]
interfaces = [{ name = "eth0", segment = "lan", addresses = ["192.0.2.1/24"] }]

[[checks]]
id = "address"
from = "one"
within = "200ms"
address = { address = "192.0.2.1/24" }

[variants.other]
must_fail = ["address"]
seen = { address = "192.0.2.2/24 is missing" }

[[variants.other.checks]]
id = "address"
address = { address = "192.0.2.2/24" }
"#;
const LABS: usize = 25;

/// Starts a run of all labs in one form. Its output goes into files, since pipes that nobody reads would stop it.
fn start(user: &User, form: &str, labs: &[PathBuf]) -> Child {
    let file = |end: &str| File::create(user.path(&format!("{form}.{end}"))).expect("a file");
    let jobs = ["run", "--guests", "ghost", "--jobs", "4", "--variant", form];
    let mut command = bridgelab(&jobs);
    user.environment(&mut command);
    command
        .args(labs)
        .arg("--json")
        .arg(user.path(&format!("{form}.json")))
        .env("XDG_RUNTIME_DIR", user.path("runtime"))
        .stdout(file("out"))
        .stderr(file("err"))
        .spawn()
        .expect("the program under test starts")
}

fn text(user: &User, name: &str) -> String {
    fs::read_to_string(user.path(name)).expect("text")
}

/// Names of the queue's requests with that ending; `None`: all of them.
fn requests(queue: &Path, ending: Option<&str>) -> Vec<String> {
    let files = fs::read_dir(queue).into_iter().flatten().flatten();
    files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            let found = name.split_once('.').map(|(_, found)| found);
            found.is_some() && ending.is_none_or(|ending| found == Some(ending))
        })
        .collect()
}

#[test]
fn fifty_labs_of_two_processes_run_four_at_a_time() {
    alone();
    let user = User::new();
    fs::create_dir(user.path("runtime")).expect("a folder");
    // Every fifth lab has a variant that does not fail as it must.
    let wrong = LONELY.replace(
        "address = { address = \"192.0.2.2/24\" }",
        "address = { interface = \"eth0\", address = \"192.0.2.1/24\" }",
    );
    let labs: Vec<PathBuf> = (0..LABS)
        .map(|number| {
            let path = user.path(&format!("lab{number:02}.toml"));
            fs::write(&path, if number % 5 == 0 { &wrong } else { LONELY }).expect("a scenario");
            path
        })
        .collect();
    let mut both = [start(&user, "green", &labs), start(&user, "other", &labs)];
    let queue = user.path("runtime/bridgelab-jobs");
    let mut most = 0;
    while both
        .iter_mut()
        .any(|child| child.try_wait().expect("a child").is_none())
    {
        most = most.max(requests(&queue, Some("running")).len());
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let codes = both.map(|mut child| child.wait().expect("it ended").code());
    if codes[0] == Some(3) {
        return skip(&text(&user, "green.out"));
    }
    assert_eq!(codes, [Some(0), Some(1)], "{}", text(&user, "other.err"));
    assert_eq!(most, 4, "{}", text(&user, "green.err"));

    for (form, failed) in [("green", 0), ("other", LABS / 5)] {
        let runs = runs(&user.path(&format!("{form}.json")));
        assert_eq!(runs.len(), LABS);
        for (number, run) in runs.iter().enumerate() {
            assert_eq!(
                run.scenario,
                format!("lab{number:02}"),
                "in the order asked for"
            );
            let right = if failed > 0 && number % 5 == 0 {
                Outcome::Failed
            } else {
                Outcome::Passed
            };
            assert_eq!(run.outcome, right, "{run:?}");
            assert_eq!(run.leaks, [""; 0]);
        }
        let waited = runs.iter().filter(|run| run.stages[0].name == "queue");
        assert!(waited.count() >= LABS - 4, "the rest stood in line");
        // Each verdict is in one piece: a head, and indented lines below it.
        let out = text(&user, &format!("{form}.out"));
        let heads = out.lines().filter(|line| !line.starts_with(' '));
        assert!(heads.clone().all(|line| line.starts_with("lab")), "{out}");
        assert_eq!(heads.count(), LABS, "{out}");
        let err = text(&user, &format!("{form}.err"));
        assert!(err.contains("waiting for"), "{err}");
        let sum = format!("{} passed, {failed} failed, 0 skipped", LABS - failed);
        assert!(err.contains(&sum), "{err}");
    }
    wait_until_gone(&user.mark());
    assert_eq!(requests(&queue, None), [""; 0], "nobody stands in line");
}
