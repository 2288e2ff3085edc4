//! `BRIDGELAB_LOG`: what the program and its worker say of themselves.

use support::running::Running;
use support::user::User;
use support::{bridgelab, lan_scenario};

const CHECK: &str = r#"
[[checks]]
id = "router"
from = "desktop"
ping = { to = "192.168.1.1" }
"#;

#[test]
fn the_worker_logs_to_stderr_when_asked_and_the_verdict_is_the_same() {
    let mut verdicts = Vec::new();
    for level in [None, Some("debug")] {
        let user = User::new();
        let scenario = lan_scenario(&user.path("lan"), CHECK);
        let mut run = bridgelab(&["run", "--guests", "ghost"]);
        user.environment(&mut run);
        run.arg(scenario).env_remove("BRIDGELAB_LOG");
        run.envs(level.map(|level| ("BRIDGELAB_LOG", level)));
        let mut run = Running::start(&mut run);
        if !run.reached("checking") {
            return;
        }
        let ended = run.ends();
        assert_eq!(ended.code(), Some(0), "{}", ended.told());
        let logged = ended.progress.contains("carry out");
        assert_eq!(logged, level.is_some(), "{}", ended.progress);
        let verdict = ended.stdout.lines().next().unwrap_or_default();
        verdicts.push(verdict.split(" in ").next().unwrap_or_default().to_owned());
    }
    assert_eq!(verdicts, ["lan: passed (1 of 1 checks hold)"; 2]);
}
