//! Writes what was observed for a diagnosis into the evidence.

use std::path::Path;

use super::follow::Courses;
use crate::diagnosis::Facts;
use crate::lab::gathered::{note, write};

/// Folder of all of it.
const FOLDER: &str = "diagnosis";
/// Folder in it of what machines answered after the last check.
pub(super) const FACTS: &str = "facts";

/// Each answer as `diagnosis/PART/NAME/QUESTION`.
pub(super) fn facts(evidence: &Path, part: &str, facts: &Facts) {
    for (name, answers) in facts {
        let folder = evidence.join(FOLDER).join(part).join(name);
        for (question, answer) in &answers.by_question {
            write(&folder.join(question), answer);
        }
        if let Some(why) = &answers.unasked {
            note(format!("{FOLDER}/{part}/{name}: {why}"));
        }
    }
}

/// The course of each check as `diagnosis/courses.txt` and `.json`, and what they were read from as
/// `diagnosis/traces/MACHINE.txt`.
pub(super) fn courses(evidence: &Path, courses: &Courses) {
    if courses.by_check.is_empty() {
        return;
    }
    let folder = evidence.join(FOLDER);
    let by_check = courses.by_check.iter();
    let text: String = by_check
        .map(|(check, course)| format!("{check}\n{course}\n"))
        .collect();
    write(&folder.join("courses.txt"), &text);
    match serde_json::to_string_pretty(&courses.by_check) {
        Ok(json) => write(&folder.join("courses.json"), &json),
        Err(error) => note(format!("{FOLDER}/courses.json: {error}")),
    }
    for (machine, trace) in &courses.traces {
        let file = folder.join("traces").join(format!("{machine}.txt"));
        write(&file, trace);
    }
}
