//! The machines that are watched while probes go out.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::deadline::Deadline;
use crate::diagnosis::{CANARY, Facts, Target, instruments, reading};
use crate::host::netns::Netns;
use crate::host::nft_trace::NftTrace;
use crate::lab::topology::Lab;
use crate::wait::until;

/// How long the last lines of a trace may take to be read.
const LAST_LINES: Duration = Duration::from_millis(300);

/// Forgets neighbours that did not answer before: the kernel would not ask for them again for a second, or not at all.
const FORGET: &str = "ip neigh flush nud failed; ip neigh flush nud incomplete";
/// Forgets all neighbours but those that were written down: so resolution is part of every course.
const FORGET_ALL: &str = "ip neigh flush all";

/// A machine that is watched, or why it is not.
pub(super) struct Watched {
    machine: Arc<Netns>,
    trace: Result<Arc<NftTrace>, String>,
    /// Lines that were read before.
    read: usize,
}

/// Begins to watch all machines.
pub(super) async fn watch(
    lab: &Lab,
    facts: &Facts,
    targets: &[Target],
    neighbours: &BTreeSet<IpAddr>,
    by: Deadline,
) -> Vec<Watched> {
    let machines = lab.machines().map(async |machine| {
        let answers = facts.get(machine.name());
        let links = answers.map(reading::links).unwrap_or_default();
        let links: Vec<String> = links.into_iter().map(|(name, _)| name).collect();
        let commands = instruments(&links, targets, neighbours);
        let trace = start(machine, commands, by).await.map(Arc::new);
        Watched {
            machine: machine.clone(),
            trace,
            read: 0,
        }
    });
    join_all(machines).await
}

/// Starts a trace and waits until it listens: then all tables are loaded, too.
async fn start(machine: &Netns, commands: Vec<String>, by: Deadline) -> Result<NftTrace, String> {
    let started = machine.run(async move { NftTrace::start(&commands, by).await });
    let mut trace = match started.await {
        Ok(Ok(trace)) => trace,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(error) => return Err(error.to_string()),
    };
    let listens = until(by, "a trace of nft", async || {
        let sockets = machine.run(async { NftTrace::sockets() }).await;
        let sockets = sockets.map_err(|error| error.to_string())?;
        match sockets.and_then(|sockets| trace.listens(&sockets)) {
            Ok(true) => Ok(Ok(())),
            Ok(false) => Err("it does not listen".to_owned()),
            Err(ended) => Ok(Err(ended.to_string())),
        }
    });
    match listens.await {
        Ok(Ok(())) => Ok(trace),
        Ok(Err(ended)) => Err(ended),
        Err(late) => Err(late.to_string()),
    }
}

impl Watched {
    /// The machine's name.
    pub(super) fn name(&self) -> &str {
        self.machine.name()
    }

    /// What could not be watched of it, in one sentence.
    pub(super) fn blind(&self) -> Option<String> {
        let name = self.name();
        match &self.trace {
            Err(why) => Some(format!("{name} could not be watched: {why}")),
            Ok(trace) => {
                let why = trace.complaint();
                (!why.is_empty())
                    .then(|| format!("not every hook of {name} could be watched: {why}"))
            }
        }
    }

    /// Prepares for probes: what comes from now on is theirs.
    async fn begin(&mut self, forget_all: bool, by: Deadline) {
        let Ok(trace) = &self.trace else { return };
        let forget = match forget_all {
            true => FORGET_ALL,
            false => FORGET,
        };
        let forgotten = self.machine.run(async move {
            let child = tokio::process::Command::new("sh")
                .args(["-c", forget])
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .kill_on_drop(true)
                .status();
            tokio::time::timeout_at(by.tokio(), child).await
        });
        // What is not forgotten is asked for a second later.
        let _ = forgotten.await;
        // The kernel tells senders of the packets that had waited for these neighbours.
        self.settle(trace).await;
        self.read = trace.lines().len();
    }

    /// What was traced since [`begin`](Self::begin).
    async fn told(&self) -> Vec<(Instant, String)> {
        let Ok(trace) = &self.trace else {
            return Vec::new();
        };
        self.settle(trace).await;
        trace.lines().split_off(self.read)
    }

    /// Waits until all is read that was traced so far.
    async fn settle(&self, trace: &Arc<NftTrace>) {
        let known = Arc::clone(trace);
        let settled = self
            .machine
            .run(async move { known.settle(CANARY, Deadline::after(LAST_LINES)).await });
        if let Ok(Err(error)) = settled.await {
            tracing::debug!(machine = self.name(), %error, "the end of a trace was not seen");
        }
    }

    /// Ends the watch. The tables are gone when this returns.
    pub(super) async fn end(self) {
        if let Ok(trace) = self.trace.map(Arc::into_inner)
            && let Some(trace) = trace
        {
            let ended = self.machine.run(async move { trace.end().await });
            if let Ok(Err(error)) = ended.await {
                tracing::warn!(%error, "a trace could not be ended");
            }
        }
    }
}

/// Prepares all of them for probes. `forget_all`: no neighbour is known then.
pub(super) async fn begin(watched: &mut [Watched], forget_all: bool, by: Deadline) {
    join_all(watched.iter_mut().map(|one| one.begin(forget_all, by))).await;
}

/// What all of them saw since, by name.
pub(super) async fn told(watched: &[Watched]) -> Vec<(String, Vec<(Instant, String)>)> {
    let told = watched
        .iter()
        .map(async |one| (one.name().to_owned(), one.told().await));
    join_all(told).await
}
