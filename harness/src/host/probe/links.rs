//! One link of each kind, made by `ip`.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::Attempt;
use crate::host::capability::Capability;
use crate::host::die_with_parent;
use crate::host::link_kind::{LINK_KINDS, LinkKind};
use crate::host::modules::load_command;
use crate::host::tool::{Tool, locate};

/// Makes one link of each kind, in the caller's namespace, by one process of `ip`.
///
/// A kind whose module would have to be loaded is not made: some modules make links of their own in the host computer's
/// namespace (`dummy0`, `bond0`). Such a kind counts as here, because its module can be loaded.
pub(super) fn attempts() -> Vec<(Capability, Attempt)> {
    let (loadable, tried): (Vec<&'static LinkKind>, Vec<&'static LinkKind>) = LINK_KINDS
        .iter()
        .partition(|kind| load_command(kind.module, true).is_some());
    let mut found: Vec<(Capability, Attempt)> = loadable
        .into_iter()
        .map(|kind| {
            let detail = format!("the kernel loads `{}` when one is made", kind.module);
            (Capability::Link(kind), Attempt::works(detail))
        })
        .collect();
    found.extend(try_all(&tried));
    found
}

fn try_all(kinds: &[&'static LinkKind]) -> Vec<(Capability, Attempt)> {
    let all = |attempt: &Attempt| {
        let one = |kind: &&'static LinkKind| (Capability::Link(kind), attempt.clone());
        kinds.iter().map(one).collect()
    };
    let Some(ip) = locate(Tool::Ip) else {
        return all(&Attempt::no_program(Tool::Ip));
    };
    const BATCH: &str = "run `ip -force -batch -`";
    let said = match batch(&ip, kinds) {
        // `ip` was ended before its last line, and the lines that it did not read were not refused.
        Ok((status, said)) if status.signal().is_some() => {
            return all(&Attempt::ended(BATCH.to_owned(), status, said));
        }
        Ok((_, said)) => said,
        Err(error) => return all(&Attempt::failed(BATCH, error)),
    };
    let refused = refusals(&said);
    let mut line = 0;
    let judge = |kind: &&'static LinkKind| {
        let lines = kind.lines();
        let first = line + 1;
        line += lines.len();
        let mut bad = refused.iter().filter(|(at, _)| (first..=line).contains(at));
        let attempt = match bad.next() {
            Some((at, said)) => Attempt::Failed {
                doing: format!("ip {}", lines[at - first]),
                said: said.clone(),
                errno: None,
            },
            None => Attempt::works(format!("`ip {}` works", lines[lines.len() - 1])),
        };
        (Capability::Link(kind), attempt)
    };
    kinds.iter().map(judge).collect()
}

/// What `ip` says to all lines, one after another.
fn batch(ip: &Path, kinds: &[&LinkKind]) -> std::io::Result<(ExitStatus, String)> {
    let mut command = Command::new(ip);
    die_with_parent(&mut command);
    let mut child = command
        .args(["-force", "-batch", "-"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines: Vec<String> = kinds.iter().flat_map(|kind| kind.lines()).collect();
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| {
        stdin.write_all((lines.join("\n") + "\n").as_bytes())
    });
    let output = child.wait_with_output()?;
    // If `ip` was ended by a signal, that says more than the broken pipe.
    if output.status.signal().is_none() {
        written?;
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status, said))
}

/// The lines of a batch that were refused, from 1, and why: the words before each `Command failed -:LINE`.
fn refusals(said: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut why: Vec<&str> = Vec::new();
    for line in said.lines().map(str::trim) {
        match line.strip_prefix("Command failed -:") {
            Some(number) => {
                found.extend(number.parse().ok().map(|number| (number, why.join("; "))));
                why.clear();
            }
            None => why.push(line),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// iproute2 6.1.
    #[test]
    fn a_refused_line_is_found_by_its_number() {
        let said = "Error: Unknown device type.\nCommand failed -:2\n\
                    RTNETLINK answers: Operation not supported\nCommand failed -:15\n";
        let found = refusals(said);
        let numbers: Vec<usize> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 15]);
        assert_eq!(found[0].1, "Error: Unknown device type.");
        assert_eq!(refusals(""), []);
    }
}
