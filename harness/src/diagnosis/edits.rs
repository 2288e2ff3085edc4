//! Carries out a remedy on a text.

use thiserror::Error;

use super::finding::Edit;

/// A change that does not fit a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("change line {line}: it should be `{wanted}`, and is `{there}`")]
pub struct NotThere {
    /// The line, from 1.
    pub line: usize,
    /// What should stand there.
    pub wanted: String,
    /// What stands there.
    pub there: String,
}

/// A file's text with these changes, which all are of this file; `None`: there is no such file yet.
///
/// # Errors
/// A line that is to be changed is another one.
pub fn apply(text: Option<&str>, edits: &[&Edit]) -> Result<String, NotThere> {
    let mut lines: Vec<String> = text
        .unwrap_or_default()
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    let mut edits = edits.to_vec();
    // From the last line to the first, so that no change moves the place of another.
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.line));
    for edit in edits {
        let new: Vec<String> = edit.to.lines().map(ToOwned::to_owned).collect();
        let at = edit
            .line
            .map_or(lines.len(), |line| line.saturating_sub(1))
            .min(lines.len());
        let until = match edit.from.is_empty() {
            true => at,
            false => {
                let there = lines.get(at).cloned().unwrap_or_default();
                if there != edit.from {
                    return Err(NotThere {
                        line: at + 1,
                        wanted: edit.from.clone(),
                        there,
                    });
                }
                at + 1
            }
        };
        lines.splice(at..until, new);
    }
    let mut changed = lines.join("\n");
    if !changed.is_empty() {
        changed.push('\n');
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(line: Option<usize>, from: &str, to: &str) -> Edit {
        Edit {
            file: "a".into(),
            line,
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    #[test]
    fn lines_are_changed_added_and_taken_away() {
        let text = "[Match]\nName=eno1\n\n[Network]\nDHCP=no\n";
        let changes = [
            edit(Some(2), "Name=eno1", "Name=eno1 vm-*"),
            edit(Some(5), "DHCP=no", ""),
            edit(Some(5), "", "Bridge=br0"),
        ];
        let refs: Vec<&Edit> = changes.iter().collect();
        let wanted = "[Match]\nName=eno1 vm-*\n\n[Network]\nBridge=br0\n";
        assert_eq!(apply(Some(text), &refs).as_deref(), Ok(wanted));
        let new = edit(None, "", "[Match]\nName=veth*\n");
        assert_eq!(apply(None, &[&new]).as_deref(), Ok("[Match]\nName=veth*\n"));
        let last = edit(Some(6), "", "Bridge=br0");
        assert_eq!(
            apply(Some(text), &[&last]),
            Ok(format!("{text}Bridge=br0\n"))
        );
    }

    #[test]
    fn a_line_that_is_another_one_is_not_changed() {
        let wrong = edit(Some(1), "[Network]", "[Link]");
        let told = apply(Some("[Match]\n"), &[&wrong]);
        let told = told.expect_err("it is another line").to_string();
        assert_eq!(
            told,
            "change line 1: it should be `[Network]`, and is `[Match]`"
        );
    }
}
