//! The queue as files: `NUMBER.waiting` and `NUMBER.running`, each locked by the process whose request it is.
//!
//! A process that changes the queue, or decides by what is in it, holds the lock of the file `turnstile` meanwhile.
//! Leaving needs no lock: removing a file is one step.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::budget::{Budget, Limit, Need};
use super::error::{JobserverError, io_error};

const TURNSTILE: &str = "turnstile";
/// The number of the last request that came.
const LAST: &str = "last";
/// What the machine had when no lab of this queue ran.
const BUDGET: &str = "budget";
const WAITING: &str = "waiting";
const RUNNING: &str = "running";

/// What a request waits for; shown as a sentence that names the runs that it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Requests that came first are not admitted yet.
    Behind(String),
    /// The request is the first, and there is no room for it.
    Room(String),
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Behind(text) | Self::Room(text)) = self;
        f.write_str(text)
    }
}

/// What a request says about itself. Unknown keys are ignored: another version may have written them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Card {
    pub(super) pid: u32,
    pub(super) label: String,
    pub(super) need: Need,
}

/// A request of a living process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) running: bool,
    pub(super) card: Card,
}

/// This process's own request.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    path: PathBuf,
    card: Card,
    held: Flock<File>,
}

impl Ticket {
    /// Whether the file of this name is still this request's: the folder may have been removed and made again.
    pub(super) fn is_there(&self) -> bool {
        match (fs::metadata(&self.path), self.held.metadata()) {
            (Ok(there), Ok(ours)) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
            _ => false,
        }
    }

    /// What the request needs.
    pub(super) fn need(&self) -> Need {
        self.card.need
    }

    /// Writes the card over what the file had.
    fn write(&mut self) -> Result<(), JobserverError> {
        let text = serde_json::to_vec(&self.card).unwrap_or_default();
        let file = &mut *self.held;
        file.rewind()
            .and_then(|()| file.write_all(&text))
            .and_then(|()| file.set_len(text.len() as u64))
            .map_err(io_error("write", &self.path))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // The file goes before the lock: its removal wakes those who wait, and they must not find it.
        if self.is_there() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name's number and whether it runs; `None` for files that are no requests.
pub(super) fn parse_name(name: &str) -> Option<(u64, bool)> {
    let (number, state) = name.split_once('.')?;
    let running = match state {
        RUNNING => true,
        WAITING => false,
        _ => return None,
    };
    Some((number.parse().ok()?, running))
}

fn file_name(number: u64, state: &str) -> String {
    // Ten digits, so that `ls` sorts the files by number.
    format!("{number:010}.{state}")
}

#[derive(Debug)]
pub(super) struct Queue {
    folder: PathBuf,
}

impl Queue {
    pub(super) fn open(folder: &Path) -> Result<Self, JobserverError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io_error("create", folder))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn turnstile(&self) -> Result<Flock<File>, JobserverError> {
        let path = self.folder.join(TURNSTILE);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(io_error("open", &path))?;
        Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| io_error("lock", &path)(errno.into()))
    }

    /// Puts a request at the queue's end.
    pub(super) fn enter(&self, label: &str, need: Need) -> Result<Ticket, JobserverError> {
        let turn = self.turnstile()?;
        let number = self.next_number()?;
        let path = self.folder.join(file_name(number, WAITING));
        let card = Card {
            pid: std::process::id(),
            label: label.to_owned(),
            need,
        };
        let mut options = OpenOptions::new();
        options.create_new(true).write(true).mode(0o600);
        let file = options.open(&path).map_err(io_error("create", &path))?;
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, errno)| io_error("lock", &path)(errno.into()))?;
        let mut ticket = Ticket {
            number,
            path,
            card,
            held,
        };
        ticket.write()?;
        drop(turn);
        Ok(ticket)
    }

    /// A number that no request has had before. A waiting process learns of a request's end by the name of its file,
    /// and some time after the end. If another request had that name by then, it would be taken for the ended one.
    fn next_number(&self) -> Result<u64, JobserverError> {
        let path = self.folder.join(LAST);
        let kept = fs::read_to_string(&path).ok();
        let kept = kept.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let last = self.entries(None)?.last().map_or(0, |entry| entry.number);
        let number = last.max(kept) + 1;
        fs::write(&path, number.to_string()).map_err(io_error("write", &path))?;
        Ok(number)
    }

    /// Changes what a request needs; that wakes those who wait.
    pub(super) fn change(&self, ticket: &mut Ticket, need: Need) -> Result<(), JobserverError> {
        let _turn = self.turnstile()?;
        ticket.card.need = need;
        ticket.write()
    }

    /// Admits the request if it is its turn and there is room; otherwise says what it waits for.
    pub(super) fn try_admit(
        &self,
        ticket: &mut Ticket,
        limit: Limit,
    ) -> Result<Option<Waiting>, JobserverError> {
        let _turn = self.turnstile()?;
        let others = self.entries(Some(ticket.number))?;
        let budget = self.budget(&others);
        let available = super::memory::available_memory();
        if let Some(why) = waits_for(
            &others,
            ticket.number,
            &ticket.card,
            limit,
            budget,
            available,
        ) {
            return Ok(Some(why));
        }
        let running = self.folder.join(file_name(ticket.number, RUNNING));
        fs::rename(&ticket.path, &running).map_err(io_error("rename", &ticket.path))?;
        ticket.path = running;
        Ok(None)
    }

    /// The budget is measured while no lab of this queue runs: what runs is in the kernel's figures already, as far as
    /// it has touched its memory. It is kept for those who come while something runs.
    fn budget(&self, others: &[Entry]) -> Budget {
        let path = self.folder.join(BUDGET);
        let kept = fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        match kept {
            Some(budget) if others.iter().any(|entry| entry.running) => budget,
            _ => {
                let budget = Budget::measure();
                // A process that cannot read the file measures for itself and finds less, so it is not admitted too
                // early.
                let _ = fs::write(&path, serde_json::to_vec(&budget).unwrap_or_default());
                budget
            }
        }
    }

    /// The requests of living processes, in order; removes those of dead ones. `own` is left out, since this process's
    /// own lock would look like another's.
    fn entries(&self, own: Option<u64>) -> Result<Vec<Entry>, JobserverError> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(io_error("list", &self.folder))? {
            let path = file.map_err(io_error("list", &self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some((number, running)) = parse_name(&name) else {
                continue;
            };
            if own == Some(number) {
                continue;
            }
            // The file is gone since the folder was listed: its request has left.
            let Ok(file) = File::open(&path) else {
                continue;
            };
            // The lock is shared, so that two processes that look at once do not take each other for the owner.
            match Flock::lock(file, FlockArg::LockSharedNonblock) {
                Ok(_dead) => {
                    let _ = fs::remove_file(&path);
                }
                Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
                    let mut text = String::new();
                    let _ = file.read_to_string(&mut text);
                    entries.push(Entry {
                        number,
                        running,
                        card: serde_json::from_str(&text).unwrap_or_default(),
                    });
                }
                Err((_, errno)) => return Err(io_error("look at", &path)(errno.into())),
            }
        }
        entries.sort_unstable_by_key(|entry| entry.number);
        Ok(entries)
    }
}

/// What request `number` waits for, beside these others, in words; `None`: it is admitted. Pure.
pub(super) fn waits_for(
    others: &[Entry],
    number: u64,
    card: &Card,
    limit: Limit,
    budget: Budget,
    available: u64,
) -> Option<Waiting> {
    let running: Vec<&Entry> = others.iter().filter(|entry| entry.running).collect();
    let mut ahead = others
        .iter()
        .filter(|entry| !entry.running && entry.number < number);
    if let Some(first) = ahead.next() {
        let more = match ahead.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return Some(Waiting::Behind(format!(
            "waiting behind {}{more}, which came first",
            named(first)
        )));
    }
    if running.is_empty() {
        // A request that is larger than the whole budget runs alone.
        return None;
    }
    let held = || {
        let shown: Vec<String> = running.iter().take(3).map(|entry| named(entry)).collect();
        let more = match running.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("held by {}{more}", shown.join(", "))
    };
    let used = running
        .iter()
        .fold(Need::default(), |sum, entry| sum.plus(entry.card.need));
    let short = limit.short_of(card.need, used, running.len(), budget, available)?;
    let held = held();
    Some(Waiting::Room(format!("waiting for {short}: {held}")))
}

fn named(entry: &Entry) -> String {
    format!("pid {} `{}`", entry.card.pid, entry.card.label)
}
