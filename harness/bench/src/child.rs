//! Programs that are measured: started, listened to, ended in good order on Ctrl-C, and gone with this process.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bridgelab_harness::host;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, Command as TokioCommand};
use tokio::sync::watch;

use super::rounds::Stop;

/// Lines of a failed program that are shown.
const LAST_LINES: usize = 12;

/// A line that a program wrote, and when.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// From its start.
    pub(super) at: Duration,
    pub(super) text: String,
}

/// What a program left behind.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// From its start to its end.
    pub(super) took: Duration,
    pub(super) stdout: Vec<Line>,
    pub(super) stderr: Vec<Line>,
}

impl Finished {
    /// Its last words: of its standard output if there are some, else of its standard error.
    pub(super) fn last_words(&self) -> String {
        let lines = if self.stdout.is_empty() {
            &self.stderr
        } else {
            &self.stdout
        };
        let from = lines.len().saturating_sub(LAST_LINES);
        let words: Vec<&str> = lines[from..]
            .iter()
            .map(|line| line.text.as_str())
            .collect();
        words.join("\n")
    }
}

/// A program that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) pid: u32,
    stdin: Option<ChildStdin>,
}

impl Running {
    /// Asks it to end, as Ctrl-C does.
    pub(super) fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// Writes a line to its standard input; what it does not read is its own business.
    pub(super) async fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let line = format!("{line}\n");
            let _ = stdin.write_all(line.as_bytes()).await;
            let _ = stdin.flush().await;
        }
    }

    fn signal(&self, signal: Signal) {
        // It has not been waited for, so the number is still its own.
        if let Ok(pid) = i32::try_from(self.pid) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

/// Runs `command` to its end; `hear` is given each line of its standard output and error.
///
/// The first interrupt is passed on, the second kills it.
///
/// # Errors
/// [`Stop::Interrupted`] once it has ended, [`Stop::Failed`] when it does not start.
pub(super) async fn run(
    command: Command,
    interrupts: watch::Receiver<u32>,
    hear: impl AsyncFnMut(&Line, &mut Running),
) -> Result<Finished, Stop> {
    run_with(command, "", interrupts, hear).await
}

/// The same, with a first line for its standard input.
pub(super) async fn run_with(
    mut command: Command,
    input: &str,
    mut interrupts: watch::Receiver<u32>,
    mut hear: impl AsyncFnMut(&Line, &mut Running),
) -> Result<Finished, Stop> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed =
        |doing: &str, error: std::io::Error| Stop::Failed(format!("{doing} `{name}`: {error}"));
    if *interrupts.borrow_and_update() > 0 {
        return Err(Stop::Interrupted);
    }
    host::die_with_parent(&mut command);
    let begun = Instant::now();
    let mut child = TokioCommand::from(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C on the terminal is for this process, which passes it on.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("start", error))?;
    let mut running = Running {
        pid: child.id().unwrap_or_default(),
        stdin: child.stdin.take(),
    };
    if !input.is_empty() {
        running.say(input).await;
    }
    let mut stdout = child.stdout.take().map(|out| BufReader::new(out).lines());
    let mut stderr = child.stderr.take().map(|out| BufReader::new(out).lines());
    let mut finished = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        let (line, lines) = tokio::select! {
            line = next(&mut stdout) => (line, &mut finished.0),
            line = next(&mut stderr) => (line, &mut finished.1),
            changed = interrupts.changed() => {
                match *interrupts.borrow_and_update() {
                    _ if changed.is_err() => {}
                    0 | 1 => running.interrupt(),
                    _ => running.signal(Signal::SIGKILL),
                }
                continue;
            }
        };
        if let Some(text) = line {
            let line = Line {
                at: begun.elapsed(),
                text,
            };
            hear(&line, &mut running).await;
            lines.push(line);
        }
    }
    let status = child
        .wait()
        .await
        .map_err(|error| failed("wait for", error))?;
    let took = begun.elapsed();
    if *interrupts.borrow() > 0 {
        return Err(Stop::Interrupted);
    }
    let (stdout, stderr) = finished;
    Ok(Finished {
        status,
        took,
        stdout,
        stderr,
    })
}

/// The next line; at the end `None`, and the reader is gone. Waits for ever once it is.
async fn next<R: tokio::io::AsyncRead + Unpin>(
    reader: &mut Option<Lines<BufReader<R>>>,
) -> Option<String> {
    let Some(lines) = reader else {
        return std::future::pending().await;
    };
    // Bytes that are no UTF-8 end it as well: nothing that is measured writes any.
    let line = lines.next_line().await.ok().flatten();
    if line.is_none() {
        *reader = None;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(future)
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn each_line_is_heard_and_answered() {
        let (_interrupt, interrupts) = watch::channel(0);
        let script = "echo name?; read name; echo hello $name; echo odd >&2; exit 3";
        let finished = block_on(run(shell(script), interrupts, async |line, running| {
            if line.text == "name?" {
                running.say("you").await;
            }
        }));
        let finished = finished.expect("it runs");
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.stdout[1].text, "hello you");
        assert_eq!(finished.stderr[0].text, "odd");
        assert!(finished.stdout[1].at <= finished.took);
        assert_eq!(finished.last_words(), "name?\nhello you");
    }

    #[test]
    fn the_first_interrupt_is_passed_on_and_the_second_kills() {
        let (interrupt, interrupts) = watch::channel(0);
        let script = "trap 'echo ending' INT; echo up; while :; do sleep 0.05; done";
        let mut heard = Vec::new();
        let finished = block_on(run(shell(script), interrupts, async |line, _| {
            heard.push(line.text.clone());
            interrupt.send_modify(|count| *count += 1);
        }));
        assert_eq!(finished.err(), Some(Stop::Interrupted));
        assert_eq!(heard, ["up", "ending"]);
    }

    #[test]
    fn what_does_not_start_is_named() {
        let (_interrupt, interrupts) = watch::channel(0);
        let command = Command::new("bridgelab-no-such-program");
        let stopped = block_on(run(command, interrupts, async |_, _| {})).expect_err("none");
        let Stop::Failed(why) = stopped else {
            unreachable!("{stopped:?}")
        };
        assert!(
            why.starts_with("start `bridgelab-no-such-program`"),
            "{why}"
        );
    }
}
