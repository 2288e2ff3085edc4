//! Texts of files of the evidence that the page shows, whole or from both ends.

use std::path::Path;

/// Most bytes of a file of a scenario.
const OF_SCENARIOS: usize = 256 << 10;
/// Bytes of a log from either end.
const OF_LOGS: usize = 8 << 10;

/// Names of logs that are shown.
const LOGS: [&str; 3] = ["networkd.log", "journal.txt", "dnsmasq.log"];

/// Beginning and end of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The beginning, or all of it.
    pub head: String,
    /// Bytes between the two.
    pub left_out: u64,
    /// The end; empty where nothing is left out.
    pub tail: String,
}

/// How many bytes of a file of the evidence the page shows, from the beginning and from the end; `None`: it is only linked.
pub fn shown_of(path: &Path) -> Option<(usize, usize)> {
    if path.starts_with("scenarios") {
        return Some((OF_SCENARIOS, 0));
    }
    let name = path.file_name()?.to_str()?;
    LOGS.contains(&name).then_some((OF_LOGS, OF_LOGS))
}

impl Excerpt {
    /// A text that is there whole.
    pub fn whole(text: &str) -> Self {
        Self {
            head: text.to_owned(),
            ..Self::default()
        }
    }

    /// The same with at most so many bytes from either end, cut at line breaks where there are some.
    pub(super) fn within(&self, most: usize) -> (&str, u64, &str) {
        let whole = self.left_out == 0 && self.tail.is_empty();
        if whole && self.head.len() <= 2 * most {
            return (&self.head, 0, "");
        }
        let end = match whole {
            true => &self.head,
            false => &self.tail,
        };
        let (head, tail) = (beginning(&self.head, most), ending(end, most));
        let between = match whole {
            true => self.head.len() - head.len() - tail.len(),
            false => self.head.len() - head.len() + self.tail.len() - tail.len(),
        };
        (head, self.left_out + between as u64, tail)
    }
}

/// The first lines of a text, or of its first line the beginning.
fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end == text.len() {
        return text;
    }
    let line = text[..end].rfind('\n').map(|at| at + 1);
    &text[..line.unwrap_or(end)]
}

/// The last lines of a text, or of its last line the end.
fn ending(text: &str, most: usize) -> &str {
    let mut start = text.len() - most.min(text.len());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if start == 0 {
        return text;
    }
    let line = text[start..].find('\n').map(|at| start + at + 1);
    let line = line.filter(|at| *at < text.len());
    &text[line.unwrap_or(start)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_log_are_shown_by_whole_lines_and_the_rest_is_counted() {
        let lines: String = (0..100).map(|n| format!("line {n:03}\n")).collect();
        let whole = Excerpt::whole(&lines);
        assert_eq!(whole.within(450), (&*lines, 0, ""));
        let (head, left_out, tail) = whole.within(20);
        assert_eq!(
            (head, tail),
            ("line 000\nline 001\n", "line 098\nline 099\n")
        );
        assert_eq!(left_out as usize, lines.len() - head.len() - tail.len());
        let ends = Excerpt {
            head: "first\n".to_owned(),
            left_out: 7,
            tail: "last\n".to_owned(),
        };
        assert_eq!(ends.within(100), ("first\n", 7, "last\n"));
        let one = Excerpt::whole(&"\u{e9}".repeat(50));
        let (head, left_out, tail) = one.within(11);
        assert_eq!((head.len(), left_out, tail.len()), (10, 80, 10));
    }
}
