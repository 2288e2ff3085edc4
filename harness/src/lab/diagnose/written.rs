//! Writes what was observed for a diagnosis into the evidence.

use std::path::Path;

use crate::diagnosis::Facts;
use crate::lab::gathered::{note, write};

/// Folder of all of it.
const FOLDER: &str = "diagnosis";

/// Each answer as `diagnosis/facts/NAME/QUESTION`.
pub(super) fn facts(evidence: &Path, facts: &Facts) {
    for (name, answers) in facts {
        let folder = evidence.join(FOLDER).join("facts").join(name);
        for (question, answer) in &answers.by_question {
            write(&folder.join(question), answer);
        }
        if let Some(why) = &answers.unasked {
            note(format!("{FOLDER}/facts/{name}: {why}"));
        }
    }
}
