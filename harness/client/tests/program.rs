//! What becomes of a lab by what the program says, or does not: a shell script stands for it.
#![expect(clippy::expect_used, reason = "fixtures of tests fail as tests do")]

use std::fs;

use bridgelab_client::protocol::{Ask, VERSION};
use bridgelab_client::{HeldLab, Hold, NoLab, Outcome, toml::toml};

/// Greets as this version does.
fn hello() -> String {
    format!(r#"echo '{{"event":"hello","protocol":{VERSION},"program":"bridgelab 0.1.0"}}'"#)
}

const HELD: &str = r#"echo '{"event":"held","places":{"machines":["host","desktop"],"guests":["test1"],"containers":["test1/web"]}}'"#;

const REPORT: &str = r#"echo '{"event":"report","report":{"scenario":"s","variant":null,"outcome":"OUTCOME",
"problem":{"code":"c","chain":["no KVM","no vmx"],"help":null},"differences":[],"checks":[],"steps":[],"leaks":[],
"evidence":"/e","reproduce":"again","ms":7}}' | tr -d '\n'; echo"#;

/// What comes of starting a program that does these lines.
async fn start(lines: &[&str]) -> Result<HeldLab, NoLab> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program.sh");
    let hold = Hold::scenario("x").program(program);
    hold.option(lines.join("\n")).start().await
}

/// The error of a start that must fail.
async fn refused(lines: &[&str]) -> NoLab {
    start(lines).await.expect_err("there is no lab")
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_with_how_to_get_it() {
    let hold = Hold::scenario("x").program("/nowhere/bridgelab");
    let error = hold.start().await.expect_err("it is not there");
    let told = error.to_string();
    assert!(matches!(error, NoLab::NoProgram { .. }), "{told}");
    for words in [
        "start `/nowhere/bridgelab`: there is no such program",
        "`cargo install --path .` in a checkout",
        "BRIDGELAB_BIN=",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_program_of_another_version_is_not_asked_for_anything() {
    let other = r#"echo '{"event":"hello","protocol":9999,"program":"bridgelab 77.0.0"}'"#;
    // It would wait for ever: it is not waited for.
    let error = refused(&[other, "exec sleep 1000"]).await.to_string();
    assert!(
        error.contains("is bridgelab 77.0.0 and speaks version 9999"),
        "{error}"
    );
    for odd in ["echo what", HELD] {
        let error = refused(&[odd]).await.to_string();
        assert!(error.contains("speaks no known version"), "{error}");
    }
}

#[tokio::test]
async fn why_there_is_no_lab_is_told_as_the_program_says_it() {
    let hello = &hello();
    let invalid = refused(&[hello, "echo 'x.toml:3:1: no such key' >&2; exit 2"]).await;
    assert!(
        matches!(&invalid, NoLab::Invalid(told) if told == "x.toml:3:1: no such key\n"),
        "{invalid}"
    );
    let ended = refused(&[hello, "echo 'out of luck' >&2; exit 4"]).await;
    assert_eq!(
        ended.to_string(),
        "bridgelab ended without a lab: out of luck\n"
    );
    let skipped = refused(&[hello, &REPORT.replace("OUTCOME", "skipped"), "exit 3"]).await;
    assert_eq!(skipped.to_string(), "skipped: because no KVM: no vmx");
    let broken = refused(&[hello, &REPORT.replace("OUTCOME", "broken"), "exit 4"]).await;
    assert_eq!(
        broken.to_string(),
        "the lab did not come to stand: no KVM: no vmx"
    );
}

/// Lines are answered one after another, each by its own answer.
#[tokio::test]
async fn what_is_asked_is_written_as_toml_and_what_is_answered_is_told() {
    let invalid = r#"echo '{"event":"answer","answer":{"answer":"invalid","errors":"scenario.toml:9:8: no"}}'"#;
    let refused = r#"echo '{"event":"answer","answer":{"answer":"refused","why":"it is gone"}}'"#;
    let ran = r#"echo '{"event":"answer","answer":{"answer":"ran","output":{"stdout":"out","stderr":"","status":0}}}'"#;
    let asked = tempfile::NamedTempFile::new().expect("a file");
    let keep = format!(
        "read -r line; printf '%s\\n' \"$line\" >>{}",
        asked.path().display()
    );
    let report = REPORT.replace("OUTCOME", "passed");
    let hello = hello();
    let lines = [
        &*hello, HELD, &keep, invalid, &keep, refused, &keep, ran, &keep, &report,
    ];
    let lab = start(&lines).await.expect("it says that there is one");
    let check = toml! { within = "1s" ping = { to = "192.168.1.1" } };
    let desktop = lab.vantage("desktop").expect("a machine");
    let error = desktop.check("up", check).await.expect_err("invalid");
    assert_eq!(error.to_string(), "scenario.toml:9:8: no");
    let guest = lab.guest("test1").expect("a guest");
    let error = guest.stop().await.expect_err("refused");
    assert_eq!(error.to_string(), "it is gone");
    let output = desktop.exec(["true"]).await.expect("an answer");
    assert!(output.success() && output.stdout == "out", "{output:?}");
    let report = lab.finish().await.expect("a report");
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(report.others["ms"], 7);
    let asked = fs::read_to_string(asked.path()).expect("what was asked");
    let asked = asked.lines();
    let asked = asked.map(|line| serde_json::from_str(line).expect("what was asked"));
    let keys = "from = \"desktop\"\nwithin = \"1s\"\n\n[ping]\nto = \"192.168.1.1\"\n";
    let step = "[stop]\nguest = \"test1\"\n";
    let all = [
        Ask::Check {
            id: "up".to_owned(),
            keys: keys.to_owned(),
        },
        Ask::Step {
            id: "test1-stop".to_owned(),
            numbered: true,
            keys: step.to_owned(),
        },
        Ask::Exec {
            from: "desktop".to_owned(),
            words: vec!["true".to_owned()],
            seconds: 30,
        },
        Ask::Finish,
    ];
    assert_eq!(asked.collect::<Vec<Ask>>(), all);
}

/// A test that was dropped or panics is a closed pipe, and the program is waited for.
#[tokio::test]
async fn a_lab_that_is_dropped_is_over() {
    let over = tempfile::tempdir().expect("a folder");
    let mark = over.path().join("over");
    let hello = hello();
    let end = format!("cat >/dev/null; : >{}", mark.display());
    let lab = start(&[&hello, HELD, &end]).await.expect("a lab");
    assert!(!mark.exists());
    drop(lab);
    assert!(mark.exists());
}
