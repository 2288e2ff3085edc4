//! From places in texts to places in reports.

use crate::diagnosis::finding::{At, Edit};
use crate::networkd::Setting;
use crate::place::Place;

impl At {
    /// The place as a report has it.
    pub(super) fn of(place: &Place) -> Self {
        let (line, column) = place.position();
        let (_, text) = place.source.line_at(place.span.start);
        Self {
            file: place.source.shown.clone(),
            line,
            column,
            text: text.trim().to_owned(),
        }
    }
}

/// The whole line of a place.
fn line(place: &Place) -> &str {
    place.source.line_at(place.span.start).1
}

/// The change of a line to another text.
pub(super) fn changed(place: &Place, to: String) -> Edit {
    Edit {
        file: place.source.shown.clone(),
        line: Some(place.position().0),
        from: line(place).to_owned(),
        to,
    }
}

/// The change of an assignment to another value; `None` where it goes over several lines.
pub(super) fn with_value(setting: &Setting, value: &str) -> Option<Edit> {
    let place = &setting.value_place;
    let (start, text) = place.source.line_at(place.span.start);
    let before = text.get(..place.span.start.checked_sub(start)?)?;
    (!text.ends_with('\\')).then(|| changed(place, format!("{before}{value}")))
}

/// The change of an assignment's key.
pub(super) fn with_key(setting: &Setting, key: &str) -> Option<Edit> {
    let text = line(&setting.key_place);
    let value = text.split_once('=')?.1;
    Some(changed(&setting.key_place, format!("{key}={value}")))
}

/// A line that is added behind the one of a place.
pub(super) fn added_behind(place: &Place, text: String) -> Edit {
    Edit {
        file: place.source.shown.clone(),
        line: Some(place.position().0 + 1),
        from: String::new(),
        to: text,
    }
}
