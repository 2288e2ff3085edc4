//! A VM that consists of three sockets, and every way in which the conversation with it may end.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::*;
use crate::diagnostic::Diagnose;
use crate::lab::JobImage;
use crate::lab::ended::broken;

#[test]
fn the_vm_s_own_words() {
    let ready = Message::read("ready kvm 6.12.95+deb13-amd64");
    let kernel = "6.12.95+deb13-amd64";
    assert_eq!(ready, Message::Ready { kvm: true, kernel });
    let without = Message::read("ready no-kvm 6.1");
    assert!(matches!(without, Message::Ready { kvm: false, .. }));
    assert_eq!(Message::read("ended 127"), Message::Ended("127"));
    assert_eq!(Message::read("sent\r"), Message::Sent);
    assert_eq!(
        Message::read("failed modprobe x"),
        Message::Failed("modprobe x")
    );
    assert_eq!(Message::read("alive"), Message::Other);
}

const READY: &str = "booted\nready kvm 6.12\n";

/// What the VM sends to each port, in this order. Then it ends, or lives on for ever.
struct Fake {
    init: &'static str,
    worker: Option<String>,
    then: &'static str,
    lives_on: bool,
}

fn fake(init: &'static str) -> Fake {
    Fake {
        init,
        worker: None,
        then: "",
        lives_on: false,
    }
}

/// A job without images, whose guests would run under KVM.
fn job(evidence: &Path) -> Job {
    let job = json!({
        "scenario": "/src/scenarios/a/scenario.toml",
        "sources": { "text": "", "digests": {} },
        "variant": null,
        "images": {},
        "accelerator": "kvm",
        "accelerator_reason": "",
        "evidence": evidence,
        "keep": false,
        "reproduce": "",
        "vm": LabVm {
            image: JobImage {
                folder: PathBuf::from("/image"),
                digest: "0".to_owned(),
            },
            accelerator: Accelerator::Tcg,
            accelerator_reason: "no vmx".to_owned(),
            mem: 1024,
            vcpu: 2,
            modules: Vec::new(),
            programs: Vec::new(),
            reason: "asked for".to_owned(),
        },
    });
    serde_json::from_value(job).expect("a job")
}

/// How the conversation ends, what the worker got, and what the user was told.
async fn talk(
    fake: Fake,
    asked: &[&str],
) -> (Result<WorkerReport, LabVmError>, String, Vec<String>) {
    let folder = tempfile::tempdir().expect("temporary directory");
    let paths = ["init", "worker", "evidence"].map(|name| folder.path().join(name));
    let [init, worker, evidence] = paths
        .clone()
        .map(|path| UnixListener::bind(path).expect("bind"));
    let vm = tokio::spawn(async move {
        let (mut init, _) = init.accept().await.expect("the first port");
        let (worker, _) = worker.accept().await.expect("the second port");
        let (evidence, _) = evidence.accept().await.expect("the third port");
        // A supervisor that was interrupted no longer reads.
        let _ = init.write_all(fake.init.as_bytes()).await;
        let mut worker = BufReader::new(worker);
        let mut got = String::new();
        if let Some(words) = fake.worker {
            worker.read_line(&mut got).await.expect("a job");
            worker.write_all(words.as_bytes()).await.expect("written");
        }
        drop(evidence);
        init.write_all(fake.then.as_bytes()).await.expect("written");
        if fake.lives_on {
            // Wait until the other side is gone.
            let _ = init.read_to_end(&mut Vec::new()).await;
        }
        got
    });
    let job = job(folder.path());
    let outer = job.vm.clone().expect("a VM");
    let (ask, mut lines) = mpsc::unbounded_channel();
    for line in asked {
        ask.send((*line).to_owned()).expect("sent");
    }
    let told = Mutex::new(Vec::new());
    let [init, worker, evidence] = &paths;
    let mut ports = Ports::connect([init, worker, evidence], folder.path())
        .await
        .expect("connected");
    let mut talk = Talk {
        patience: Patience {
            boot: Duration::from_secs(20),
            silence: 2,
        },
        vm: &outer,
        job: &job,
        inner: &super::super::share::inner_job(&job, &outer),
        asked: &mut lines,
        tell: &|event| {
            if let Event::Progress { text } = event {
                told.lock().expect("one thread").push(text);
            }
        },
        tail: &|| "the console".to_owned(),
    };
    let ended = talk.hold(&mut ports).await;
    drop(ports);
    let got = vm.await.expect("the VM ends");
    (ended, got, told.into_inner().expect("one thread"))
}

fn code(ended: &Result<WorkerReport, LabVmError>) -> &'static str {
    ended.as_ref().map_or_else(Diagnose::code, |_| "report")
}

/// The report of a worker in the VM, as it comes by the port.
fn report() -> String {
    let inside = Path::new("/var/lib/bridgelab/evidence");
    let job = job(inside);
    let report = Box::new(broken(&job, "a", &LabVmError::Cancelled));
    let line = serde_json::to_string(&Event::Report { report }).expect("JSON");
    let progress = "{\"event\":\"progress\",\"text\":\"see /lab/host/src/scenarios/a\"}";
    format!("{progress}\n{line}\n")
}

#[tokio::test]
async fn a_run_comes_back_with_paths_as_they_are_here() {
    let vm = Fake {
        worker: Some(report()),
        then: "alive\nended 0\nsent\n",
        ..fake(READY)
    };
    let (ended, got, told) = talk(vm, &[]).await;
    let (report, _) = ended.expect("a report");
    assert_eq!(
        told,
        ["the lab VM runs (Linux 6.12)", "see /src/scenarios/a"]
    );
    let folder = report.evidence.expect("a folder");
    assert!(!folder.starts_with("/var/lib"), "{}", folder.display());
    let inner: Job = serde_json::from_str(&got).expect("the job");
    assert_eq!(
        inner.scenario,
        Path::new("/lab/host/src/scenarios/a/scenario.toml")
    );
    assert!(inner.vm.is_none() && inner.emulated);
}

#[tokio::test]
async fn every_other_end_has_its_name() {
    let worker = || Some(String::new());
    let after = |then| Fake {
        worker: worker(),
        then,
        ..fake(READY)
    };
    for (vm, wanted) in [
        (fake("booted\n"), "lab-vm.died"),
        (fake("booted\nfailed modprobe x\n"), "lab-vm.refused"),
        (fake("ready no-kvm 6.12\n"), "lab-vm.no-kvm"),
        (after("ended 137\n"), "lab-vm.died"),
        (after("ended 127\nsent\n"), "lab-vm.worker-died"),
        (
            Fake {
                lives_on: true,
                ..after("alive\n")
            },
            "lab-vm.silent",
        ),
    ] {
        let (ended, _, _) = talk(vm, &[]).await;
        assert_eq!(code(&ended), wanted, "{ended:?}");
        let words = ended.expect_err("no report").to_string();
        assert!(words.contains("the console"), "{words}");
    }
}

#[tokio::test]
async fn an_interrupt_does_not_wait_for_the_boot() {
    let booting = || Fake {
        lives_on: true,
        ..fake("booted\n")
    };
    let (ended, _, _) = talk(booting(), &[CANCEL]).await;
    assert_eq!(code(&ended), "lab-vm.cancelled");
}

/// A boot that hangs, with a limit of this test's own.
#[tokio::test]
async fn a_boot_that_hangs_is_given_up() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let paths = ["init", "worker", "evidence"].map(|name| folder.path().join(name));
    let _sockets = paths
        .clone()
        .map(|path| UnixListener::bind(path).expect("bind"));
    let job = job(folder.path());
    let outer = job.vm.clone().expect("a VM");
    let (_ask, mut lines) = mpsc::unbounded_channel();
    let [init, worker, evidence] = &paths;
    let mut ports = Ports::connect([init, worker, evidence], folder.path())
        .await
        .expect("connected");
    let mut talk = Talk {
        patience: Patience {
            boot: Duration::from_millis(200),
            silence: 2,
        },
        vm: &outer,
        job: &job,
        inner: &job,
        asked: &mut lines,
        tell: &|_| {},
        tail: &|| "the console".to_owned(),
    };
    let ended = talk.hold(&mut ports).await;
    assert_eq!(code(&ended), "lab-vm.boot-timeout", "{ended:?}");
}
