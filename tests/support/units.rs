//! A host with unit files that a test writes.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// Writes a scenario with these files beside it.
pub fn scenario(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    write(
        "scenario.toml",
        "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n",
    );
    for (name, text) in files {
        write(name, text);
    }
    folder
}

/// The scenario's path, as a word of a command line.
pub fn path(folder: &TempDir) -> &str {
    Path::to_str(folder.path()).expect("UTF-8")
}
