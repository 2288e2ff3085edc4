//! The file of a log. It keeps its beginning and its end, within a bound, however much is written into it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Bytes of its beginning that are kept for good.
const HEAD: u64 = 16 << 20;
/// Bytes that a file grows to, with all that is in it.
const MOST: u64 = 32 << 20;
/// Bytes that are moved at a time.
const CHUNK: usize = 64 << 10;
/// The line that stands where something was left out, around the number of bytes.
const GAP: [&str; 2] = ["\n[... ", " bytes are left out ...]\n"];

/// A file that is appended to. When it has grown to its bound, the older half of what follows its head is removed, and
/// a line says how much. The file can be read at any time, from its first byte to its last, also after SIGKILL.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    /// Open since the first byte, for appending: a daemon that is started again goes on in the same file.
    file: Option<File>,
    head: u64,
    most: u64,
}

impl LogFile {
    /// A file at `path`; it is created when the first byte comes.
    pub(super) fn new(path: PathBuf) -> Self {
        Self::bounded(path, HEAD, MOST)
    }

    /// As [`new`](Self::new), with other bounds: `head` bytes of its beginning, `most` in all.
    fn bounded(path: PathBuf, head: u64, most: u64) -> Self {
        Self {
            path,
            file: None,
            head,
            most,
        }
    }

    /// Appends `bytes`, as many at a time as fit between the bounds.
    ///
    /// # Errors
    /// The kernel's answer. What could not be written is lost.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let half = (self.most - self.head) / 2;
        for part in bytes.chunks(usize::try_from(half).unwrap_or(CHUNK)) {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => {
                    let mut options = File::options();
                    let options = options.create(true).read(true).append(true);
                    options.open(&self.path)?
                }
            };
            let long = file.metadata()?.len();
            let made = match long + part.len() as u64 > self.most {
                true => self.shorten(&file, long, half),
                false => Ok(()),
            };
            // A file that cannot be shortened does not grow either.
            let written = made.and_then(|()| file.write_all(part));
            self.file = Some(file);
            written?;
        }
        Ok(())
    }

    /// Moves the end of a file that is `long` bytes to its head, less than `half` of them with the line between.
    fn shorten(&self, file: &File, long: u64, half: u64) -> io::Result<()> {
        let (before, begin) = self.gap(file)?;
        // Room for the line, whose number has twenty digits at most.
        let line = GAP.concat().len() as u64 + 20;
        let from = long - half.saturating_sub(line).min(long - begin);
        let gap = format!(
            "{}{}{}",
            GAP[0],
            before.saturating_add(from - begin),
            GAP[1]
        );
        // A handle that does not append is needed: with an appending one pwrite(2) writes at the end alone.
        let into = File::options().write(true).open(&self.path)?;
        into.write_all_at(gap.as_bytes(), self.head)?;
        let (mut at, mut from) = (self.head + gap.len() as u64, from);
        let mut chunk = vec![0; CHUNK];
        while from < long {
            let read = file.read_at(&mut chunk, from)?;
            if read == 0 {
                break;
            }
            into.write_all_at(&chunk[..read], at)?;
            (at, from) = (at + read as u64, from + read as u64);
        }
        into.set_len(at)
    }

    /// How many bytes were left out before, and where what is kept of the end begins.
    fn gap(&self, file: &File) -> io::Result<(u64, u64)> {
        let mut begun = [0; 64];
        let read = file.read_at(&mut begun, self.head)?;
        let text = String::from_utf8_lossy(&begun[..read]);
        let number = text
            .strip_prefix(GAP[0])
            .and_then(|rest| Some(rest.split_once(GAP[1])?.0));
        Ok(
            match number.and_then(|number| Some((number.len(), number.parse().ok()?))) {
                Some((digits, left_out)) => {
                    (left_out, self.head + (GAP.concat().len() + digits) as u64)
                }
                None => (0, self.head),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Lines of ten bytes, as many as are asked for, from this number on.
    fn lines(from: usize, to: usize) -> Vec<u8> {
        (from..to)
            .flat_map(|n| format!("{n:09}\n").into_bytes())
            .collect()
    }

    /// Checks a log of what was written in parts of `step` lines: the head, the line between and the end, byte by byte.
    fn is_whole(text: &[u8], all: &[u8], head: usize, most: usize) {
        assert!(text.len() <= most, "{} bytes of {most}", text.len());
        let text = std::str::from_utf8(text).expect("text");
        let all = std::str::from_utf8(all).expect("text");
        if all.len() <= most {
            assert_eq!(text, all);
            return;
        }
        assert_eq!(text[..head], all[..head]);
        let rest = text[head..].strip_prefix(GAP[0]).expect("a gap");
        let (number, end) = rest.split_once(GAP[1]).expect("a gap");
        let left_out: usize = number.parse().expect("a number");
        assert_eq!(
            head + left_out + end.len(),
            all.len(),
            "each byte is counted once"
        );
        assert!(all.ends_with(end) && !end.contains("left out"));
        assert!(
            end.len() >= (most - head) / 2 - 80,
            "{} bytes of the end",
            end.len()
        );
    }

    #[test]
    fn the_beginning_and_the_end_are_kept_and_the_rest_is_counted() {
        for step in [1, 7, 100, 5000] {
            let dir = tempfile::tempdir().expect("temporary directory");
            let path = dir.path().join("log");
            let mut log = LogFile::bounded(path.clone(), 1000, 3000);
            let mut all = Vec::new();
            for begin in (0..5000).step_by(step) {
                let part = lines(begin, begin + step);
                log.append(&part).expect("room");
                all.extend(part);
                // The file is looked at after each part: a reader at that time sees the same.
                if begin % 50 == 0 {
                    is_whole(&fs::read(&path).expect("a file"), &all, 1000, 3000);
                }
            }
            is_whole(&fs::read(&path).expect("a file"), &all, 1000, 3000);
        }
    }

    #[test]
    fn at_the_bound_everything_is_kept() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("log");
        let mut log = LogFile::bounded(path.clone(), 1000, 3000);
        assert!(!path.exists(), "nothing was said");
        log.append(&lines(0, 300)).expect("room");
        assert_eq!(fs::read(&path).expect("a file"), lines(0, 300));
        log.append(b"x").expect("room");
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains(" bytes are left out ...]\n"), "{text}");
        assert!(text.ends_with("000000299\nx"), "{text}");
    }

    #[test]
    fn one_that_is_started_again_goes_on_counting() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("log");
        for begin in (0..2000).step_by(250) {
            let mut log = LogFile::bounded(path.clone(), 1000, 3000);
            log.append(&lines(begin, begin + 250)).expect("room");
        }
        is_whole(
            &fs::read(&path).expect("a file"),
            &lines(0, 2000),
            1000,
            3000,
        );
    }

    #[test]
    fn a_file_that_was_taken_away_does_not_grow_without_bound() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("log");
        let other = dir.path().join("other");
        let mut log = LogFile::bounded(path.clone(), 1000, 3000);
        log.append(&lines(0, 300)).expect("room");
        fs::rename(&path, &other).expect("it was there");
        log.append(b"x").expect_err("it cannot be shortened");
        assert_eq!(fs::metadata(&other).expect("a file").len(), 3000);
    }
}
