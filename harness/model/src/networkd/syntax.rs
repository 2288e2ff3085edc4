//! The lines of a unit file: systemd.syntax(7).

use std::ops::Range;

/// What stands in a line, with its place in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'t> {
    /// What it is.
    pub(crate) what: What<'t>,
    /// Where it is; of an assignment, its key.
    pub(crate) at: Range<usize>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What<'t> {
    /// `[NAME]`.
    Section(&'t str),
    /// `KEY=VALUE`.
    Assignment {
        /// Without spaces around it.
        key: &'t str,
        /// With its continuation lines, without spaces around it.
        value: String,
        /// Where the value is, in its first line.
        value_at: Range<usize>,
    },
    /// Neither.
    Other,
}

/// UTF-8's byte order mark, which some editors write first. systemd passes over it once, where it begins a line that is no
/// comment (`config_parse` in `conf-parser.c`).
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The lines that are neither empty nor a comment. A line that ends in a backslash goes on in the next one that is no comment.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut found: Vec<Line<'_>> = Vec::new();
    let mut goes_on = false;
    let mut marked = false;
    let mut start = 0;
    for mut whole in text.split_inclusive('\n') {
        if let Some(rest) = whole.strip_prefix(BYTE_ORDER_MARK).filter(|_| !marked) {
            marked = true;
            start += whole.len() - rest.len();
            whole = rest;
        }
        let line = whole.trim();
        let at = start + (whole.len() - whole.trim_start().len());
        start += whole.len();
        if line.starts_with(['#', ';']) || (line.is_empty() && !goes_on) {
            continue;
        }
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        if goes_on {
            if let Some(What::Assignment { value, .. }) =
                found.last_mut().map(|last| &mut last.what)
            {
                // Both are without spaces around them; appended, so that a file of continued lines is read once.
                if !value.is_empty() && !line.is_empty() {
                    value.push(' ');
                }
                value.push_str(line);
            }
        } else {
            found.push(one(line, at));
        }
        goes_on = more;
    }
    found
}

/// A unit file's settings, in order: section, key, value. None of those before the first section.
pub fn settings(text: &str) -> Vec<(String, String, String)> {
    let lines = lines(text);
    let all = assignments(&lines);
    all.map(|(section, key, value)| [section, key, value].map(str::to_owned))
        .map(|[section, key, value]| (section, key, value))
        .collect()
}

/// The assignments, each with its section; none of those before the first section.
fn assignments<'t>(lines: &'t [Line<'t>]) -> impl Iterator<Item = (&'t str, &'t str, &'t str)> {
    let mut section = None;
    lines.iter().filter_map(move |line| match &line.what {
        What::Section(name) => {
            section = Some(*name);
            None
        }
        What::Assignment { key, value, .. } => Some((section?, *key, value.as_str())),
        What::Other => None,
    })
}

fn one(line: &str, at: usize) -> Line<'_> {
    let section = line
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(name) = section {
        let (what, at) = (What::Section(name), at..at + line.len());
        return Line { what, at };
    }
    match line
        .split_once('=')
        .map(|(key, value)| (key.trim_end(), value))
    {
        Some((key, value)) if !line.starts_with('[') => {
            let value_at = at + line.len() - value.trim_start().len();
            let what = What::Assignment {
                key,
                value: value.trim().to_owned(),
                value_at: value_at..at + line.len(),
            };
            let at = at..at + key.len();
            Line { what, at }
        }
        _ => Line {
            what: What::Other,
            at: at..at + line.len(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_and_know_their_place() {
        let text = "# a\n\n[Match]\n  Name = eno1 \n[Broken\nword\n";
        let found = lines(text);
        let shown: Vec<_> = found.iter().map(|line| &text[line.at.clone()]).collect();
        assert_eq!(shown, ["[Match]", "Name", "[Broken", "word"]);
        assert_eq!(found[0].what, What::Section("Match"));
        let What::Assignment {
            key,
            value,
            value_at,
        } = &found[1].what
        else {
            panic!("{found:?}");
        };
        assert_eq!(
            (*key, value.as_str(), &text[value_at.clone()]),
            ("Name", "eno1", "eno1")
        );
        assert_eq!(found[2].what, What::Other);
        assert_eq!(found[3].what, What::Other);
    }

    #[test]
    fn a_backslash_joins_lines_and_comments_between_are_nothing() {
        let text = "[Match]\nName=a \\\n# no\n  b\\\nc\nType=ether\n";
        let found = lines(text);
        let found: Vec<_> = assignments(&found).collect();
        assert_eq!(
            found,
            [("Match", "Name", "a b c"), ("Match", "Type", "ether")]
        );
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_once() {
        let text = "\u{feff}[Match]\nName=a\n";
        let found = lines(text);
        assert_eq!(found[0].what, What::Section("Match"));
        let shown: Vec<_> = found.iter().map(|line| &text[line.at.clone()]).collect();
        assert_eq!(shown, ["[Match]", "Name"]);
        assert_eq!(lines("\u{feff}").len(), 0);
        assert_eq!(lines("\u{feff}\u{feff}[Match]\n")[0].what, What::Other);
        assert_eq!(lines("\u{feff}\n\u{feff}[Match]\n")[0].what, What::Other);
    }

    #[test]
    fn what_is_before_the_first_section_is_in_none() {
        let found = lines("Name=a\n[Match]\nName=b\n");
        let found: Vec<_> = assignments(&found).collect();
        assert_eq!(found, [("Match", "Name", "b")]);
    }
}
