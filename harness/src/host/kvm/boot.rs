//! The proof of KVM: a stock kernel without a root file system, judged by its words on the serial console.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::{Accelerator, KvmVerdict};
use crate::deadline::Deadline;
use crate::host::command::{Group, lines_of};
use crate::host::die_with_parent;

/// The kernel's last words without a root file system. To get there it has started its processors, timers, memory
/// management and drivers.
const BOOTED: &str = "Kernel panic - not syncing: VFS: Unable to mount root fs";
/// Time from the end of QEMU's output to QEMU's own end.
const LAST: Duration = Duration::from_secs(2);
/// A kernel's first words.
const STARTED: &str = "Linux version";
/// QEMU's words, after which it halts the guest but does not end.
const BROKEN: [&str; 2] = ["KVM internal error", "KVM: entry failed"];

#[cfg(target_arch = "x86_64")]
const MACHINE: [&str; 2] = ["q35", "ttyS0"];
#[cfg(not(target_arch = "x86_64"))]
const MACHINE: [&str; 2] = ["virt", "ttyAMA0"];

/// Boots `kernel` and judges by its console; nothing is left running.
pub(super) async fn try_boot(
    qemu: &Path,
    kernel: &Path,
    accelerator: Accelerator,
    by: Deadline,
) -> KvmVerdict {
    let mut child = match spawn(qemu, kernel, accelerator) {
        Ok(child) => child,
        Err(error) => {
            let reason = format!("{} did not start: {error}", qemu.display());
            return KvmVerdict::Unproven { reason };
        }
    };
    let id = child.id();
    let who = format!("`{}`, which was to prove KVM,", qemu.display());
    let group = Group::of(id);
    let mut lines = lines_of(&mut child);
    let mut watch = Watch::default();
    let judged = tokio::time::timeout_at(by.tokio(), async {
        while let Some(line) = lines.recv().await {
            if let Some(verdict) = watch.hear(&line, by) {
                return Some(verdict);
            }
        }
        None
    });
    let verdict = match judged.await {
        Ok(Some(verdict)) => verdict,
        // QEMU's output has ended, and QEMU has or is about to.
        Ok(None) => {
            let Ok(Ok(status)) = tokio::time::timeout(LAST, child.wait()).await else {
                return watch.ended();
            };
            group.ended();
            if status.signal().is_none() {
                return watch.ended();
            }
            let reason = format!("{who} ended with {status}, and not by itself");
            return KvmVerdict::Unanswered { reason };
        }
        Err(_) if id.is_some_and(is_stopped) => KvmVerdict::Unanswered {
            reason: format!("{who} was stopped (SIGSTOP), and nobody let it go on"),
        },
        Err(_) => watch.silent(by),
    };
    drop(group);
    // The child was killed just now, so this does not wait for long.
    if let Err(error) = child.wait().await {
        tracing::warn!(%error, "could not wait for the guest that was to prove KVM");
    }
    verdict
}

/// proc_pid_stat(5): whether a process is stopped by a signal.
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|rest| rest.starts_with('T'))
}

fn spawn(qemu: &Path, kernel: &Path, accelerator: Accelerator) -> std::io::Result<Child> {
    let [machine, console] = MACHINE;
    // `panic=-1` reboots at once and `-no-reboot` makes an exit of that.
    let append = format!("console={console} earlyprintk={console} panic=-1");
    let mut command = Command::new(qemu);
    die_with_parent(command.as_std_mut());
    command
        .args([
            "-no-user-config",
            "-nodefaults",
            "-no-reboot",
            "-display",
            "none",
            "-serial",
            "stdio",
        ])
        .args([
            "-machine",
            machine,
            "-accel",
            accelerator.name(),
            "-cpu",
            accelerator.cpu(),
            "-m",
            "256",
        ])
        .arg("-kernel")
        .arg(kernel)
        .args(["-append", &append])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// What has been heard so far.
#[derive(Debug, Default)]
struct Watch {
    started: bool,
    last: Option<String>,
}

impl Watch {
    fn hear(&mut self, line: &str, by: Deadline) -> Option<KvmVerdict> {
        if line.contains(BOOTED) {
            let seen = format!(
                "a stock kernel booted up to its missing root in {:.1?}",
                by.elapsed()
            );
            return Some(KvmVerdict::Works { seen });
        }
        if BROKEN.iter().any(|words| line.contains(words)) {
            return Some(KvmVerdict::no(format!(
                "a stock kernel does not run under it, QEMU says: {line}"
            )));
        }
        self.started |= line.contains(STARTED);
        self.last = Some(line.to_owned());
        None
    }

    fn last(&self) -> &str {
        self.last.as_deref().unwrap_or("nothing at all")
    }

    /// Judges a QEMU that ended by itself before the kernel was up.
    fn ended(&self) -> KvmVerdict {
        let what = if self.started {
            "a stock kernel did not come up"
        } else {
            "QEMU ended before the kernel spoke"
        };
        KvmVerdict::no(format!("{what}; the last line was: {}", self.last()))
    }

    /// Judges at the deadline. A kernel that speaks may merely be slow; one that says nothing does not run.
    fn silent(&self, by: Deadline) -> KvmVerdict {
        if self.started {
            let reason = format!(
                "a stock kernel was not up after {:.1?}; its last line was: {}",
                by.elapsed(),
                self.last()
            );
            return KvmVerdict::Unproven { reason };
        }
        KvmVerdict::no(format!(
            "a stock kernel said nothing in {:.1?}; the last line was: {}",
            by.elapsed(),
            self.last()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command::write_script;
    use crate::scenario::HypervisorKind;

    /// The verdict on a stand-in for QEMU that says `body`.
    async fn booted(body: &str, by: Deadline) -> KvmVerdict {
        let dir = tempfile::tempdir().unwrap();
        let qemu = dir.path().join("qemu");
        write_script(&qemu, body);
        try_boot(&qemu, Path::new("/kernel"), Accelerator::Kvm, by).await
    }

    #[tokio::test]
    async fn only_a_kernel_that_misses_its_root_is_proof() {
        let up = format!(
            "echo '[ 0.0] Linux version 6.12'; echo '[ 1.0] {BOOTED} on unknown-block'; sleep 60"
        );
        assert!(booted(&up, Deadline::secs(5)).await.works());
        let stopped = booted("echo '[ 0.0] Linux version 6.12'", Deadline::secs(5)).await;
        assert!(matches!(stopped, KvmVerdict::No { .. }), "{stopped:?}");
    }

    /// The kernel kills a process for want of memory; that says nothing of KVM.
    #[tokio::test]
    async fn a_qemu_that_a_signal_ended_or_stopped_proves_nothing() {
        for (body, told) in [
            ("echo Linux version 6.12; kill -KILL $$", "SIGKILL"),
            ("kill -TERM $$", "SIGTERM"),
            ("kill -STOP $$", "SIGSTOP"),
        ] {
            let by = Deadline::after(Duration::from_secs(1));
            let KvmVerdict::Unanswered { reason } = booted(body, by).await else {
                panic!("nothing is known: {body}")
            };
            assert!(reason.contains(told), "{reason}");
        }
    }

    #[tokio::test]
    async fn an_internal_error_is_no_at_once_although_qemu_stays() {
        let by = Deadline::secs(20);
        let body = "echo 'KVM internal error. Suberror: 1' >&2; sleep 60";
        let KvmVerdict::No { reason, .. } = booted(body, by).await else {
            panic!("must be No")
        };
        assert!(reason.contains("Suberror: 1"), "{reason}");
        assert!(by.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn silence_is_no_and_slowness_is_unproven() {
        let short = || Deadline::after(Duration::from_millis(300));
        assert!(matches!(
            booted("sleep 60", short()).await,
            KvmVerdict::No { .. }
        ));
        let slow = booted("echo Linux version 6.12; sleep 60", short()).await;
        assert!(matches!(slow, KvmVerdict::Unproven { .. }), "{slow:?}");
    }

    /// With a real kernel in `BRIDGELAB_TEST_KERNEL`: TCG boots it, and so the method proves what it should.
    #[tokio::test]
    async fn a_real_kernel_boots_under_tcg() {
        use crate::host::tool::{Tool, locate};
        let (Some(kernel), Some(qemu)) = (
            std::env::var_os("BRIDGELAB_TEST_KERNEL"),
            locate(Tool::Vmm(HypervisorKind::default())),
        ) else {
            // This is asked for by hand only, so it is no failure under BRIDGELAB_STRICT=1: every scenario boots a real
            // kernel.
            eprintln!("skipped: because BRIDGELAB_TEST_KERNEL is not set, or there is no QEMU");
            return;
        };
        let verdict = try_boot(
            &qemu,
            Path::new(&kernel),
            Accelerator::Tcg,
            Deadline::secs(60),
        )
        .await;
        assert!(verdict.works(), "{verdict:?}");
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if super::super::lacks_virtualisation(&cpu) {
            let verdict = try_boot(
                &qemu,
                Path::new(&kernel),
                Accelerator::Kvm,
                Deadline::secs(10),
            )
            .await;
            assert!(matches!(verdict, KvmVerdict::No { .. }), "{verdict:?}");
        }
    }
}
