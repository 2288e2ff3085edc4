//! Asks machines and guests for evidence, one part after the other, and notes what they did not answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::check::{ProbeError, Vantage};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::host::unwritten;

/// File name and command of a piece of evidence.
pub(super) type Piece = (&'static str, &'static str);

/// File in the folder of a machine or guest that did not answer everything: what is missing there, and why.
pub(super) const NOT_GATHERED: &str = "not-gathered.txt";

/// How long a machine or guest that answers may take for one part.
const PART: Duration = Duration::from_secs(30);

/// How long a guest may take, in all, to show that it answers, before it is asked for anything long: a guest whose steering is
/// dead must not cost the time of every part. A guest that answered the last part is not asked for a sign again.
pub(super) const SIGN: Duration = Duration::from_secs(10);

/// Command that only shows whether a guest answers.
const THERE: &str = "true";

/// What one machine or guest is asked for.
pub(super) struct Asked<'a> {
    /// Pieces, in the parts that one shell runs at a time.
    pub(super) parts: Vec<Vec<Piece>>,
    /// How long it may take to show that it answers; `None`: it is known to.
    pub(super) sign: Option<Duration>,
    /// Folder for its evidence.
    pub(super) folder: &'a Path,
}

impl Asked<'_> {
    /// Saves what `vantage` answers, and a list of what it does not. Returns what the pieces of the first part printed.
    pub(super) async fn of(self, vantage: &Vantage) -> Vec<String> {
        self.by(async |script: &str, time: Duration| {
            let words = ["sh", "-c", script];
            let output = vantage.exec(&words, Deadline::after(time)).await?;
            Ok(output.stdout)
        })
        .await
    }

    /// As [`Asked::of`], through `ask`, which runs a script within a time.
    async fn by(
        self,
        ask: impl AsyncFn(&str, Duration) -> Result<String, ProbeError>,
    ) -> Vec<String> {
        let mut first = None;
        let mut missing = String::new();
        let (mut there, mut left) = (self.sign.is_none(), self.sign.unwrap_or_default());
        let mut gone = None;
        for part in self.parts.iter().filter(|part| !part.is_empty()) {
            if !there && gone.is_none() {
                let begun = Instant::now();
                match ask(THERE, left).await {
                    Ok(_) => there = true,
                    Err(error) => gone = Some(format!("it does not answer: {}", words(&error))),
                }
                left = left.saturating_sub(begun.elapsed());
            }
            let told = match &gone {
                Some(why) => Err(why.clone()),
                None => ask(&script(part), PART)
                    .await
                    .map_err(|error| words(&error)),
            };
            match told {
                Ok(told) => {
                    let told = save(part, &told, self.folder);
                    first.get_or_insert(told);
                }
                Err(why) => {
                    there = self.sign.is_none();
                    first.get_or_insert_with(Vec::new);
                    missing.extend(part.iter().map(|(file, _)| format!("{file}: {why}\n")));
                }
            }
        }
        if !missing.is_empty() {
            tracing::warn!(folder = %self.folder.display(), missing, "evidence could not be gathered");
            write(&self.folder.join(NOT_GATHERED), &missing);
            note_all(self.folder, &missing);
        }
        first.unwrap_or_default()
    }
}

/// What went wrong, on one line.
fn words(error: &ProbeError) -> String {
    Diagnostic::new(error).chain.join(": ")
}

/// What could not be gathered in this process, which carries out a single run.
static NOTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes a piece of evidence that is missing, and why.
pub(super) fn note(what: String) {
    NOTED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(what);
}

/// All that was noted.
pub(super) fn all_noted() -> Vec<String> {
    let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    noted.clone()
}

/// Notes one entry for each reason, with the files that are missing because of it.
fn note_all(folder: &Path, missing: &str) {
    let whose = folder.components().rev().take(2).collect::<Vec<_>>();
    let whose: PathBuf = whose.into_iter().rev().collect();
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for (file, why) in missing.lines().filter_map(|line| line.split_once(": ")) {
        match by_reason.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, files)) => files.push(file),
            None => by_reason.push((why, vec![file])),
        }
    }
    for (why, files) in by_reason {
        let files = match files.as_slice() {
            [first, second, rest @ ..] if rest.len() > 1 => {
                format!("{first}, {second} and {} more", rest.len())
            }
            files => files.join(", "),
        };
        note(format!("{}: {files}: {why}", whose.display()));
    }
}

/// A script that runs the pieces of a part. One shell runs them all, since starting programs takes the most time. A form feed
/// stands before the output of each piece; no command prints one itself.
fn script(part: &[Piece]) -> String {
    let lines = part.iter();
    lines
        .map(|(_, command)| format!("printf '\\f'; ({command}) 2>&1\n"))
        .collect()
}

fn save(part: &[Piece], told: &str, folder: &Path) -> Vec<String> {
    let told: Vec<String> = told.split('\u{c}').skip(1).map(str::to_owned).collect();
    for ((file, command), told) in part.iter().zip(&told) {
        write(&folder.join(file), &format!("# {command}\n{told}"));
    }
    told
}

/// Writes a file of the evidence and makes its folder.
pub(super) fn write(path: &Path, text: &str) {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    if let Err(error) = made.and_then(|()| fs::write(path, text)) {
        unwritten::note(path, &error);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const PARTS: [&[Piece]; 4] = [
        &[("nics.txt", "nics")],
        &[("links.txt", "links"), ("routes.txt", "routes")],
        &[],
        &[("journal.txt", "journal")],
    ];

    /// Asks somebody who answers by `answer`. Returns each script with its time in seconds, and the output of the first part.
    async fn asked(
        sign: Option<Duration>,
        answer: impl Fn(&str) -> Result<String, ProbeError>,
    ) -> (Vec<(String, u64)>, Vec<String>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("temporary directory");
        let log = RefCell::new(Vec::new());
        let asked = Asked {
            parts: PARTS.map(<[Piece]>::to_vec).to_vec(),
            sign,
            folder: folder.path(),
        };
        let first = asked
            .by(async |script: &str, time: Duration| {
                // A little of the ten seconds has passed.
                let seconds = time.as_secs_f64().ceil() as u64;
                log.borrow_mut().push((script.to_owned(), seconds));
                answer(script)
            })
            .await;
        (log.into_inner(), first, folder)
    }

    fn missing(folder: &tempfile::TempDir) -> Option<String> {
        fs::read_to_string(folder.path().join(NOT_GATHERED)).ok()
    }

    fn silence(why: &str) -> ProbeError {
        ProbeError::Impossible(why.to_owned())
    }

    fn tells(script: &str) -> Result<String, ProbeError> {
        Ok("\u{c}told\n".repeat(script.lines().count()))
    }

    #[tokio::test]
    async fn a_guest_that_does_not_answer_is_asked_once_and_for_ten_seconds() {
        let silent = |_: &str| Err(silence("no answer in 10 s"));
        let (log, first, folder) = asked(Some(SIGN), silent).await;
        assert_eq!(log, [("true".to_owned(), 10)]);
        assert!(first.is_empty());
        let why = "it does not answer: no answer in 10 s";
        let files = ["nics.txt", "links.txt", "routes.txt", "journal.txt"];
        let expected: String = files.map(|file| format!("{file}: {why}\n")).concat();
        assert_eq!(missing(&folder), Some(expected));
        // Look for the folder's name, which no other test has.
        let whose = folder.path().file_name().expect("a name");
        let whose = whose.to_string_lossy().into_owned();
        let noted = all_noted();
        let noted: Vec<&String> = noted.iter().filter(|one| one.contains(&whose)).collect();
        assert_eq!(noted.len(), 1, "{noted:?}");
        let told = format!("{whose}: nics.txt, links.txt and 2 more: {why}");
        assert!(noted[0].ends_with(&told), "{noted:?}");
    }

    #[tokio::test]
    async fn one_that_answers_has_its_usual_time_for_each_part() {
        let (log, first, folder) = asked(Some(SIGN), tells).await;
        let times: Vec<u64> = log.iter().map(|(_, time)| *time).collect();
        assert_eq!(times, [10, 30, 30, 30]);
        assert_eq!((first, missing(&folder)), (vec!["told\n".to_owned()], None));
        let routes = fs::read_to_string(folder.path().join("routes.txt")).expect("a file");
        assert_eq!(routes, "# routes\ntold\n");
    }

    #[tokio::test]
    async fn one_that_falls_silent_is_given_up_and_what_it_told_is_kept() {
        let told = RefCell::new(0);
        let falls = |script: &str| {
            *told.borrow_mut() += 1;
            match *told.borrow() {
                1 | 2 => tells(script),
                _ => Err(silence("the session has ended")),
            }
        };
        let (log, first, folder) = asked(Some(SIGN), falls).await;
        // A sign and a part that are answered; a part that is not, and no sign after it.
        let signs: Vec<bool> = log.iter().map(|(script, _)| script == "true").collect();
        assert_eq!(signs, [true, false, false, true]);
        assert!(log[3].1 <= 10, "{log:?}");
        assert_eq!(first, ["told\n"]);
        let missing = missing(&folder).expect("it is said");
        assert!(!missing.contains("nics.txt") && folder.path().join("nics.txt").exists());
        assert!(
            missing.contains("links.txt: the session has ended\n"),
            "{missing}"
        );
        assert!(
            missing.contains("journal.txt: it does not answer: the session"),
            "{missing}"
        );
    }

    #[tokio::test]
    async fn one_that_is_slow_and_there_is_asked_for_the_rest() {
        let slow = |script: &str| match script.contains("(links)") {
            true => Err(silence("not within 30 s")),
            false => tells(script),
        };
        let (_, _, folder) = asked(Some(SIGN), slow).await;
        assert!(folder.path().join("journal.txt").exists());
        let missing = missing(&folder).expect("it is said");
        assert_eq!(
            missing,
            "links.txt: not within 30 s\nroutes.txt: not within 30 s\n"
        );
    }

    #[tokio::test]
    async fn a_machine_shows_no_sign() {
        let (log, ..) = asked(None, tells).await;
        assert!(
            log.iter()
                .all(|(script, time)| script != "true" && *time == 30)
        );
    }
}
