//! Places to look from.

use std::io;
use std::process::Stdio;
use std::sync::Arc;

use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::guest::ssh::{GuestCommand, Output};
use crate::guest::{Guest, GuestError, background};
use crate::host::confine::NotRun;
use crate::host::netns::{Netns, NetnsError};
use crate::host::networkd::wait_online_path;
use crate::host::output::{self, Printed};
use crate::plan::shell;

/// A look was not possible; says nothing about the network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The machine's thread has ended.
    #[error("look from a machine of the lab")]
    Machine(#[from] NetnsError),
    /// The guest cannot be steered.
    #[error("look from a guest")]
    Guest(#[from] GuestError),
    /// A tool did not run.
    #[error("run `{command}` on machine `{machine}`: {why}")]
    Tool {
        /// Command line.
        command: String,
        /// Machine.
        machine: String,
        /// Why.
        why: String,
    },
    /// A tool printed something else than expected.
    #[error("understand what `{command}` printed: {printed}")]
    Output {
        /// Command line.
        command: String,
        /// What it printed.
        printed: String,
    },
    /// A capture could not be filtered.
    #[error("count packets in a capture")]
    Tcpdump(#[from] crate::host::tcpdump::TcpdumpError),
    /// The vantage lacks something that the check asks for, and will not get it.
    #[error("{0}")]
    Impossible(String),
    /// The check is about a link that does not exist. The scenario says whether the link may still appear.
    #[error("{why}")]
    NoLink {
        /// Its name, as the check has it.
        name: String,
        /// What is not there, in words.
        why: String,
    },
    /// There is no such sysctl. A module may bring it.
    #[error("there is no {key}: {said}")]
    NoSysctl {
        /// Key, dotted.
        key: String,
        /// What the kernel said.
        said: String,
    },
    /// The thing that the check looks at does not exist, as a tool says that could be asked, and does not appear by itself.
    #[error("{0}")]
    Absent(String),
}

impl Diagnose for ProbeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Machine(e) => e.code(),
            Self::Guest(e) => e.code(),
            Self::Tcpdump(e) => e.code(),
            Self::Tool { .. } => "check.tool",
            Self::Output { .. } => "check.output",
            Self::Impossible(_) => "check.impossible",
            Self::NoLink { .. } | Self::NoSysctl { .. } | Self::Absent(_) => "check.absent",
        }
    }
}

/// A place to look from; commands run there.
#[derive(Debug, Clone)]
pub enum Vantage {
    /// A namespace machine: `ip netns exec MACHINE ...`.
    Machine(Arc<Netns>),
    /// Inside a guest, over its steering channel.
    Guest(Arc<Guest>),
    /// Inside a container of a guest. The guest image's own program does there what `docker exec CONTAINER ...` does.
    Container {
        /// The guest.
        guest: Arc<Guest>,
        /// Container name.
        name: String,
    },
}

impl Vantage {
    /// Waits until this vantage is free to look from; a machine always is.
    pub async fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match self {
            Self::Machine(_) => None,
            Self::Guest(guest) | Self::Container { guest, .. } => Some(guest.turn().await),
        }
    }

    /// Who looks: the machine, or the guest.
    pub fn owner(&self) -> &str {
        match self {
            Self::Machine(machine) => machine.name(),
            Self::Guest(guest) | Self::Container { guest, .. } => &guest.spec().name,
        }
    }

    /// Whether its ping, and every other program that busybox has too, is busybox's.
    pub fn has_busybox_alone(&self) -> bool {
        match self {
            Self::Machine(_) => false,
            Self::Guest(guest) => !guest.spec().image.tools,
            Self::Container { .. } => true,
        }
    }

    /// Path of the vantage's `systemd-networkd-wait-online`.
    pub fn wait_online_path(&self) -> String {
        match self {
            Self::Machine(_) => wait_online_path().to_string_lossy().into_owned(),
            _ => "/usr/lib/systemd/systemd-networkd-wait-online".to_owned(),
        }
    }

    /// As [`Vantage::exec`], for a tool that needs only the network namespace. A container's is looked at with the guest's tools,
    /// since the container's image need not have any.
    ///
    /// # Errors
    /// As [`Vantage::exec`].
    pub async fn exec_in_net(&self, words: &[&str], by: Deadline) -> Result<Output, ProbeError> {
        let Self::Container { guest, name } = self else {
            return self.exec(words, by).await;
        };
        let pid = format!("$(docker inspect --format '{{{{.State.Pid}}}}' {name})");
        let line = format!("exec nsenter --target {pid} --net {}", shell::join(words));
        Ok(guest.exec(GuestCommand::shell(line), by).await?)
    }

    /// As [`Vantage::exec`], for a command that a scenario brought. A machine shares kernel and files with the host computer, so
    /// the command runs in the machine's cell ([`crate::host::confine`]). A guest is a cell already: there a variable in its
    /// environment marks the command, so that everything it starts can be found and ended.
    ///
    /// # Errors
    /// As [`Vantage::exec`], also where there is no such program.
    pub async fn exec_foreign(&self, words: &[&str], by: Deadline) -> Result<Output, ProbeError> {
        let (guest, words) = match self {
            Self::Machine(machine) => return exec_in_cell(machine, words, by).await,
            Self::Guest(guest) => (guest, words.to_vec()),
            Self::Container { guest, name } => (guest, in_container(name, words)),
        };
        let line = background::marked("", &words);
        Ok(guest.exec(GuestCommand::shell(line), by).await?)
    }

    /// Runs a command at the vantage and waits for it.
    ///
    /// # Errors
    /// [`ProbeError`] when it cannot be run; a non-zero status is an [`Output`].
    pub async fn exec(&self, words: &[&str], by: Deadline) -> Result<Output, ProbeError> {
        match self {
            Self::Machine(machine) => exec_on_machine(machine, words, by).await,
            Self::Guest(guest) => self.looked(words, exec_in_guest(guest, words, by).await?),
            Self::Container { guest, name } => {
                let line = in_container(name, words);
                self.looked(words, exec_in_guest(guest, &line, by).await?)
            }
        }
    }

    /// The output of a command in a guest, unless the program or the container does not exist.
    fn looked(&self, words: &[&str], output: Output) -> Result<Output, ProbeError> {
        let said = output.stderr.trim();
        match output.status {
            // Exit status of the shell that sshd starts, of nsenter(1) and of timeout(1).
            Some(NO_PROGRAM) => Err(ProbeError::Absent(format!(
                "run `{}` in guest `{}`: {said}",
                shell::join(words),
                self.owner()
            ))),
            Some(NO_CONTAINER) if says_no_container(&output) => {
                Err(ProbeError::Absent(said.to_owned()))
            }
            _ => Ok(output),
        }
    }
}

async fn exec_in_guest(
    guest: &Arc<Guest>,
    words: &[&str],
    by: Deadline,
) -> Result<Output, ProbeError> {
    Ok(guest.exec(GuestCommand::new(words), by).await?)
}

/// strerror(3) of ENOENT.
const NO_SUCH_FILE: &str = "No such file or directory";
/// Exit status of a shell that finds no such program (POSIX, 2.8.2).
const NO_PROGRAM: i32 = 127;
/// Exit status of the image's `in-container` where the container does not run.
const NO_CONTAINER: i32 = 125;

/// Whether Docker knows no container of that name, by its API or by its client. A container that only has ended may start again.
pub(super) fn says_no_container(output: &Output) -> bool {
    let said = output.stderr.to_lowercase();
    ["no such container", "no such object"]
        .iter()
        .any(|words| said.contains(words))
}

/// Command line, for the guest, of a command in one of its containers. The image's own program enters the container's
/// namespaces as `docker exec` does. Docker's own client takes two seconds to start under emulation.
pub(crate) fn in_container<'a>(name: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec!["/usr/lib/bridgelab/in-container", name];
    line.extend(words);
    line
}

async fn exec_on_machine(
    machine: &Arc<Netns>,
    words: &[&str],
    by: Deadline,
) -> Result<Output, ProbeError> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let command = shell::join(&words);
    let ran = machine
        .run(async move {
            let child = tokio::process::Command::new(&words[0])
                .args(&words[1..])
                .env("LC_ALL", "C.UTF-8")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()?;
            let said = tokio::time::timeout_at(by.tokio(), output::of(child)).await;
            said.ok().transpose()
        })
        .await?;
    let tool = |why: String| ProbeError::Tool {
        command,
        machine: machine.name().to_owned(),
        why,
    };
    match ran {
        Ok(None) => Err(tool(late(by))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(ProbeError::Absent(tool(e.to_string()).to_string()))
        }
        Err(e) => Err(tool(e.to_string())),
        Ok(Some(said)) => Ok(output_of(said)),
    }
}

/// As `exec_on_machine`, in the machine's cell.
async fn exec_in_cell(
    machine: &Arc<Netns>,
    words: &[&str],
    by: Deadline,
) -> Result<Output, ProbeError> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let command = shell::join(&words);
    let ran = machine.run_confined(words, by).await?;
    let said = ran.map_err(|not_run| not_in_cell(machine, command, not_run, by))?;
    Ok(output_of(said))
}

/// Why a command did not run in a machine's cell.
pub(crate) fn not_in_cell(
    machine: &Netns,
    command: String,
    not_run: NotRun,
    by: Deadline,
) -> ProbeError {
    let why = match not_run {
        NotRun::Late => late(by),
        NotRun::Refused(why) => why,
    };
    let absent = why.contains(NO_SUCH_FILE);
    let refused = ProbeError::Tool {
        command,
        machine: machine.name().to_owned(),
        why,
    };
    match absent {
        true => ProbeError::Absent(refused.to_string()),
        false => refused,
    }
}

fn late(by: Deadline) -> String {
    format!("no end after {:.1?}", by.elapsed())
}

fn output_of(said: Printed) -> Output {
    Output {
        stdout: said.stdout,
        stderr: said.stderr,
        status: said.status,
    }
}
