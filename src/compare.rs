//! `bridgelab compare`: do two reports agree, for example ghosts' and MicroVMs'?

use std::io::Write;
use std::path::Path;

use bridgelab_harness::report::{compare, exit_code};
use bridgelab_harness::visible::visible;

use crate::output::say;
use crate::report::read;

/// Prints each disagreement. Exit code 1 when there is one, or when the reports have no check in common.
pub(crate) fn compare_files(here: &Path, there: &Path) -> i32 {
    let (one, other) = match (read(here), read(there)) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(why), _) | (_, Err(why)) => {
            let _ = writeln!(anstream::stderr(), "error: {}", visible(&why));
            return exit_code::INVALID;
        }
    };
    let found = compare(&one, &other);
    for line in &found.disagreements {
        say(&visible(line));
    }
    say(&format!(
        "{} checks compared, {} disagree, {} looked at by one report at most",
        found.compared,
        found.disagreements.len(),
        found.uncompared
    ));
    // Two reports that have no check in common do not agree.
    if found.compared > 0 && found.disagreements.is_empty() {
        exit_code::PASSED
    } else {
        exit_code::FAILED
    }
}
