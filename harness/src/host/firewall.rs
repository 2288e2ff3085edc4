//! Rulesets, loaded by the tools that users load them with.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::sys::{self, ChildSetup};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::scenario::{Ruleset, RulesetTool};

/// Longer than any ruleset takes to load, even on a loaded machine.
const LOAD_TIME: Duration = Duration::from_secs(15);

/// A ruleset was not loaded.
#[derive(Debug, thiserror::Error)]
#[error("load ruleset `{}` on machine `{machine}` by `{}`: {said}", .ruleset, .tool.program())]
pub struct FirewallError {
    /// Machine that it is for.
    pub machine: String,
    /// File, as the scenario has it.
    pub ruleset: String,
    /// The tool that was asked.
    pub tool: RulesetTool,
    /// What the tool said, or why it could not be asked.
    pub said: String,
    /// Whether the tool is not on this machine.
    absent: bool,
}

impl Diagnose for FirewallError {
    fn code(&self) -> &'static str {
        "host.firewall"
    }

    fn help(&self) -> Option<String> {
        self.absent
            .then(|| "`bridgelab doctor --setup` installs what is missing".to_owned())
    }
}

/// Loads a ruleset: `nft -f FILE`, or `iptables-restore FILE`. The file is kept in `folder`, and loaded from there.
///
/// Must run on the machine's thread.
///
/// # Errors
/// [`FirewallError`] with the tool's own words, which name the file and the line.
pub(crate) async fn load(
    machine: &str,
    ruleset: &Ruleset,
    folder: &Path,
) -> Result<(), FirewallError> {
    let failed = |said: String, absent| FirewallError {
        machine: machine.to_owned(),
        ruleset: ruleset.name.clone(),
        tool: ruleset.tool,
        said,
        absent,
    };
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(&ruleset.name), &ruleset.bytes)
    };
    write().map_err(|error| failed(format!("its copy cannot be written: {error}"), false))?;
    let words = ruleset.tool.command(&ruleset.name);
    let mut command = std::process::Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(folder)
        .env("LC_ALL", "C")
        // The legacy iptables would otherwise make its lock in `/run` of the host computer.
        .env("XTABLES_LOCKFILE", folder.join(".xtables.lock"));
    sys::prepare_child(&mut command, ChildSetup::default());
    let mut command = tokio::process::Command::from(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let by = Deadline::after(LOAD_TIME);
    let output = match tokio::time::timeout_at(by.tokio(), command.output()).await {
        Err(_) => return Err(failed(format!("it did not end in {LOAD_TIME:?}"), false)),
        Ok(Err(error)) => {
            let absent = error.kind() == io::ErrorKind::NotFound;
            return Err(failed(format!("it did not start: {error}"), absent));
        }
        Ok(Ok(output)) => output,
    };
    // The legacy iptables alone makes this file.
    let _ = fs::remove_file(folder.join(".xtables.lock"));
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(
        refusal(ruleset, said.trim_end(), output.status),
        false,
    ))
}

/// The tool's words. nft begins with file and line; iptables-restore names the line somewhere, and no file.
fn refusal(ruleset: &Ruleset, said: &str, status: std::process::ExitStatus) -> String {
    if said.is_empty() {
        return format!("it ended with {status} and said nothing");
    }
    match ruleset.tool {
        RulesetTool::Nftables => said.to_owned(),
        RulesetTool::Iptables | RulesetTool::Ip6tables => match line_in(said) {
            Some(line) => format!("{}:{line}: {said}", ruleset.name),
            None => said.to_owned(),
        },
    }
}

/// The number in `Error occurred at line: 4` and `iptables-restore: line 4 failed`.
fn line_in(said: &str) -> Option<u32> {
    let after = said.split("line").skip(1);
    let mut numbers = after.filter_map(|rest| {
        let digits = rest.trim_start_matches([':', ' ']);
        let end = digits.find(|c: char| !c.is_ascii_digit());
        digits[..end.unwrap_or(digits.len())].parse().ok()
    });
    numbers.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_in_the_words_of_either_iptables() {
        for (said, line) in [
            (
                "iptables-restore v1.8.9 (nf_tables): \nline 3: CHAIN_ADD failed",
                Some(3),
            ),
            (
                "iptables-restore v1.8.9 (nf_tables): Bad argument `x'\nError occurred at line: 12\nTry `iptables-restore -h'",
                Some(12),
            ),
            ("iptables-restore: line 4 failed", Some(4)),
            ("iptables-restore: COMMIT expected at line 9", Some(9)),
            ("iptables-restore: unable to initialize table 'nat'\n", None),
        ] {
            assert_eq!(line_in(said), line, "{said}");
        }
    }
}
