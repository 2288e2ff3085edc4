//! `bridgelab`: boots real MicroVMs on a real bridge and says whether they have the network they should have.

mod bench;
mod cli;
mod commands;
mod compare;
mod doctor;
mod enter;
mod explain;
mod ghosts;
mod list;
mod log;
mod matrix;
mod mutate;
mod new;
mod output;
mod own;
mod prove;
mod report;
mod rerun;
mod run;
mod signals;
mod template;

use std::process::ExitCode;

use bridgelab_harness::host::{allow_open_files, confine, networkd_asked, probe};
use bridgelab_harness::{image, lab, template as saved};

fn main() -> ExitCode {
    log::begin();
    allow_open_files();
    // Start a worker before anything else: it enters its namespaces while the process has a single thread.
    let mut words = std::env::args_os().skip(1);
    let first = words.next();
    let code = match first.as_ref().and_then(|word| word.to_str()) {
        Some(lab::WORKER_COMMAND) => lab::worker_main(),
        Some(probe::PROBE_ARGUMENT) => probe::probe_child(),
        Some(confine::CELL_COMMAND) => confine::cell_main(),
        Some(confine::ENTRY_COMMAND) => confine::entry_main(words),
        Some(networkd_asked::ASK_ARGUMENT) => networkd_asked::answer(),
        Some(image::WORKER_COMMAND) => commands::image_worker(words),
        Some(bridgelab_bench::WORKER_COMMAND) => bridgelab_bench::worker_main(),
        Some(bridgelab_bench::FOLDER_COMMAND) => bridgelab_bench::folder_main(words),
        Some(saved::WORKER_COMMAND) => saved::worker_main(),
        Some(lab::vm::WORKER_COMMAND) => lab::vm::worker_main(),
        Some(enter::STEER_COMMAND) => enter::steer(words),
        _ => output::closing(cli::main()),
    };
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
