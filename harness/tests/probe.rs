//! The real probe: started again as its own child, in namespaces of its own, on this machine.
//!
//! No libtest here, because the child has to enter its namespaces before any thread exists.

use std::path::PathBuf;
use std::process::ExitCode;

use bridgelab_harness::deadline::Deadline;
use bridgelab_harness::host::capability::{Capability, strict};
use bridgelab_harness::host::doctor::{Doctor, Style};
use bridgelab_harness::host::probe::{
    Attempt, PROBE_ARGUMENT, ProbeCommand, ProbeReport, probe, probe_child,
};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == PROBE_ARGUMENT)
    {
        probe_child();
    }
    let trials = vec![
        Trial::test(
            "every_capability_is_tried_and_nothing_is_left",
            nothing_is_left,
        ),
        Trial::test("a_child_that_says_nonsense_is_an_error", nonsense),
        Trial::test("a_child_that_hangs_is_killed_in_time", hanging),
        Trial::test("the_doctor_examines_this_machine", doctor),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn wait<T>(work: impl Future<Output = T>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(work))
}

fn links() -> Result<String, Failed> {
    Ok(std::fs::read_to_string("/proc/self/net/dev")?
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect())
}

fn works(report: &ProbeReport, capability: Capability) -> bool {
    matches!(
        report.attempts.get(&capability),
        Some(Attempt::Works { .. })
    )
}

fn nothing_is_left() -> Result<(), Failed> {
    let before = links()?;
    let report = wait(probe(&ProbeCommand::this_program(), Deadline::secs(20)))??;
    println!("{report:#?}");
    assert_eq!(
        links()?,
        before,
        "the probe must not touch the caller's network"
    );
    if !works(&report, Capability::Namespaces) {
        let why = "no namespaces for this user, so nothing else could be tried";
        assert!(!strict(), "skipped under BRIDGELAB_STRICT=1: {why}");
        println!("skipped: because {why}");
        return Ok(());
    }
    for capability in [
        Capability::Bridge,
        Capability::Veth,
        Capability::Tap,
        Capability::Macvtap,
    ] {
        assert!(
            report.attempts.contains_key(&capability),
            "{capability} was not tried"
        );
    }
    Ok(())
}

fn shell(script: &str) -> ProbeCommand {
    ProbeCommand {
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".into(), script.into()],
    }
}

fn nonsense() -> Result<(), Failed> {
    let command = shell("echo hello; echo broken >&2; exit 3");
    let Err(error) = wait(probe(&command, Deadline::secs(5)))? else {
        return Err("it must fail".into());
    };
    let said = error.to_string();
    assert!(
        said.contains("broken") && said.contains("exit status: 3"),
        "{said}"
    );
    Ok(())
}

fn hanging() -> Result<(), Failed> {
    let by = Deadline::after(std::time::Duration::from_millis(300));
    let Err(error) = wait(probe(&shell("sleep 60 & sleep 60"), by))? else {
        return Err("it must fail".into());
    };
    assert!(error.to_string().contains("was killed"), "{error}");
    assert!(by.elapsed().as_secs() < 3);
    Ok(())
}

fn doctor() -> Result<(), Failed> {
    let cache = tempfile::tempdir()?;
    let mut doctor = Doctor::new(cache.path().to_owned());
    doctor.prove_kvm = false;
    let by = Deadline::secs(30);
    let report = wait(doctor.examine(by))?;
    println!(
        "{}examined in {:.1?}",
        report.to_text(Style::Plain),
        by.elapsed()
    );
    for capability in Capability::all() {
        assert!(
            report.finding(capability).is_some(),
            "nothing was said about {capability}"
        );
    }
    assert_eq!(report.findings.len(), Capability::all().len());
    serde_json::to_string(&report)?;
    Ok(())
}
