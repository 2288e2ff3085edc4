//! The machine that is measured on: no figure is worth anything without it.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use bridgelab_harness::deadline::Deadline;
use bridgelab_harness::host::doctor::{Doctor, DoctorReport};
use bridgelab_harness::host::kvm::KvmVerdict;
use bridgelab_harness::host::tool::Tool;
use bridgelab_harness::hypervisor::{Accelerator, QEMU};
use bridgelab_harness::image::Store;
use serde::{Deserialize, Serialize};

/// Where and when something was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// When it began, RFC 3339.
    pub(super) begun: String,
    /// Version of bridgelab, and whether it is a `release` or a `debug` build.
    pub(super) bridgelab: String,
    pub(super) distribution: String,
    pub(super) kernel: String,
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_mib: u64,
    pub(super) qemu: Option<String>,
    pub(super) systemd: Option<String>,
    /// `kvm` or `tcg`.
    pub(super) accelerator: String,
    /// Processes that wanted a core in the last minute before it began: what else the machine had to do.
    pub(super) load: f64,
}

impl Machine {
    /// This machine, now.
    pub(super) async fn here(asked: Option<Accelerator>) -> Self {
        let mut doctor = Doctor::new(Store::cache_folder());
        doctor.prove_kvm = false;
        let load = read_load();
        let report = doctor.examine(Deadline::secs(60)).await;
        let build = if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        };
        Self {
            begun: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            bridgelab: format!("{} ({build} build)", env!("CARGO_PKG_VERSION")),
            distribution: report.distribution.name.clone(),
            kernel: report.kernel.clone(),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: report.processors,
            memory_mib: memory_mib(),
            qemu: version(&report, Tool::Vmm(QEMU)),
            systemd: version(&report, Tool::Networkd),
            accelerator: accelerator(asked, &report.kvm).to_owned(),
            load,
        }
    }

    /// One that only tests name.
    #[cfg(test)]
    pub(super) fn example() -> Self {
        Self {
            begun: "2026-11-24T10:00:00Z".to_owned(),
            bridgelab: "0.1.0 (release build)".to_owned(),
            distribution: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            kernel: "6.18.0".to_owned(),
            processor: "Example CPU".to_owned(),
            cores: 2,
            memory_mib: 4096,
            qemu: Some("7.2.9".to_owned()),
            systemd: None,
            accelerator: "tcg".to_owned(),
            load: 0.25,
        }
    }

    /// Whether something else had the machine's cores when it began.
    pub(super) fn is_loaded(&self) -> bool {
        self.load > self.cores as f64 * 0.5
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let or_none = |version: &Option<String>| version.clone().unwrap_or("none".to_owned());
        write!(
            f,
            "{}: {} cores ({}), {:.1} GiB, {}, kernel {}, QEMU {}, systemd {}, accelerator {}, bridgelab {}, load {:.1}",
            self.begun,
            self.cores,
            self.processor,
            self.memory_mib as f64 / 1024.0,
            self.distribution,
            self.kernel,
            or_none(&self.qemu),
            or_none(&self.systemd),
            self.accelerator,
            self.bridgelab,
            self.load
        )?;
        if self.is_loaded() {
            write!(
                f,
                " (**the machine had other work**: compare within a row only)"
            )?;
        }
        Ok(())
    }
}

fn version(report: &DoctorReport, tool: Tool) -> Option<String> {
    report.tools.get(tool).ok()?.version.clone()
}

fn accelerator(asked: Option<Accelerator>, verdict: &KvmVerdict) -> &'static str {
    let here = match verdict {
        KvmVerdict::Works { .. } => Accelerator::Kvm,
        _ => Accelerator::Tcg,
    };
    asked.unwrap_or(here).name()
}

/// proc(5), `/proc/loadavg`: the mean of the last minute.
fn read_load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// proc(5), `/proc/meminfo`.
fn memory_mib() -> u64 {
    let total = field("/proc/meminfo", "MemTotal");
    let kib = total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// The value of the first line `KEY : VALUE` of a file of `/proc`.
pub(super) fn field(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}
