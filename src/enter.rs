//! `bridgelab enter`: a shell on a machine or guest of a kept lab.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use bridgelab_harness::deadline::Deadline;
use bridgelab_harness::guest::reopen_steering;
use bridgelab_harness::hypervisor::{STEER_VSOCK_PORT, Steering};
use bridgelab_harness::report::exit_code;
use clap::Args;

/// Hidden subcommand that ssh runs as its ProxyCommand.
pub(crate) const STEER_COMMAND: &str = "__steer";

/// Options of `bridgelab enter`.
#[derive(Debug, Args)]
pub(crate) struct EnterArgs {
    /// Process id of the lab's worker, as `run --keep` prints it.
    #[arg(long)]
    pid: u32,
    /// Machine or guest.
    name: String,
    /// Command; a shell when absent.
    #[arg(last = true)]
    command: Vec<String>,
}

/// The command line that enters a machine or guest.
pub(crate) fn command(pid: u32, name: &str) -> String {
    format!("bridgelab enter --pid {pid} {name}")
}

/// Replaces this process by `nsenter` or `ssh`; returns only when that fails.
pub(crate) fn enter(args: &EnterArgs) -> i32 {
    let Some(worker) = namespace_init(args.pid) else {
        let _ = writeln!(
            anstream::stderr(),
            "error: no lab's worker has the process id {}",
            args.pid
        );
        return exit_code::FAILED;
    };
    let mut command = match machine_thread(worker, &args.name) {
        Some(thread) => machine(worker, thread, &args.command),
        None => match guest(worker, &args.name, &args.command) {
            Some(command) => command,
            None => {
                let _ = writeln!(
                    anstream::stderr(),
                    "error: the lab has no machine or guest `{}`",
                    args.name
                );
                return exit_code::FAILED;
            }
        },
    };
    let error = command.exec();
    let _ = writeln!(
        anstream::stderr(),
        "error: start `{}`: {error}",
        command.get_program().to_string_lossy()
    );
    exit_code::BROKEN
}

/// The worker's child, which is PID 1 of the lab's PID namespace.
fn namespace_init(worker: u32) -> Option<u32> {
    let children =
        std::fs::read_to_string(format!("/proc/{worker}/task/{worker}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// The thread of the worker that has this machine's namespaces: it is named after the machine.
fn machine_thread(init: u32, machine: &str) -> Option<u32> {
    // Compare 15 bytes, since the kernel keeps no more of a thread's name.
    let mut wanted = format!("m:{machine}");
    wanted.truncate(15);
    let tasks = std::fs::read_dir(format!("/proc/{init}/task")).ok()?;
    tasks.flatten().find_map(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        (name.trim_end() == wanted)
            .then(|| task.file_name().to_str()?.parse().ok())
            .flatten()
    })
}

fn machine(init: u32, thread: u32, words: &[String]) -> Command {
    let mut command = Command::new("nsenter");
    let root = std::fs::metadata("/proc/self").is_ok_and(|_| own_user_namespace(init));
    if !root {
        command.args([
            &format!("--user=/proc/{init}/ns/user"),
            "--preserve-credentials",
        ]);
    }
    command.args([
        format!("--net=/proc/{thread}/ns/net"),
        format!("--mount=/proc/{thread}/ns/mnt"),
        format!("--uts=/proc/{thread}/ns/uts"),
        // Enter the PID namespace too: the machine's /proc belongs to it, so without it /proc/self is missing and networkctl
        // fails on /proc/self/ns/net. Besides, a forgotten shell then ends with the lab, and does not keep the lab's network.
        format!("--pid=/proc/{init}/ns/pid"),
        "--".to_owned(),
    ]);
    if words.is_empty() {
        command.args(["sh", "-i"]);
    } else {
        command.args(words);
    }
    command
}

fn own_user_namespace(init: u32) -> bool {
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/user")).ok();
    namespace("self").is_some() && namespace("self") == namespace(&init.to_string())
}

fn guest(init: u32, name: &str, words: &[String]) -> Option<Command> {
    let places = ["mnt", "media", "srv", "opt", "tmp"];
    let run = places
        .iter()
        .map(|place| PathBuf::from(format!("/proc/{init}/root/{place}/run")))
        .find(|run| run.join(name).is_dir() && run.join("login_key").exists())?;
    let program = std::env::current_exe().ok()?;
    let port = run.join(name).join("steer.1.sock");
    let end = match port.exists() {
        true => port.display().to_string(),
        // A VMM without virtio-serial has vsock; a guest with neither cannot be entered.
        false => {
            let socket = run.join(name).join("vsock.sock");
            socket.exists().then_some(())?;
            format!("{} {STEER_VSOCK_PORT}", socket.display())
        }
    };
    let mut command = Command::new("ssh");
    command
        .arg("-i")
        .arg(run.join("login_key"))
        .arg("-o")
        .arg(format!(
            "ProxyCommand={} {STEER_COMMAND} {end}",
            program.display(),
        ))
        // Check no host key: the key was made for this run, and nobody else is at the guest's own port.
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ])
        .arg(format!("root@{name}"))
        .args(words);
    Some(command)
}

/// Body of the ProxyCommand: opens a steering session and copies bytes between it and stdin and stdout.
pub(crate) fn steer(mut words: impl Iterator<Item = OsString>) -> i32 {
    let Some(socket) = words.next() else {
        return exit_code::BROKEN;
    };
    let port = words.next().and_then(|port| port.to_str()?.parse().ok());
    let path = PathBuf::from(&socket);
    let end = match port {
        Some(port) => Steering::Mapped { socket: path, port },
        None => Steering::Port(path),
    };
    match carry(&end) {
        Ok(()) => exit_code::PASSED,
        Err(error) => {
            let _ = writeln!(
                anstream::stderr(),
                "bridgelab: open `{}`: {error}",
                socket.to_string_lossy()
            );
            exit_code::BROKEN
        }
    }
}

fn carry(end: &Steering) -> std::io::Result<()> {
    let stream = reopen_steering(end, Deadline::secs(30))?;
    let mut to_guest = stream.try_clone()?;
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut to_guest);
        let _ = to_guest.shutdown(std::net::Shutdown::Both);
    });
    let mut from_guest = stream;
    let mut out = std::io::stdout().lock();
    let mut buffer = [0; 16 << 10];
    loop {
        let read = from_guest.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..read])?;
        out.flush()?;
    }
}
