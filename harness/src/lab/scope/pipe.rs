//! The program, and the lines to and from it.

use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout};

use super::NoLab;
use crate::lab::ask::{Answer, Ask};
use crate::lab::job::Event;
use crate::report::{Outcome, RunReport};

/// Waiting for a pipe blocks, and a test's runtime may have one thread only; so it is done on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NoLab> + Send + 'static,
) -> Result<T, NoLab> {
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // A test that no longer waits has dropped its lab, too.
        let _ = done.send(work());
    });
    let ended = |_| NoLab::Ended("the thread that talks to it has ended".to_owned());
    result.await.unwrap_or_else(|error| Err(ended(error)))
}

/// The program, and the lines to and from it.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) program: PathBuf,
    pub(super) child: Child,
    pub(super) input: Option<ChildStdin>,
    pub(super) output: BufReader<ChildStdout>,
    pub(super) said: Option<std::thread::JoinHandle<String>>,
    pub(super) report: Option<RunReport>,
}

impl Pipe {
    fn failed(&self, doing: &'static str) -> impl Fn(io::Error) -> NoLab + use<> {
        let program = self.program.clone();
        move |source| NoLab::Program {
            doing,
            program: program.clone(),
            source,
        }
    }

    /// The next event that is not progress; a report is kept, and ends it.
    pub(super) fn next(&mut self) -> Result<Option<Event>, NoLab> {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line);
            if read.map_err(self.failed("read from"))? == 0 {
                return Ok(None);
            }
            match serde_json::from_str(&line) {
                Ok(Event::Report { report }) => self.report = Some(*report),
                Ok(Event::Progress { .. } | Event::Kept { .. }) => {}
                Ok(event) => return Ok(Some(event)),
                Err(error) => return Err(NoLab::Ended(format!("it said `{line}`: {error}"))),
            }
        }
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<Answer, NoLab> {
        let line = serde_json::to_string(ask)
            .map_err(|e| self.failed("describe the wish to")(e.into()))?;
        let failed = self.failed("write to");
        let input = self.input.as_mut();
        let input = input.ok_or_else(|| NoLab::Ended("it was ended before".to_owned()))?;
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .map_err(failed)?;
        match self.next()? {
            Some(Event::Answer { answer }) => Ok(answer),
            _ => Err(self.no_lab()),
        }
    }

    /// Lets the lab end and waits for it.
    pub(super) fn end(&mut self) {
        if let (Some(mut input), Ok(line)) =
            (self.input.take(), serde_json::to_string(&Ask::Finish))
        {
            // Whatever becomes of the word, the pipe's end says the same.
            let _ = writeln!(input, "{line}");
        }
        while let Ok(Some(_)) = self.next() {}
        let _ = self.child.wait();
    }

    /// Why there is none: by the report, or by what the program said.
    pub(super) fn no_lab(&mut self) -> NoLab {
        self.end();
        let problem = self.report.as_ref().map(|report| {
            let why = report.problem.as_ref().map_or_else(
                || "nothing was told".to_owned(),
                |problem| problem.chain.join(": "),
            );
            (report.outcome, why)
        });
        match problem {
            Some((Outcome::Skipped, why)) => NoLab::Skipped(why),
            Some((_, why)) => NoLab::Broken(why),
            None => {
                let said = self.said.take().and_then(|said| said.join().ok());
                NoLab::Ended(said.unwrap_or_default())
            }
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.end();
    }
}
