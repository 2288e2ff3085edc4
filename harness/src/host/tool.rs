//! Programs: where they are and which version, found once.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinSet;

use super::capability::Capability;
use super::command;
use super::finding::Unmet;
use super::setup::{Distribution, cargo_command, cargo_folder, setup_command};
use crate::deadline::Deadline;
use crate::scenario::HypervisorKind;
use crate::scenario::vmm::Vmm;

/// Folders that a plain user's `PATH` lacks.
const SBIN: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// Folders of programs that are not meant for a shell.
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd", "/lib/systemd"];
/// Time for a program to tell its version. On a machine whose cores and disk were all busy, `mmdebstrap --version` took more than 5 s.
const VERSION_TIME: Duration = Duration::from_secs(20);

/// A program that the lab runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the program of that name")]
pub enum Tool {
    /// The program of a VMM.
    Vmm(HypervisorKind),
    Ip,
    Tc,
    Bridge,
    Networkd,
    DbusDaemon,
    Dnsmasq,
    Ping,
    SshKeygen,
    Mmdebstrap,
    Mke2fs,
    QemuImg,
    Tcpdump,
    Nft,
    IptablesRestore,
    Newuidmap,
    Newgidmap,
}

impl Tool {
    const FIXED: [Self; 16] = [
        Self::Ip,
        Self::Tc,
        Self::Bridge,
        Self::Networkd,
        Self::DbusDaemon,
        Self::Dnsmasq,
        Self::Ping,
        Self::SshKeygen,
        Self::Mmdebstrap,
        Self::Mke2fs,
        Self::QemuImg,
        Self::Tcpdump,
        Self::Nft,
        Self::IptablesRestore,
        Self::Newuidmap,
        Self::Newgidmap,
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let vmms = HypervisorKind::all().map(Self::Vmm);
        Self::FIXED.into_iter().chain(vmms)
    }

    /// File name of the program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Tc => "tc",
            Self::Bridge => "bridge",
            Self::Networkd => "systemd-networkd",
            Self::DbusDaemon => "dbus-daemon",
            Self::Dnsmasq => "dnsmasq",
            Self::Ping => "ping",
            Self::SshKeygen => "ssh-keygen",
            Self::Mmdebstrap => "mmdebstrap",
            Self::Mke2fs => "mke2fs",
            Self::QemuImg => "qemu-img",
            Self::Vmm(kind) => kind.row().program,
            Self::Tcpdump => "tcpdump",
            Self::Nft => "nft",
            Self::IptablesRestore => "iptables-restore",
            Self::Newuidmap => "newuidmap",
            Self::Newgidmap => "newgidmap",
        }
    }

    /// The capability that the program is (part of).
    pub const fn capability(self) -> Capability {
        match self {
            Self::Ip | Self::Tc | Self::Bridge => Capability::Iproute2,
            Self::Networkd => Capability::Networkd,
            Self::DbusDaemon => Capability::DbusDaemon,
            Self::Dnsmasq => Capability::Dnsmasq,
            Self::Ping => Capability::Ping,
            Self::SshKeygen => Capability::SshKeygen,
            Self::Mmdebstrap => Capability::Mmdebstrap,
            Self::Mke2fs => Capability::MkfsExt4,
            Self::QemuImg => Capability::QemuImg,
            Self::Vmm(kind) => Capability::Vmm(kind),
            Self::Tcpdump => Capability::Tcpdump,
            Self::Nft => Capability::Nftables,
            Self::IptablesRestore => Capability::Iptables,
            Self::Newuidmap | Self::Newgidmap => Capability::SubordinateIds,
        }
    }

    /// Its row in the table of VMMs; `None`: it is no VMM.
    fn vmm(self) -> Option<&'static Vmm> {
        match self {
            Self::Vmm(kind) => Some(kind.row()),
            _ => None,
        }
    }

    /// The argument with which it tells its version; `None`: it cannot.
    fn version_argument(self) -> Option<&'static str> {
        match self {
            Self::Vmm(kind) => Some(kind.row().version),
            Self::Ip | Self::Tc | Self::Bridge | Self::Mke2fs => Some("-V"),
            Self::Ping | Self::SshKeygen | Self::Newuidmap | Self::Newgidmap => None,
            _ => Some("--version"),
        }
    }
}

/// A program that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// Which.
    pub tool: Tool,
    /// Where.
    pub path: PathBuf,
    /// Its version, of those that can tell.
    pub version: Option<String>,
}

/// Where `tool` is, without starting it.
pub fn locate(tool: Tool) -> Option<PathBuf> {
    find_in(tool.program(), &search_path(env::var_os("PATH"), tool))
}

fn find_in(program: &str, path: &OsString) -> Option<PathBuf> {
    which::which_in_global(program, Some(path)).ok()?.next()
}

/// `PATH`, and behind it the folders that a plain user's lacks. A program on `PATH` comes first: it may be a newer
/// build.
fn search_path(path: Option<OsString>, tool: Tool) -> OsString {
    let given: Vec<PathBuf> = path
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    let extra: &[&str] = if tool == Tool::Networkd {
        &SYSTEMD
    } else {
        &SBIN
    };
    let made = cargo_folder().filter(|_| cargo_command(tool.capability()).is_some());
    let all = given.into_iter().chain(extra.iter().map(PathBuf::from));
    let all = all.chain(made);
    // Only a separator inside an entry makes this fail, and entries come from splitting at separators.
    env::join_paths(all).unwrap_or_else(|_| OsString::from(SBIN.join(":")))
}

/// Every program, looked for once.
#[derive(Debug, Clone)]
pub struct Tools {
    found: BTreeMap<Tool, Result<FoundTool, Unmet>>,
}

impl Tools {
    /// Looks for every program, all at once. `instead` names programs that the caller wants taken from elsewhere.
    pub async fn find(
        instead: &BTreeMap<Tool, PathBuf>,
        distribution: &Distribution,
        by: Deadline,
    ) -> Self {
        let mut looking = JoinSet::new();
        for tool in Tool::all() {
            let path = instead.get(&tool).cloned().or_else(|| locate(tool));
            looking.spawn(async move { (tool, look(tool, path, by.child(VERSION_TIME)).await) });
        }
        let remedy = |tool: Tool| {
            let capability = tool.capability();
            setup_command(&[capability], distribution).or_else(|| cargo_command(capability))
        };
        let found = looking.join_all().await.into_iter().map(|(tool, result)| {
            let result = result.map_err(|no| Unmet {
                capability: tool.capability(),
                // A program that did not answer may well be here, so it is not to be installed.
                remedy: no.answered.then(|| remedy(tool)).flatten(),
                unanswered: !no.answered,
                reason: no.reason,
            });
            (tool, result)
        });
        Self {
            found: found.collect(),
        }
    }

    /// The result for a machine on which no program was looked for.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self {
            found: BTreeMap::new(),
        }
    }

    /// The program, if it is here and answers.
    ///
    /// # Errors
    /// [`Unmet`] with the command that installs it.
    pub fn get(&self, tool: Tool) -> Result<&FoundTool, Unmet> {
        match self.found.get(&tool) {
            Some(Ok(found)) => Ok(found),
            Some(Err(unmet)) => Err(unmet.clone()),
            None => Err(Unmet {
                capability: tool.capability(),
                reason: format!("nobody looked for `{}`", tool.program()),
                remedy: None,
                unanswered: false,
            }),
        }
    }

    /// Path of the program; see [`Tools::get`].
    ///
    /// # Errors
    /// [`Unmet`] with the command that installs it.
    pub fn path(&self, tool: Tool) -> Result<&Path, Unmet> {
        self.get(tool).map(|found| found.path.as_path())
    }
}

/// Why a program is of no use.
struct No {
    reason: String,
    /// Whether that is known. It is not where the program was ended from outside or did not answer.
    answered: bool,
}

impl No {
    fn known(reason: String) -> Self {
        Self {
            reason,
            answered: true,
        }
    }
}

/// Asks a program for its version. One that cannot even tell that does not work, and the error says why.
async fn look(tool: Tool, path: Option<PathBuf>, by: Deadline) -> Result<FoundTool, No> {
    let absent = || {
        let searched = "neither on PATH nor in a system folder";
        let absent = tool.vmm().map_or(searched, |row| row.install.absent);
        format!("`{}` is {absent}", tool.program())
    };
    let path = path.ok_or_else(|| No::known(absent()))?;
    let version = match tool.version_argument() {
        None => None,
        Some(argument) => {
            let ran = command::run(&path, &[argument], by)
                .await
                .map_err(|failure| No {
                    reason: failure.to_string(),
                    answered: failure.answered,
                })?;
            version_in(&ran.stdout).or_else(|| version_in(&ran.stderr))
        }
    };
    if let (Some(row), Some(version)) = (tool.vmm(), &version)
        && numbers(version).is_some_and(|numbers| numbers < row.least)
    {
        let (major, minor) = row.least;
        return Err(No::known(format!(
            "`{}` is version {version}, and at least {major}.{minor} is needed",
            path.display()
        )));
    }
    Ok(FoundTool {
        tool,
        path,
        version,
    })
}

/// Major and minor number of a version; `None`: it has other words.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next().unwrap_or_default()))
}

/// The first word of a version banner that looks like a version: `QEMU emulator version 7.2.22 (Debian ..)`.
fn version_in(banner: &str) -> Option<String> {
    let words = banner.lines().next()?.split([' ', ',', '-', '(', ')']);
    words
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find_map(|word| {
            let digits_first = word.starts_with(|c: char| c.is_ascii_digit());
            let plain = word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '~' || c == '+');
            (digits_first && plain).then(|| word.to_owned())
        })
}

#[cfg(test)]
mod tests;
