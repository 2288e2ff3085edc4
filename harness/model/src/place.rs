//! Places in texts that people write: a scenario's file, a unit file, the command line.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What faults call the command line, where they name the file otherwise.
pub(crate) const COMMAND_LINE: &str = "the command line";

/// A text in which something has its place.
#[derive(Debug)]
pub struct Source {
    /// Path as it is shown to people.
    pub shown: PathBuf,
    /// The whole text.
    pub text: String,
    /// Whether this is the built-in base; where a clash has two places, the other one is at fault.
    pub built_in: bool,
    /// Byte offset of the start of each line.
    lines: Vec<usize>,
    /// Characters before every [`STRIDE`]th byte: in a long line nobody counts from its start for each fault.
    characters: Vec<usize>,
}

/// Bytes between two that characters are counted up to.
const STRIDE: usize = 1024;

impl Source {
    /// A text, as it is shown to people.
    pub fn new(shown: PathBuf, text: String, built_in: bool) -> Arc<Self> {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        let mut count = 0;
        let characters = text.as_bytes().chunks(STRIDE).map(|chunk| {
            let before = count;
            count += begun(chunk);
            before
        });
        let characters = characters.collect();
        Arc::new(Self {
            shown,
            text,
            built_in,
            lines,
            characters,
        })
    }

    /// Line (from 0) of a byte offset.
    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset) - 1
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = boundary(&self.text, offset);
        let line = self.line(offset);
        let column = self.characters_before(offset) - self.characters_before(self.lines[line]);
        (line + 1, column + 1)
    }

    /// Characters of the text before a byte offset at which one begins.
    fn characters_before(&self, offset: usize) -> usize {
        // The text's end may be where the next stretch would begin.
        let at = (offset / STRIDE).min(self.characters.len().saturating_sub(1));
        let before = self.characters.get(at).copied().unwrap_or_default();
        before + begun(&self.text.as_bytes()[at * STRIDE..offset])
    }

    /// The line that holds a byte offset, without its line end, and the offset of its first byte.
    pub fn line_at(&self, offset: usize) -> (usize, &str) {
        let line = self.line(offset.min(self.text.len()));
        let start = self.lines[line];
        let end = self
            .lines
            .get(line + 1)
            .map_or(self.text.len(), |&next| next);
        (start, self.text[start..end].trim_end_matches(['\n', '\r']))
    }
}

/// Characters that begin in these bytes of UTF-8.
fn begun(bytes: &[u8]) -> usize {
    let begins = |byte: &&u8| **byte & 0xc0 != 0x80;
    bytes.iter().filter(begins).count()
}

/// The nearest character boundary at or before an offset.
pub fn boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where something stands.
#[derive(Debug, Clone)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// Bytes of the source.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column of its beginning, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        self.source.position(self.span.start)
    }

    /// Sorts the built-in base first, then by position: of two that clash the later one is reported.
    pub fn order(&self) -> (bool, usize, usize) {
        (!self.source.built_in, self.span.start, self.span.end)
    }

    /// Whether what stands there is the command line's.
    pub(crate) fn is_imposed(&self) -> bool {
        self.source.shown == Path::new(COMMAND_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Source::new(PathBuf::from("a.toml"), text.to_owned(), false)
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let source = source("a\n\u{e4}b\r\n\nlast");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(4), (2, 2));
        assert_eq!(source.position(3), (2, 1), "inside a character: its start");
        assert_eq!(source.position(7), (3, 1));
        assert_eq!(source.position(99), (4, 5));
        assert_eq!(source.line_at(4), (2, "\u{e4}b"));
        assert_eq!(source.line_at(99), (8, "last"));
    }

    #[test]
    fn columns_of_a_long_line_are_those_of_a_short_one() {
        let text = "a\u{e4}\u{1f600}b".repeat(1000);
        let source = source(&text);
        for (before, (at, _)) in text.char_indices().enumerate() {
            assert_eq!(source.position(at), (1, before + 1));
        }
        assert_eq!(source.position(text.len()), (1, 4001));
        assert_eq!(
            Source::new(PathBuf::new(), String::new(), false).position(0),
            (1, 1)
        );
    }
}
