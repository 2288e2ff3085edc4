//! A mutant that was written down: what it does to a file, and where, without the operator that made it. Pure.
//!
//! Operators change; what is measured by a corpus of such mutants stays the same.

use std::ops::Range;
use std::path::PathBuf;

use bridgelab_harness::scenario::mutation::{Change, Mutant};
use serde::{Deserialize, Serialize};

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    /// The operator that made it.
    pub(crate) operator: String,
    /// The file, from the scenario's folder.
    pub(crate) file: PathBuf,
    /// What is done to it.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What is done to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum What {
    /// The file is removed.
    Removed {
        /// Always so.
        removed: bool,
    },
    /// Lines are replaced.
    Lines(Lines),
}

/// Lines of a file that become others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lines {
    /// Number of the first of them, from 1; where lines are only put in, of the one that they come before.
    pub(crate) line: usize,
    /// The line above; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) above: Option<String>,
    /// The lines that were there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) from: Vec<String>,
    /// The lines that are there instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) to: Vec<String>,
    /// Whether they are put in behind the last line, wherever that is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) end: bool,
    /// The first of the lines that a diagnosis may name, and the one behind the last.
    pub(crate) named: [usize; 2],
}

/// A file with the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Its text; `None`: it is gone.
    pub(crate) text: Option<String>,
    /// The lines that a diagnosis may name; none where the file is gone.
    pub(crate) named: Range<usize>,
}

impl Frozen {
    /// A mutant as it is written down, by the text of the file that it changes.
    pub(crate) fn of(mutant: &Mutant, text: &str) -> Self {
        let what = match (&mutant.change, mutant.change.applied(text)) {
            (Change::Replace { .. }, Some(changed)) => What::Lines(lines(mutant, text, &changed)),
            _ => What::Removed { removed: true },
        };
        Self {
            operator: mutant.operator.name.to_owned(),
            file: mutant.file.clone(),
            what,
        }
    }

    /// `OPERATOR@FILE:LINE`, and behind it `=TEXT` where something is only put in: at one line that may be several things.
    pub(crate) fn id(&self) -> String {
        let at = format!("{}@{}", self.operator, self.file.display());
        match &self.what {
            What::Removed { .. } => format!("{at}:1"),
            What::Lines(lines) => {
                let mut new = lines.to.iter().filter(|line| !line.trim().is_empty());
                match new.next().filter(|_| lines.from.is_empty()) {
                    Some(first) => format!("{at}:{}={}", lines.line, first.trim()),
                    None => format!("{at}:{}", lines.line),
                }
            }
        }
    }

    /// Carries it out on the file as it is now. Lines that have moved are found again by themselves and the line above.
    ///
    /// # Errors
    /// Why it is stale: nothing can be measured by it any more.
    pub(crate) fn applied(&self, text: &str) -> Result<Changed, String> {
        let lines = match &self.what {
            What::Removed { .. } => {
                return Ok(Changed {
                    text: None,
                    named: 0..0,
                });
            }
            What::Lines(lines) => lines,
        };
        let mut now: Vec<&str> = text.split('\n').collect();
        let at = lines.place(&now).ok_or_else(|| {
            let what = match lines.from.first() {
                Some(line) => format!("`{line}`"),
                None => format!("`{}`", lines.above.as_deref().unwrap_or_default()),
            };
            format!(
                "{what} is neither line {} of {} nor exactly one other line",
                lines.line,
                self.file.display()
            )
        })?;
        now.splice(
            at..at + lines.from.len(),
            lines.to.iter().map(String::as_str),
        );
        let moved = |line: usize| (line + at + 1).saturating_sub(lines.line);
        let [first, end] = lines.named;
        Ok(Changed {
            text: Some(now.join("\n")),
            named: moved(first)..moved(end),
        })
    }
}

impl Lines {
    /// Where they are now, from 0.
    fn place(&self, now: &[&str]) -> Option<usize> {
        if self.end {
            return Some(now.len());
        }
        let is_at = |at: usize| {
            let above = at.checked_sub(1).map(|above| now[above]);
            let found = now.get(at..at + self.from.len());
            above == self.above.as_deref()
                && found.is_some_and(|found| found.iter().zip(&self.from).all(|(a, b)| a == b))
        };
        let known = self.line.checked_sub(1)?;
        if known <= now.len() && is_at(known) {
            return Some(known);
        }
        let mut places = (0..=now.len()).filter(|at| is_at(*at));
        let only = places.next()?;
        places.next().is_none().then_some(only)
    }
}

/// What differs between two texts, as the lines between those that begin and end both of them.
fn lines(mutant: &Mutant, text: &str, changed: &str) -> Lines {
    let was: Vec<&str> = text.split('\n').collect();
    let is: Vec<&str> = changed.split('\n').collect();
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let before = same(&mut was.iter().zip(&is));
    let (was_left, is_left) = (&was[before..], &is[before..]);
    let after = same(&mut was_left.iter().rev().zip(is_left.iter().rev()));
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let from: Vec<String> = owned(&was_left[..was_left.len() - after]);
    Lines {
        line: before + 1,
        above: before.checked_sub(1).map(|above| was[above].to_owned()),
        end: from.is_empty() && before == was.len(),
        from,
        to: owned(&is_left[..is_left.len() - after]),
        named: [mutant.place.start, mutant.place.end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[Match]\nName=a\n\n[Network]\nDHCP=no\nBridge=br0\n";

    fn replaced(line: usize, above: &str, from: &[&str], to: &[&str]) -> Frozen {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Frozen {
            operator: "unit.negate".to_owned(),
            file: PathBuf::from("a.network"),
            what: What::Lines(Lines {
                line,
                above: Some(above.to_owned()),
                from: owned(from),
                to: owned(to),
                end: false,
                named: [line, line + 1],
            }),
        }
    }

    #[test]
    fn lines_are_replaced_where_they_are() {
        let frozen = replaced(5, "[Network]", &["DHCP=no"], &["DHCP=yes"]);
        let changed = frozen.applied(TEXT).expect("it applies");
        let expected = TEXT.replace("DHCP=no", "DHCP=yes");
        assert_eq!(changed.text.as_deref(), Some(expected.as_str()));
        assert_eq!(changed.named, 5..6);
        assert_eq!(frozen.id(), "unit.negate@a.network:5");
    }

    #[test]
    fn lines_that_moved_are_found_again_and_so_is_what_may_be_named() {
        let frozen = replaced(5, "[Network]", &["DHCP=no"], &[]);
        let moved = format!("# one\n# two\n{TEXT}");
        let changed = frozen.applied(&moved).expect("it applies");
        assert_eq!(
            changed.text.as_deref(),
            Some(moved.replace("DHCP=no\n", "").as_str())
        );
        assert_eq!(changed.named, 7..8);
        let up = TEXT.replace("Name=a\n", "");
        assert_eq!(frozen.applied(&up).expect("it applies").named, 4..5);
    }

    #[test]
    fn what_is_not_there_or_there_twice_elsewhere_is_stale() {
        let gone = replaced(5, "[Network]", &["DHCP=yes"], &[]);
        let why = gone.applied(TEXT).expect_err("no such line");
        assert!(
            why.contains("`DHCP=yes`") && why.contains("line 5 of a.network"),
            "{why}"
        );
        let twice = replaced(1, "[Network]", &["DHCP=no"], &[]);
        let text = format!("{TEXT}{TEXT}");
        assert!(twice.applied(&text).is_err());
        let above = replaced(5, "[Match]", &["DHCP=no"], &[]);
        assert!(above.applied(TEXT).is_err(), "the line above is another");
    }

    #[test]
    fn what_comes_at_the_end_is_put_there_however_long_the_file_is() {
        let mut frozen = replaced(8, "", &[], &["[Link]", "MTUBytes=1280", ""]);
        if let What::Lines(lines) = &mut frozen.what {
            lines.end = true;
            lines.named = [8, 10];
        }
        assert_eq!(frozen.id(), "unit.negate@a.network:8=[Link]");
        let longer = format!("# one\n{TEXT}");
        let changed = frozen.applied(&longer).expect("it applies");
        assert_eq!(
            changed.text,
            Some(format!("{longer}\n[Link]\nMTUBytes=1280\n"))
        );
        assert_eq!(changed.named, 9..11);
    }
}
