//! A unit file, line by line with places: what is changed in it must stand where it stood.

use std::ops::Range;

use crate::networkd::{What, lines};

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section<'t> {
    /// Its name, without brackets.
    pub(super) name: &'t str,
    /// Its first line, with the line's end.
    pub(super) header: Range<usize>,
    /// From its first line to the next section.
    pub(super) whole: Range<usize>,
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitSetting<'t> {
    /// Its section.
    pub(super) section: Section<'t>,
    /// Its key.
    pub(super) key: &'t str,
    /// Its value, with continuation lines.
    pub(super) value: String,
    /// Bytes of the key.
    pub(super) key_at: Range<usize>,
    /// Bytes of the value, in its first line.
    pub(super) value_at: Range<usize>,
    /// Its lines, with continuation lines and the end of the last one.
    pub(super) whole: Range<usize>,
}

/// What stands in a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitText<'t> {
    pub(super) sections: Vec<Section<'t>>,
    pub(super) settings: Vec<UnitSetting<'t>>,
}

impl<'t> UnitText<'t> {
    /// Reads it.
    pub(super) fn of(text: &'t str) -> Self {
        let lines = lines(text);
        let mut sections: Vec<Section<'t>> = Vec::new();
        for line in &lines {
            if let What::Section(name) = line.what {
                let header = line_around(text, &line.at);
                if let Some(before) = sections.last_mut() {
                    before.whole.end = header.start;
                }
                sections.push(Section {
                    name,
                    whole: header.start..text.len(),
                    header,
                });
            }
        }
        let settings = lines.iter().filter_map(|line| {
            let What::Assignment {
                key,
                value,
                value_at,
            } = &line.what
            else {
                return None;
            };
            let mut sections = sections.iter().rev();
            let section = sections.find(|section| section.whole.start <= line.at.start)?;
            let mut whole = line_around(text, &line.at);
            while text[whole.clone()].trim_end().ends_with('\\') && whole.end < text.len() {
                whole.end = line_around(text, &(whole.end..whole.end)).end;
            }
            Some(UnitSetting {
                section: section.clone(),
                key,
                value: value.clone(),
                key_at: line.at.clone(),
                value_at: value_at.clone(),
                whole,
            })
        });
        let settings = settings.collect();
        Self { sections, settings }
    }

    /// Whether a key is set in a section.
    pub(super) fn has(&self, section: &str, key: &str) -> bool {
        let mut settings = self.settings.iter();
        settings.any(|one| one.section.name == section && one.key == key)
    }

    /// The last value of a key.
    pub(super) fn last(&self, section: &str, key: &str) -> Option<&str> {
        let mut settings = self.settings.iter().rev();
        let last = settings.find(|one| one.section.name == section && one.key == key)?;
        Some(&last.value)
    }
}

/// The lines that hold these bytes, with the end of the last one.
pub(super) fn line_around(text: &str, at: &Range<usize>) -> Range<usize> {
    let start = text[..at.start].rfind('\n').map_or(0, |end| end + 1);
    if !at.is_empty() && text[..at.end].ends_with('\n') {
        return start..at.end;
    }
    let end = text[at.end..].find('\n');
    start..end.map_or(text.len(), |end| at.end + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_lines_are_whole() {
        let text = "# x\n[Match]\nName=a \\\n  b\n\n[Network]\nDHCP=no";
        let read = UnitText::of(text);
        let shown: Vec<_> = read
            .sections
            .iter()
            .map(|one| &text[one.whole.clone()])
            .collect();
        assert_eq!(shown, ["[Match]\nName=a \\\n  b\n\n", "[Network]\nDHCP=no"]);
        let shown: Vec<_> = read
            .settings
            .iter()
            .map(|one| &text[one.whole.clone()])
            .collect();
        assert_eq!(shown, ["Name=a \\\n  b\n", "DHCP=no"]);
        assert_eq!(read.settings[0].section.name, "Match");
        assert_eq!(read.last("Network", "DHCP"), Some("no"));
        assert!(read.has("Match", "Name") && !read.has("Network", "Name"));
    }
}
