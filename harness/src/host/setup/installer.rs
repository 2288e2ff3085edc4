//! Runs an installer, shows what it says, and keeps its last words for the error.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::deadline::Deadline;
use crate::host::command::{CommandFailure, Group, command_line, lines_of};

/// How many of its last lines an error shows.
const KEPT: usize = 20;

/// Runs `program` to its end, handing each line to `say` with the time since the start of the whole setup.
///
/// # Errors
/// It did not start, failed, or was still running at the deadline and was asked to stop; with its last words.
pub(super) async fn install(
    program: &Path,
    arguments: &[String],
    say: &mut (dyn FnMut(&str) + Send),
    by: Deadline,
) -> Result<(), CommandFailure> {
    let time = by.child(by.left());
    let fail = |ending: String, said: VecDeque<String>, answered: bool| CommandFailure {
        command: command_line(program, arguments),
        ending,
        said: said.into(),
        elapsed: time.elapsed(),
        answered,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        // cargo(1) takes configuration, and with it programs, from the working directory and those above it.
        .current_dir("/")
        .spawn()
        .map_err(|error| fail(format!("did not start ({error})"), VecDeque::new(), true))?;
    // The group is asked to end and never killed: a dpkg that dies halfway leaves packages half installed.
    let group = Group::asked(child.id());
    let mut lines = lines_of(&mut child);
    let mut kept = VecDeque::new();
    let done = tokio::time::timeout_at(by.tokio(), async {
        while let Some(line) = lines.recv().await {
            say(&format!("[{:6.1} s] {line}", by.elapsed().as_secs_f64()));
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        child.wait().await
    });
    match done.await {
        Err(_) => Err(fail(
            "was still running and was asked to stop".to_owned(),
            kept,
            false,
        )),
        Ok(Err(error)) => Err(fail(
            format!("could not be waited for ({error})"),
            kept,
            false,
        )),
        Ok(Ok(status)) => {
            group.ended();
            if status.success() {
                Ok(())
            } else {
                let answered = status.code().is_some();
                Err(fail(format!("ended with {status}"), kept, answered))
            }
        }
    }
}
