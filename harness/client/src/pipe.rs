//! The program, and the lines to and from it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use crate::protocol::{Answer, Ask, HoldEvent, Places, VERSION};
use crate::{NoLab, Outcome, RunReport};

/// The exit code of a program that was given an invalid scenario or option.
const INVALID: i32 = 2;

/// Waiting for a pipe blocks, and a test's runtime may have one thread only; so it is done on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
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
pub(crate) struct Pipe {
    program: PathBuf,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    said: Option<JoinHandle<String>>,
    report: Option<RunReport>,
}

impl Pipe {
    /// Starts the program, which must speak this version of the protocol.
    pub(crate) fn open(program: PathBuf, words: &[OsString]) -> Result<Self, NoLab> {
        let child = Command::new(&program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(NoLab::NoProgram { program });
            }
            Err(source) => return Err(failed(&program, "start", source)),
        };
        let (Some(input), Some(output), Some(mut errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(&program, "reach", io::ErrorKind::BrokenPipe.into()));
        };
        // Read to the end whoever reads it, so that the program never waits for us.
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut pipe = Self {
            program,
            child,
            input: Some(input),
            output: BufReader::new(output),
            said: Some(said),
            report: None,
        };
        pipe.greet()?;
        Ok(pipe)
    }

    fn greet(&mut self) -> Result<(), NoLab> {
        let Some(line) = self.line()? else {
            return Err(self.no_lab());
        };
        let (release, theirs) = match serde_json::from_str::<HoldEvent>(&line) {
            Ok(HoldEvent::Hello {
                protocol: VERSION, ..
            }) => return Ok(()),
            Ok(HoldEvent::Hello { protocol, program }) => (Some(program), Some(protocol)),
            _ => (None, None),
        };
        // What it would do by what we say, nobody knows.
        let _ = self.child.kill();
        Err(NoLab::OtherProtocol {
            program: self.program.clone(),
            release,
            theirs,
        })
    }

    /// What the lab has, once it stands.
    pub(crate) fn places(&mut self) -> Result<Places, NoLab> {
        match self.next()? {
            Some(HoldEvent::Held { places }) => Ok(places),
            _ => Err(self.no_lab()),
        }
    }

    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Answer, NoLab> {
        let line = serde_json::to_string(ask)
            .map_err(|error| failed(&self.program, "describe the wish to", error.into()))?;
        let input = self.input.as_mut();
        let input = input.ok_or_else(|| NoLab::Ended("it was ended before".to_owned()))?;
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .map_err(|source| failed(&self.program, "write to", source))?;
        match self.next()? {
            Some(HoldEvent::Answer { answer }) => Ok(answer),
            _ => Err(self.no_lab()),
        }
    }

    /// Lets the lab end, and waits for its report.
    pub(crate) fn finish(&mut self) -> Result<RunReport, NoLab> {
        self.end();
        match self.report.take() {
            Some(report) => Ok(report),
            None => Err(self.no_lab()),
        }
    }

    /// The next event; a report is kept, and ends it.
    fn next(&mut self) -> Result<Option<HoldEvent>, NoLab> {
        while let Some(line) = self.line()? {
            match serde_json::from_str(&line) {
                Ok(HoldEvent::Report { report }) => self.report = Some(*report),
                Ok(event) => return Ok(Some(event)),
                Err(error) => return Err(NoLab::Ended(format!("it said `{line}`: {error}"))),
            }
        }
        Ok(None)
    }

    fn line(&mut self) -> Result<Option<String>, NoLab> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(line)),
            Err(source) => Err(failed(&self.program, "read from", source)),
        }
    }

    fn end(&mut self) {
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
    fn no_lab(&mut self) -> NoLab {
        self.end();
        let Some(report) = &self.report else {
            let said = self.said.take().and_then(|said| said.join().ok());
            let said = said.unwrap_or_default();
            // It has been waited for, so its status is there.
            let status = self.child.wait().ok().and_then(|status| status.code());
            return match status {
                Some(INVALID) => NoLab::Invalid(said),
                _ => NoLab::Ended(said),
            };
        };
        let why = report.problem.as_ref().map_or_else(
            || "nothing was told".to_owned(),
            |problem| problem.chain.join(": "),
        );
        match report.outcome {
            Outcome::Skipped => NoLab::Skipped(why),
            _ => NoLab::Broken(why),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.end();
    }
}

fn failed(program: &std::path::Path, doing: &'static str, source: io::Error) -> NoLab {
    NoLab::Program {
        doing,
        program: program.to_owned(),
        source,
    }
}
