//! Asks this computer's networkd about unit files before a run: networkd reads them in a throw-away namespace without
//! any link but `lo`, and its log says what it makes of them.
//!
//! systemd-analyze(1) does not know networkd's files.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::command;
use super::daemon::Keeper;
use super::isolate::{self, Isolation};
use super::netns::{MachineRoot, Netns};
use super::networkd::{self, Networkd};
use super::networkd_said::{UnitSaid, about_units};
use super::service::ServiceError;
use crate::deadline::Deadline;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::scenario::units::{self, Asked};
use crate::scenario::{Fault, LoadedScenario, UnitFile};

/// Hidden subcommand of the binary that calls [`answer`].
pub const ASK_ARGUMENT: &str = "__ask-networkd";

/// How long one networkd may take to read its files.
const READY: Duration = Duration::from_secs(30);

/// How long the process that asks may take besides; a tenth of a second is usual.
const STARTS: Duration = Duration::from_secs(10);

/// How long the process that asks may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// The files of a folder: name and content.
type Files = Vec<(String, Vec<u8>)>;

/// The last line that the child writes.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    /// What networkd said of each folder.
    Said(Vec<Vec<UnitSaid>>),
    /// Why networkd could not be asked.
    Failed(String),
    /// Which process was ended by a signal, or did not answer in time: that says nothing of this machine or of the
    /// files.
    Unanswered(String),
}

/// Code of the error where networkd, or the process that asks it, was ended or did not answer in time.
pub const NO_ANSWER: &str = "host.networkd-no-answer";

/// What this computer's networkd says of a scenario's unit files, in any of its forms, and no warning has said yet.
///
/// # Errors
/// Why networkd could not be asked: it is not installed, or may not run in a namespace here.
pub fn warnings(loaded: &LoadedScenario) -> Result<Vec<Fault>, Diagnostic> {
    let mut asked: Vec<Asked> = Vec::new();
    for one in loaded.forms().flat_map(units::asked) {
        if !asked.contains(&one) {
            asked.push(one);
        }
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut folders: Vec<&[UnitFile]> = Vec::new();
    for one in &asked {
        if !folders.contains(&one.units.as_slice()) {
            folders.push(&one.units);
        }
    }
    let said = ask(&folders)?;
    let mut found: Vec<Fault> = Vec::new();
    let mut seen: BTreeSet<(PathBuf, usize, String)> = BTreeSet::new();
    for one in &asked {
        let of = folders
            .iter()
            .position(|folder| *folder == one.units.as_slice());
        for said in of.map_or(&[][..], |at| &said[at]) {
            let told = one.fault(&said.file, said.line, &said.words, loaded.warnings());
            let told = told.filter(|fault| {
                seen.insert((fault.file.clone(), fault.line, fault.message.clone()))
            });
            found.extend(told);
        }
    }
    Ok(found)
}

/// What this computer's networkd says of the unit files of each folder.
///
/// # Errors
/// Why networkd could not be asked: it is not installed, or may not run in a namespace here.
fn ask(folders: &[&[UnitFile]]) -> Result<Vec<Vec<UnitSaid>>, Diagnostic> {
    let failed = |why: String| Diagnostic::plain("host.networkd-not-asked", why);
    let daemon = networkd::daemon_path();
    if !daemon.exists() {
        let mut lacking = failed(format!("there is no `{}`", daemon.display()));
        lacking.help = Some("`apt-get install systemd`".to_owned());
        return Err(lacking);
    }
    let files = |folder: &&[UnitFile]| -> Files {
        let files = folder.iter();
        files
            .map(|unit| (unit.name.clone(), unit.bytes.to_vec()))
            .collect()
    };
    let question: Vec<Files> = folders.iter().map(files).collect();
    match converse(&question) {
        Ok(Answer::Said(said)) if said.len() == folders.len() => Ok(said),
        Ok(Answer::Said(_)) => Err(failed("not every folder was answered for".to_owned())),
        Ok(Answer::Failed(why)) => Err(failed(why)),
        Ok(Answer::Unanswered(who)) => Err(Diagnostic::plain(NO_ANSWER, who)),
        Err(error) => Err(failed(format!("ask networkd in a namespace: {error}"))),
    }
}

fn converse(question: &[Files]) -> io::Result<Answer> {
    let folders = u32::try_from(question.len()).unwrap_or(u32::MAX);
    let by = Deadline::after(STARTS + READY.saturating_mul(folders));
    command::apart(async || {
        // This path leads to the running program, even where its file has been replaced.
        let mut child = Command::new("/proc/self/exe")
            .arg(ASK_ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let answer = tokio::time::timeout_at(by.tokio(), exchange(&mut child, question)).await;
        let who = "the process that asks networkd";
        let Ok(answer) = answer else {
            child.kill().await?;
            let late = format!("{who} did not answer within {:.0?}", by.elapsed());
            return Ok(Answer::Unanswered(late));
        };
        // The child's standard input was closed when `told` returned, which ends the child if it has not ended.
        let ended = tokio::time::timeout(GRACE, child.wait()).await;
        match (answer, ended) {
            (Err(_), Ok(Ok(status))) if by_signal(status) => {
                Ok(Answer::Unanswered(format!("{who} ended with {status}")))
            }
            (answer, Ok(_)) => answer,
            (answer, Err(_)) => {
                child.kill().await?;
                answer
            }
        }
    })?
}

/// Whether a signal ended the child, or the process that it waited for: then the child exits with 128 and the signal's
/// number.
fn by_signal(status: ExitStatus) -> bool {
    status.code().is_none_or(|code| code > 128)
}

async fn exchange(child: &mut Child, question: &[Files]) -> io::Result<Answer> {
    let no_pipe = || io::Error::other("no pipe to the child");
    let pid = child.id().ok_or_else(no_pipe)?;
    let mut input = child.stdin.take().ok_or_else(no_pipe)?;
    let output = child.stdout.take().ok_or_else(no_pipe)?;
    let line = format!("{}\n", serde_json::to_string(question)?);
    input.write_all(line.as_bytes()).await?;
    let mut lines = tokio::io::BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if line == isolate::MAP_ME {
            isolate::map_ids(pid).map_err(io::Error::other)?;
            let mapped = format!("{}\n", isolate::MAPPED);
            input.write_all(mapped.as_bytes()).await?;
            continue;
        }
        return Ok(serde_json::from_str(&line)?);
    }
    Err(io::Error::other("it ended without an answer"))
}

/// Body of the child. Must be called before any thread is started.
pub fn answer() -> i32 {
    let answer = look().unwrap_or_else(|error| Answer::Failed(error.to_string()));
    let mut out = io::stdout().lock();
    let told = serde_json::to_writer(&mut out, &answer).map_err(io::Error::from);
    i32::from(told.and_then(|()| writeln!(out)).is_err())
}

fn look() -> io::Result<Answer> {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let question: Vec<Files> = serde_json::from_str(&line)?;
    let avoid: Vec<PathBuf> = std::env::current_exe()
        .into_iter()
        .chain([networkd::daemon_path()])
        .collect();
    let place = isolate::enter(Isolation::Lab, &mut io::stdout(), &mut input, &avoid);
    let place = match place {
        Ok(place) => place,
        Err(error) => return Ok(Answer::Failed(Diagnostic::new(&error).to_string())),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut answers = Vec::new();
    for (index, files) in question.into_iter().enumerate() {
        let folder = place.join(index.to_string());
        match runtime.block_on(read(files, folder)) {
            Ok(said) => answers.push(said),
            Err(answer) => return Ok(answer),
        }
    }
    Ok(Answer::Said(answers))
}

/// Has one networkd read the files of one folder.
async fn read(files: Files, folder: PathBuf) -> Result<Vec<UnitSaid>, Answer> {
    let doing = |error: io::Error| Answer::Failed(format!("ask networkd: {error}"));
    let failed = |error: &dyn Diagnose| Answer::Failed(Diagnostic::new(error).to_string());
    fs::create_dir_all(&folder).map_err(doing)?;
    let unit = |(name, bytes): (String, Vec<u8>)| UnitFile {
        shown: (&name).into(),
        name,
        bytes: bytes.into(),
    };
    let units: Vec<UnitFile> = files.into_iter().map(unit).collect();
    let tmpfs = networkd::PRIVATE.map(PathBuf::from).to_vec();
    let root = MachineRoot {
        tmpfs,
        machine_id: None,
    };
    let machine = Netns::begin("networkd", root).finish();
    let machine = machine.map_err(|error| failed(&error))?;
    let by = Deadline::after(READY);
    let keeper = Keeper::default().on("networkd");
    let started = machine
        .run(Networkd::start(
            keeper,
            units,
            false,
            (folder.clone(), folder.clone()),
            by,
        ))
        .await
        .map_err(|error| failed(&error))?;
    let networkd = started.map_err(|error| {
        let by_signal = |status: &str| status.starts_with("signal");
        match &error {
            ServiceError::Ended { status, .. } if !by_signal(status) => failed(&error),
            ServiceError::Ended { .. } | ServiceError::NotReady { .. } => {
                Answer::Unanswered(Diagnostic::new(&error).to_string())
            }
            _ => failed(&error),
        }
    })?;
    networkd.stop(GRACE).await.map_err(doing)?;
    let log = fs::read(folder.join(networkd::LOG)).map_err(doing)?;
    Ok(about_units(&String::from_utf8_lossy(&log)))
}
