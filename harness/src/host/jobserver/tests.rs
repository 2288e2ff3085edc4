//! Real processes at one queue, and the pure decision.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::wait::until;

use super::budget::{Budget, Limit, Need};
use super::queue::{Card, Entry, Queue, waits_for};
use super::wake::Watch;
use super::{Jobserver, JobserverError, Slot, Waiting, physical_memory};

/// Set for a child process of these tests: the queue's folder.
const FOLDER: &str = "BRIDGELAB_TEST_HOLD_A_SLOT_OF";
/// No test here takes a tenth of this; it ends one that hangs.
const LONG: Duration = Duration::from_secs(60);

fn jobs(folder: &Path, jobs: u32) -> Jobserver {
    Jobserver::new(folder.to_owned(), Limit::Jobs(jobs))
}

async fn slot(folder: &Path, label: &str) -> Slot {
    let server = jobs(folder, 1);
    let asked = server.acquire(label, Need::default(), |_| {});
    let admitted = tokio::time::timeout(LONG, asked).await;
    admitted
        .expect("it is admitted in time")
        .expect("it is admitted")
}

/// Not a test by itself: the body of the processes that [`Holder`] starts.
#[tokio::test]
async fn holds_a_slot_for_another_test() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let _slot = slot(Path::new(&folder), "holder").await;
    println!("\nholding");
    let _ = std::io::stdin().read(&mut [0]);
}

struct Holder(Child);

impl Holder {
    fn start(folder: &Path) -> Self {
        let program = std::env::current_exe().expect("the test's own program");
        let child = Command::new(program)
            .args(["--exact", "--nocapture"])
            .arg("host::jobserver::tests::holds_a_slot_for_another_test")
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self(child)
    }

    fn is_admitted(&mut self) {
        let out = self.0.stdout.as_mut().expect("piped");
        let mut lines = BufReader::new(out).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line == "holding")));
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tells a channel what it waits for, once.
fn reports(to: tokio::sync::mpsc::UnboundedSender<String>) -> impl FnMut(&Waiting) {
    move |why| {
        let _ = to.send(why.to_string());
    }
}

#[tokio::test]
async fn who_waits_is_admitted_when_the_holder_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut holder = Holder::start(folder.path());
    holder.is_admitted();
    let pid = holder.0.id();
    let server = jobs(folder.path(), 1);
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let asked = server.acquire("waiter", Need::default(), reports(told));
    let kill = async {
        let text = hears.recv().await.expect("it says what it waits for");
        assert_eq!(
            text,
            format!("waiting for the only job: held by pid {pid} `holder`")
        );
        holder.0.kill().expect("SIGKILL");
    };
    let (admitted, ()) = tokio::time::timeout(LONG, async { tokio::join!(asked, kill) })
        .await
        .expect("the kernel ends the lock with its process");
    let _slot = admitted.expect("admitted");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the queue")
        .flatten()
        .collect();
    let requests = left.iter().filter(|file| {
        let name = file.file_name();
        name.to_string_lossy().ends_with("ing")
    });
    assert_eq!(requests.count(), 1, "the dead one's is gone: {left:?}");
}

/// The end of a request is told by its name, and some time after it. A request that has that name by then lives, and
/// may itself wait behind the one of which it is told.
#[test]
fn one_that_comes_when_another_has_just_left_is_not_taken_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = Queue::open(folder.path()).expect("a queue");
    let watch = Watch::new(folder.path()).expect("a watch");
    drop(queue.enter("left", Need::default()).expect("a request"));
    let _lives = queue.enter("lives", Need::default()).expect("a request");
    let (_cancel, cancelled) = UnixStream::pair().expect("sockets");
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = tell.send(watch.wait(&cancelled).is_ok());
    });
    let woken = hear.recv_timeout(LONG);
    assert_eq!(woken, Ok(true), "it waits for the lock of one that lives");
}

#[tokio::test]
async fn who_waits_is_admitted_when_another_lab_comes_to_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Jobserver::new(folder.path().to_owned(), Limit::Machine);
    let cores = |millicores| Need {
        memory: 0,
        millicores,
    };
    let all = Budget::measure().millicores;
    let first = server.acquire("first", cores(all), |_| {});
    let mut first = first.await.expect("nothing runs");
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let asked = server.acquire("second", cores(all / 2), reports(told));
    let rest = async {
        let text = hears.recv().await.expect("it says what it waits for");
        assert!(text.contains("cores"), "{text}");
        first.rest().expect("the queue is there");
    };
    let (second, ()) = tokio::time::timeout(LONG, async { tokio::join!(asked, rest) })
        .await
        .expect("there is room");
    let _second = second.expect("admitted");
    // The kernel's lock says that the ended one still lives.
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let third = server.acquire("third", cores(all), reports(told));
    let cancelled = tokio::time::timeout(LONG, async {
        tokio::select! {
            _ = third => panic!("there is no room for it"),
            text = hears.recv() => text.expect("it says what it waits for"),
        }
    });
    let text = cancelled.await.expect("it says so at once");
    assert!(
        text.contains("`first`") && text.contains("`second`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_killed_waiter_does_not_hold_up_those_behind_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = slot(folder.path(), "first").await;
    let mut waiter = Holder::start(folder.path());
    let pid = format!("\"pid\":{}", waiter.0.id());
    let entered = async || {
        let names = std::fs::read_dir(folder.path()).map_err(|e| e.to_string())?;
        let mut texts = names.flatten().map(|file| {
            let text = std::fs::read_to_string(file.path());
            text.unwrap_or_default()
        });
        texts
            .any(|text| text.contains(&pid))
            .then_some(())
            .ok_or_else(|| "it is not in the queue".to_owned())
    };
    until(Deadline::after(LONG), "the child to stand in line", entered)
        .await
        .expect("it comes");
    let server = jobs(folder.path(), 1);
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let mut asked = std::pin::pin!(server.acquire("second", Need::default(), reports(told)));
    let text = tokio::select! {
        _ = &mut asked => panic!("the only job is taken"),
        text = hears.recv() => text.expect("it says what it waits for"),
    };
    let behind = format!(
        "waiting behind pid {} `holder`, which came first",
        waiter.0.id()
    );
    assert_eq!(text, behind);
    waiter.0.kill().expect("SIGKILL");
    // The request now waits for the first, no longer for the dead one.
    let text = tokio::select! {
        _ = &mut asked => panic!("the only job is taken"),
        text = hears.recv() => text.expect("it says what it waits for"),
    };
    assert!(text.ends_with("`first`"), "{text}");
    drop(first);
    let admitted = tokio::time::timeout(LONG, asked).await.expect("in time");
    let _slot = admitted.expect("admitted");
}

#[tokio::test]
async fn they_are_admitted_in_the_order_in_which_they_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = slot(folder.path(), "first").await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let server = jobs(folder.path(), 1);
        let order = Arc::clone(&order);
        let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
        tasks.spawn(async move {
            let label = number.to_string();
            let slot = server.acquire(&label, Need::default(), reports(told));
            let _slot = slot.await.expect("admitted");
            order.lock().expect("no panic").push(number);
        });
        // A request stands in the queue when it says what it waits for.
        let text = tokio::time::timeout(LONG, hears.recv()).await;
        assert!(text.expect("in time").is_some());
    }
    drop(first);
    let all = tokio::time::timeout(LONG, tasks.join_all()).await;
    all.expect("none waits for ever");
    let order = order.lock().expect("no panic").clone();
    assert_eq!(order, Vec::from_iter(0..20));
}

#[tokio::test]
async fn who_gives_up_leaves_the_queue() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = slot(folder.path(), "first").await;
    let server = jobs(folder.path(), 1);
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    tokio::select! {
        _ = server.acquire("second", Need::default(), reports(told)) => panic!("the only job is taken"),
        _ = hears.recv() => {}
    }
    drop(first);
    let _third = slot(folder.path(), "third").await;
}

#[tokio::test]
async fn a_queue_whose_folder_is_removed_is_made_again() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("queue");
    let first = slot(&folder, "first").await;
    let server = jobs(&folder, 1);
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let asked = server.acquire("second", Need::default(), reports(told));
    let remove = async {
        let _ = hears.recv().await;
        // The folder is moved in one step, since a file that is made meanwhile would keep it.
        let away = parent.path().join("away");
        std::fs::rename(&folder, &away).expect("moved");
        let _ = std::fs::remove_dir_all(&away);
    };
    let both = async { tokio::join!(asked, remove) };
    let (admitted, ()) = tokio::time::timeout(LONG, both).await.expect("it notices");
    let second = admitted.expect("admitted");
    // Both have the same name by chance. The end of the first must leave the second's file alone.
    drop(first);
    let third = jobs(&folder, 1);
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    tokio::select! {
        _ = third.acquire("third", Need::default(), reports(told)) => panic!("the only job is taken"),
        text = hears.recv() => assert!(text.expect("words").contains("`second`")),
    }
    drop(second);
}

#[tokio::test]
async fn what_this_machine_can_never_hold_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Jobserver::new(folder.path().to_owned(), Limit::Machine);
    let need = Need {
        memory: physical_memory() + 1,
        millicores: 1,
    };
    let refused = server.acquire("huge", need, |_| {}).await;
    assert!(
        matches!(refused, Err(JobserverError::TooLarge { .. })),
        "{refused:?}"
    );
}

fn entry(number: u64, running: bool, gib: u64) -> Entry {
    let card = card(gib);
    Entry {
        number,
        running,
        card: Card {
            pid: 100 + number as u32,
            label: format!("lab{number}"),
            ..card
        },
    }
}

fn card(gib: u64) -> Card {
    Card {
        pid: 1,
        label: String::new(),
        need: Need {
            memory: gib << 30,
            millicores: 250,
        },
    }
}

#[test]
fn a_big_request_at_the_head_is_not_overtaken() {
    let budget = Budget {
        memory: 4 << 30,
        millicores: 8000,
    };
    let ask = |others: &[Entry], number, gib| {
        let why = waits_for(others, number, &card(gib), Limit::Machine, budget, u64::MAX);
        why.map(|why| why.to_string())
    };
    let running = entry(1, true, 3);
    // The head is too big for what is left. A smaller request behind it would fit.
    assert_eq!(
        ask(&[running.clone(), entry(3, false, 1)], 2, 2).as_deref(),
        Some("waiting for 2 GiB of memory (3 GiB of 4 GiB are taken): held by pid 101 `lab1`")
    );
    assert_eq!(
        ask(&[running.clone(), entry(2, false, 2)], 3, 1).as_deref(),
        Some("waiting behind pid 102 `lab2`, which came first")
    );
    assert_eq!(ask(&[running], 3, 1), None);
    // A request larger than the budget runs alone, and then at once.
    assert_eq!(ask(&[], 2, 100), None);
    assert!(ask(&[entry(1, true, 0)], 2, 100).is_some());
}
