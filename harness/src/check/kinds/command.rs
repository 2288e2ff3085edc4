//! A command of the scenario's own: how it ended and what it said.

use futures_util::FutureExt;

use crate::check::ghosts::{self, Ghosts};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::{Looking, as_words};
use crate::check::no_verdict::NoVerdict;
use crate::check::{ProbeError, Verdict};
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};

/// A command that is run at the vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; no shell.
    pub run: Vec<String>,
    /// Exit status that it must have.
    pub status: u8,
    /// Words that its standard output must contain.
    pub stdout: String,
}

impl Declared for Command {
    const KEYS: TableKeys = table_keys(
        "command",
        "it ends with that status, and its standard output contains the words",
        &[
            must("run", KeyType::List(&KeyType::Text), "words, no shell"),
            may("status", KeyType::Integer(0, 255), "0", "exit status"),
            may(
                "stdout",
                KeyType::Text,
                "\"\"",
                "words in its standard output",
            ),
        ],
    );
    const HOLDS: &'static str = "it ends with that status, and its standard output contains the words. On a machine it has the machine's network and [little else](../harness/docs/trust.md)";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let words = reader.texts("run").into_iter();
        let run: Vec<String> = words.map(|word| word.value.to_owned()).collect();
        let entry = reader.need("run", reader.entry("run"));
        if let Some(entry) = entry
            && reader.items("run").is_empty()
        {
            let message = "`run` needs a program".to_owned();
            let label = "no word is in it".to_owned();
            let help = "for example `[\"sh\", \"-c\", \"exit 1\"]`".to_owned();
            let fault = Fault::new(&entry.node.place, code::BAD_VALUE, message, label);
            context.faults.add(fault.help(help));
        }
        let status = reader.number::<u8>("status");
        let stdout = reader.text("stdout");
        entry?;
        Some(Self {
            run,
            status: status.unwrap_or(0),
            stdout: stdout.map_or_else(String::new, |words| words.value.to_owned()),
        })
    }
}

impl Kind for Command {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.own().map(ghosts::not_its_own)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let output = at.from.exec_foreign(&as_words(&self.run), at.by).await?;
            let ended = Ended {
                status: output.status,
                stdout: &output.stdout,
                stderr: &output.stderr,
            };
            // A shell ends with status 126 or 127 where the program cannot be executed or does not exist.
            let absent = |ended: NoVerdict| {
                ProbeError::Absent(at.not_started(&self.run, ended.why).to_string())
            };
            judge(self, ended).map_err(absent)
        }
        .boxed_local()
    }
}

/// Most characters of the command's output that a verdict quotes.
const TOLD: usize = 200;

/// How the command ended, and its output.
#[derive(Debug, Clone, Copy)]
struct Ended<'a> {
    /// Exit status; `None`: ended by a signal.
    status: Option<i32>,
    /// Standard output.
    stdout: &'a str,
    /// Standard error.
    stderr: &'a str,
}

/// Judges how the command ended.
///
/// # Errors
/// When the command could not be started: a shell's status 126 or 127, where the check does not want that status.
fn judge(wanted: &Command, ended: Ended<'_>) -> Result<Verdict, NoVerdict> {
    let Some(status) = ended.status else {
        return Ok(Verdict::violated(format!(
            "ended by a signal; {}",
            quoted_stdout(wanted, ended)
        )));
    };
    let right = status == i32::from(wanted.status);
    if matches!(status, 126 | 127) && !right {
        return Err(NoVerdict::new(printed(ended)));
    }
    let got = format!("status {status}; {}", quoted_stdout(wanted, ended));
    Ok(match right && ended.stdout.contains(&wanted.stdout) {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    })
}

/// What is wanted, in words.
fn expected(wanted: &Command) -> String {
    let line = wanted.run.join(" ");
    let words = match wanted.stdout.as_str() {
        "" => String::new(),
        words => format!(" and say \"{words}\" on stdout"),
    };
    format!("`{line}` to end with status {}{words}", wanted.status)
}

/// Quotes the output. Where the check looks for words on standard output, text on standard error is named as such, since words
/// there do not count.
fn quoted_stdout(wanted: &Command, ended: Ended<'_>) -> String {
    let (stdout, stderr) = (ended.stdout.trim(), ended.stderr.trim());
    match (wanted.stdout.is_empty(), stdout, stderr) {
        (true, ..) => printed(ended),
        (false, "", "") => "nothing on stdout".to_owned(),
        (false, "", stderr) => format!("nothing on stdout; on stderr: {}", on_one_line(stderr)),
        (false, stdout, _) => format!("on stdout: {}", on_one_line(stdout)),
    }
}

/// Quotes standard output, or standard error where standard output is empty.
fn printed(ended: Ended<'_>) -> String {
    match (ended.stdout.trim(), ended.stderr.trim()) {
        ("", "") => "it said nothing".to_owned(),
        ("", text) | (text, _) => on_one_line(text),
    }
}

/// Joins the lines into one of at most [`TOLD`] characters.
fn on_one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" / ");
    match line.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(status: u8, stdout: &str) -> Command {
        Command {
            run: vec!["cat".to_owned(), "a file".to_owned()],
            status,
            stdout: stdout.to_owned(),
        }
    }

    fn ended<'a>(status: i32, stdout: &'a str, stderr: &'a str) -> Ended<'a> {
        Ended {
            status: Some(status),
            stdout,
            stderr,
        }
    }

    #[test]
    fn both_status_and_words_count() {
        let got = judge(&wanted(0, "two"), ended(0, "one\ntwo\n", ""));
        assert_eq!(got, Ok(Verdict::holds("status 0; on stdout: one / two")));
        let got = judge(&wanted(0, "three"), ended(0, "one\ntwo\n", ""));
        assert_eq!(got, Ok(Verdict::violated("status 0; on stdout: one / two")));
        let got = judge(&wanted(0, ""), ended(1, "", "no such file\n"));
        assert_eq!(got, Ok(Verdict::violated("status 1; no such file")));
        let got = judge(&wanted(1, ""), ended(1, "", ""));
        assert_eq!(got, Ok(Verdict::holds("status 1; it said nothing")));
    }

    /// Without the stream's name the verdict would be "expected X, got X".
    #[test]
    fn words_on_standard_error_are_named_as_such() {
        let got = judge(&wanted(0, "X"), ended(0, "", "X\n"));
        let told = "status 0; nothing on stdout; on stderr: X";
        assert_eq!(got, Ok(Verdict::violated(told)));
        let got = judge(&wanted(0, "X"), ended(0, "\n", ""));
        assert_eq!(got, Ok(Verdict::violated("status 0; nothing on stdout")));
        let got = judge(&wanted(0, "X"), ended(0, "Y", "X"));
        assert_eq!(got, Ok(Verdict::violated("status 0; on stdout: Y")));
    }

    #[test]
    fn a_program_that_is_not_there_shows_nothing() {
        let absent = ended(127, "", "sh: nft: not found\n");
        assert_eq!(
            judge(&wanted(0, ""), absent),
            Err(NoVerdict::new("sh: nft: not found"))
        );
        assert!(judge(&wanted(127, ""), absent).is_ok_and(|verdict| verdict.holds));
    }

    #[test]
    fn a_long_answer_is_cut_at_a_character() {
        let long = "\u{e4}".repeat(500);
        let got = judge(&wanted(0, ""), ended(0, &long, "")).expect("a verdict");
        assert!(got.got.ends_with("..."), "{}", got.got);
        assert_eq!(
            expected(&wanted(0, "x")),
            "`cat a file` to end with status 0 and say \"x\" on stdout"
        );
    }
}
