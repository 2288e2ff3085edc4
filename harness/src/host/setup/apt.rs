//! Runs apt as root.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;
use tokio::process::Command;

use super::installer::install;
use crate::deadline::Deadline;
use crate::host::command::{CommandFailure, Ran, run};

/// Package lists older than this are fetched again: a mirror has dropped much of what they name.
const STALE: Duration = Duration::from_secs(7 * 24 * 3600);
/// `apt-get` itself.
pub(super) const APT: &str = "apt-get";

/// How to become root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privilege {
    /// The user is root.
    Root,
    /// `sudo` asks for no password, at least from now on.
    Sudo,
}

impl Privilege {
    /// Finds out how to become root; asks for a password on the terminal if there is one.
    pub(super) async fn obtain(by: Deadline) -> Option<Self> {
        if geteuid().is_root() {
            return Some(Self::Root);
        }
        if run(
            Path::new("sudo"),
            &["-n", "true"],
            by.child(Duration::from_secs(10)),
        )
        .await
        .is_ok()
        {
            return Some(Self::Sudo);
        }
        if !std::io::stdin().is_terminal() {
            return None;
        }
        // sudo runs in the terminal's own process group, since a background group may not read the password from it.
        let asked = Command::new("sudo").arg("-v").kill_on_drop(true).status();
        let granted = tokio::time::timeout_at(by.tokio(), asked).await;
        matches!(granted, Ok(Ok(status)) if status.success()).then_some(Self::Sudo)
    }

    /// `apt-get` with `arguments`, run by root, never asking anything.
    fn apt(self, arguments: &[String]) -> (PathBuf, Vec<String>) {
        let settings = [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "LC_ALL=C",
            APT,
            "-q",
            "-o",
            "DPkg::Lock::Timeout=60",
        ];
        let all = settings
            .iter()
            .map(|word| (*word).to_owned())
            .chain(arguments.iter().cloned());
        match self {
            Self::Root => (PathBuf::from("env"), all.skip(1).collect()),
            Self::Sudo => (
                PathBuf::from("sudo"),
                std::iter::once("-n".to_owned()).chain(all).collect(),
            ),
        }
    }
}

/// What apt would do for `asked`; needs no privilege.
pub(super) async fn simulate(asked: &[String], by: Deadline) -> Result<Ran, CommandFailure> {
    let fixed = ["-s", "-q", "install", "--no-install-recommends"].map(str::to_owned);
    let arguments: Vec<String> = fixed.into_iter().chain(asked.iter().cloned()).collect();
    run(Path::new(APT), &arguments, by).await
}

/// Whether the package lists must be fetched before anything can be found in them.
pub(super) fn lists_are_stale() -> bool {
    let folder = Path::new("/var/lib/apt/lists");
    let lists = fs::read_dir(folder)
        .ok()
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let any = lists
        .map(|entry| entry.file_name())
        .any(|name| name.to_string_lossy().ends_with("Release"));
    // A list has its mirror's date. Every fetch works in the folder `partial`, so that one has the date of the last
    // fetch.
    let fetched = fs::metadata(folder.join("partial")).and_then(|about| about.modified());
    !any || fetched.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE))
}

/// Runs `apt-get` to its end, as [`told`] does.
pub(super) async fn perform(
    privilege: Privilege,
    arguments: &[String],
    say: &mut (dyn FnMut(&str) + Send),
    by: Deadline,
) -> Result<(), CommandFailure> {
    let (program, arguments) = privilege.apt(arguments);
    install(&program, &arguments, say, by).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::capability::skip_test;
    use crate::host::command::command_line;

    #[test]
    fn sudo_is_put_in_front_for_those_who_are_not_root() {
        let shown_as = |privilege: Privilege| {
            let (program, arguments) = privilege.apt(&["update".to_owned()]);
            command_line(&program, &arguments)
        };
        let apt = "env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=60 update";
        assert_eq!(shown_as(Privilege::Root), apt);
        assert_eq!(shown_as(Privilege::Sudo), format!("sudo -n {apt}"));
    }

    #[tokio::test]
    async fn progress_is_handed_on_and_the_last_words_are_kept() {
        if which::which(APT).is_err() {
            return skip_test("there is no apt-get here");
        }
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        let by = Deadline::secs(20);
        perform(Privilege::Root, &["--version".to_owned()], &mut say, by)
            .await
            .unwrap();
        assert!(
            said[0].starts_with('[') && said[0].contains(" s] apt "),
            "{said:?}"
        );
        let bad = ["no-such-operation".to_owned()];
        let failure = perform(Privilege::Root, &bad, &mut |_| {}, by)
            .await
            .unwrap_err();
        assert!(
            failure
                .to_string()
                .contains("Invalid operation no-such-operation"),
            "{failure}"
        );
    }
}
