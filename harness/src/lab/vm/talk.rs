//! The conversation with a lab VM over its ports, from its boot until its evidence is here.
//!
//! A port's end comes after everything that was written to it. So what the VM said last is never lost.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use super::{LabVm, LabVmError};
use crate::host::unwritten;
use crate::lab::guests::runtime;
use crate::lab::job::{CANCEL, Event, Job};
use crate::plan::Accelerator;
use crate::report::RunReport;

/// How long the VM may take to boot with KVM. Under emulation a boot takes some seconds on an idle machine.
const BOOT_KVM: Duration = Duration::from_secs(60);
/// How long the VM may take to boot under emulation.
const BOOT_TCG: Duration = Duration::from_secs(300);
/// Seconds for which the VM may be silent with KVM. It says every five seconds that it is alive.
const SILENCE_KVM: u32 = 60;
/// Seconds for which the VM may be silent under emulation.
const SILENCE_TCG: u32 = 180;
/// How long unpacking the evidence may take after its last byte has come.
const UNPACK: Duration = Duration::from_secs(60);

/// The worker's report, and how long it took until there was a worker.
pub(super) type WorkerReport = (Box<RunReport>, Duration);

/// The three ports.
pub(super) struct Ports {
    init: Lines<BufReader<OwnedReadHalf>>,
    worker: Lines<BufReader<OwnedReadHalf>>,
    to_worker: OwnedWriteHalf,
    /// Unpacks the archive that comes by the third port.
    unpacking: Child,
    /// Kept open, because the VM takes the end of this half for a sign that nobody listens.
    _to_init: OwnedWriteHalf,
}

impl Ports {
    /// Connects to the sockets of the ports, in the order of their numbers. The archive is unpacked into `evidence` as
    /// it comes.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(super) async fn connect(sockets: [&Path; 3], evidence: &Path) -> io::Result<Self> {
        let (init, to_init) = UnixStream::connect(sockets[0]).await?.into_split();
        let (worker, to_worker) = UnixStream::connect(sockets[1]).await?.into_split();
        let archive = std::os::unix::net::UnixStream::connect(sockets[2])?;
        let unpacking = Command::new("tar")
            .args(["--extract", "--no-same-owner", "--file", "-", "--directory"])
            .arg(evidence)
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(archive)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            init: BufReader::new(init).lines(),
            worker: BufReader::new(worker).lines(),
            to_worker,
            unpacking,
            _to_init: to_init,
        })
    }
}

/// How long the VM may take and be silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Time until it has a worker.
    boot: Duration,
    /// Silence after that, in seconds.
    silence: u32,
}

impl Patience {
    /// For a VM with this accelerator.
    pub(super) fn on(accelerator: Accelerator) -> Self {
        let (boot, silence) = match accelerator {
            Accelerator::Kvm => (BOOT_KVM, SILENCE_KVM),
            Accelerator::Tcg => (BOOT_TCG, SILENCE_TCG),
        };
        Self { boot, silence }
    }
}

/// A conversation with a VM, and whom it passes things on to.
pub(super) struct Talk<'a> {
    pub(super) patience: Patience,
    pub(super) vm: &'a LabVm,
    /// The job as it was asked for here.
    pub(super) job: &'a Job,
    /// The job as the worker in the VM gets it.
    pub(super) inner: &'a Job,
    /// Requests of the user's program.
    pub(super) asked: &'a mut UnboundedReceiver<String>,
    /// Function that passes an event on.
    pub(super) tell: &'a dyn Fn(Event),
    /// Function that returns the last lines of the VM's console.
    pub(super) tail: &'a dyn Fn() -> String,
}

/// What the VM said by its first port.
#[derive(Debug, PartialEq, Eq)]
enum Message<'a> {
    Ready {
        kvm: bool,
        kernel: &'a str,
    },
    Ended(&'a str),
    Sent,
    Failed(&'a str),
    /// Anything else, such as that it is alive.
    Other,
}

impl<'a> Message<'a> {
    fn read(line: &'a str) -> Self {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word {
            "ready" => {
                let (kvm, kernel) = rest.split_once(' ').unwrap_or((rest, ""));
                let kvm = kvm == "kvm";
                Self::Ready { kvm, kernel }
            }
            "ended" => Self::Ended(rest),
            "sent" => Self::Sent,
            "failed" => Self::Failed(rest),
            _ => Self::Other,
        }
    }
}

impl Talk<'_> {
    /// Talks from the VM's start to the run's report, when the evidence is in its folder.
    ///
    /// # Errors
    /// [`LabVmError`]: the VM ended, was silent, or could not do what it is for.
    pub(super) async fn hold(&mut self, ports: &mut Ports) -> Result<WorkerReport, LabVmError> {
        let begun = Instant::now();
        self.wait_until_ready(ports, begun).await?;
        let boot = begun.elapsed();
        let line = serde_json::to_string(self.inner).unwrap_or_default();
        self.send(ports, &line).await?;
        let report = self.relay(ports).await?;
        let unpacked = tokio::time::timeout(UNPACK, ports.unpacking.wait()).await;
        match unpacked {
            Ok(Ok(status)) if status.success() => {}
            other => {
                let error = io::Error::other(format!("unpack what the lab VM sent: {other:?}"));
                unwritten::note(&self.job.evidence, &error);
            }
        }
        Ok((report, boot))
    }

    async fn wait_until_ready(
        &mut self,
        ports: &mut Ports,
        begun: Instant,
    ) -> Result<(), LabVmError> {
        let limit = self.patience.boot;
        let by = tokio::time::Instant::from_std(begun + limit);
        loop {
            let line = tokio::select! {
                line = ports.init.next_line() => line,
                asked = self.asked.recv() => match asked.as_deref() {
                    Some(line) if line.trim() != CANCEL => continue,
                    _ => return Err(LabVmError::Cancelled),
                },
                () = tokio::time::sleep_until(by) => {
                    return Err(LabVmError::BootTimeout { waited: limit, tail: (self.tail)() });
                }
            };
            let Ok(Some(line)) = line else {
                return Err(self.died());
            };
            match Message::read(&line) {
                Message::Ready { kvm: false, .. }
                    if self.job.accelerator == Accelerator::Kvm
                        && runtime(self.job.guests).boots() =>
                {
                    return Err(LabVmError::NoKvm {
                        accelerator: self.vm.accelerator,
                        why: self.vm.accelerator_reason.clone(),
                        tail: (self.tail)(),
                    });
                }
                Message::Ready { kernel, .. } => {
                    let text = format!("the lab VM runs (Linux {kernel})");
                    (self.tell)(Event::Progress { text });
                    return Ok(());
                }
                Message::Failed(what) => return Err(self.refused(what)),
                Message::Ended(_) | Message::Sent | Message::Other => {}
            }
        }
    }

    /// Passes on what the worker and the user's program send each other, until the evidence has been sent.
    async fn relay(&mut self, ports: &mut Ports) -> Result<Box<RunReport>, LabVmError> {
        let mut report = None;
        let mut ended = None;
        let mut worker_speaks = true;
        let limit = self.patience.silence;
        // Count ticks instead of time: when this process is stopped, so is the VM, and both go on together.
        let mut silent = 0;
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                line = ports.worker.next_line(), if worker_speaks => match line {
                    Ok(Some(line)) => {
                        silent = 0;
                        if let Some(last) = self.pass_on(&line) {
                            report = Some(last);
                        }
                    }
                    _ => worker_speaks = false,
                },
                line = ports.init.next_line() => {
                    silent = 0;
                    let Ok(Some(line)) = line else {
                        return report.ok_or_else(|| self.died());
                    };
                    match Message::read(&line) {
                        Message::Ended(status) => ended = Some(status.to_owned()),
                        Message::Sent => break,
                        Message::Failed(what) => tracing::warn!(what, "the lab VM"),
                        Message::Ready { .. } | Message::Other => {}
                    }
                }
                Some(line) = self.asked.recv() => self.send(ports, line.trim_end()).await?,
                _ = clock.tick() => {
                    silent += 1;
                    if silent > limit {
                        let waited = Duration::from_secs(limit.into());
                        return Err(LabVmError::Silent { waited, tail: (self.tail)() });
                    }
                }
            }
        }
        // The worker's last lines are still in its port, even if the VM's last word was read first.
        while report.is_none() && worker_speaks {
            let line = tokio::time::timeout(Duration::from_secs(5), ports.worker.next_line()).await;
            match line {
                Ok(Ok(Some(line))) => report = self.pass_on(&line),
                _ => worker_speaks = false,
            }
        }
        report.ok_or_else(|| LabVmError::NoReport {
            status: ended.unwrap_or_default(),
            tail: (self.tail)(),
        })
    }

    /// Passes an event on, except the report, which is returned: it is passed on when the evidence is here.
    fn pass_on(&self, line: &str) -> Option<Box<RunReport>> {
        let line = super::share::outside(line, &self.job.evidence);
        match serde_json::from_str::<Event>(&line) {
            Ok(Event::Report { report }) => return Some(report),
            Ok(event) => (self.tell)(event),
            Err(error) => {
                tracing::warn!(%error, line, "the worker in the lab VM said something odd")
            }
        }
        None
    }

    async fn send(&self, ports: &mut Ports, line: &str) -> Result<(), LabVmError> {
        let line = format!("{line}\n");
        let sent = ports.to_worker.write_all(line.as_bytes());
        sent.await.map_err(|_| self.died())
    }

    fn died(&self) -> LabVmError {
        LabVmError::Died {
            said: String::new(),
            tail: (self.tail)(),
        }
    }

    fn refused(&self, what: &str) -> LabVmError {
        LabVmError::Refused {
            what: what.to_owned(),
            tail: (self.tail)(),
        }
    }
}

#[cfg(test)]
mod tests;
