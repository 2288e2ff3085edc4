//! What a call writes: stdout, and files that were asked for. Files are tried before anything is built. When something
//! cannot be written, the exit code is never 0.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bridgelab_harness::report::exit_code;
use nix::unistd::{AccessFlags, access};

/// Fewest bytes of evidence. Whether there is room for them is tried by writing so many.
const LEAST_EVIDENCE: usize = 256 << 10;

/// The first failure of stdout.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line on stdout. A closed pipe is not an error.
pub(crate) fn say(line: &str) {
    print(&format!("{line}\n"));
}

/// Prints text on stdout as it is.
pub(crate) fn print(text: &str) {
    note(anstream::stdout().write_all(text.as_bytes()));
}

fn note(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(error);
        }
        _ => {}
    }
}

/// Flushes stdout. Returns the exit code of a call that would otherwise end with `code`.
pub(crate) fn closing(code: i32) -> i32 {
    note(io::stdout().flush());
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner).take();
    match failed {
        None => code,
        Some(error) => {
            let _ = writeln!(anstream::stderr(), "error: write to stdout: {error}");
            graver(code)
        }
    }
}

/// The exit code where something was not written. That of a failed run stays, since it matters more.
fn graver(code: i32) -> i32 {
    match code {
        exit_code::PASSED | exit_code::LEAKED | exit_code::HOST_CANNOT => exit_code::BROKEN,
        other => other,
    }
}

/// Whether this path stands for stdout.
pub(crate) fn to_stdout(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

/// A file or folder that cannot be written: why, and the remedy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unwritable(String);

impl Unwritable {
    fn new(option: &str, path: &Path, why: &str, help: &str) -> Self {
        let path = path.display();
        Self(format!(
            "error: `{option} {path}` cannot be written: {why}\n  help: {help}"
        ))
    }

    /// Prints the fault. Returns the exit code of a call that has built nothing.
    pub(crate) fn complain(&self) -> i32 {
        let _ = writeln!(anstream::stderr(), "{}", self.0);
        exit_code::INVALID
    }
}

/// Tries whether the files of some options, each with its option, can be written, without changing them.
///
/// # Errors
/// The first file that cannot be written, or that two options name.
pub(crate) fn try_files(files: &[(&str, Option<&Path>)]) -> Result<(), Unwritable> {
    let mut before: Vec<(&str, PathBuf)> = Vec::new();
    let given = files
        .iter()
        .filter_map(|(option, path)| path.map(|path| (*option, path)));
    for (option, path) in given {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // A terminal, /dev/null and the like may be named twice.
        let plain = to_stdout(Some(path)) || path.metadata().map_or(true, |at| at.is_file());
        if let Some((other, _)) = before.iter().find(|(_, known)| plain && *known == whole) {
            let why = format!("`{other}` goes there as well");
            return Err(Unwritable::new(option, path, &why, "name another file"));
        }
        if !to_stdout(Some(path)) {
            try_file(option, path)?;
        }
        before.push((option, whole));
    }
    Ok(())
}

fn try_file(option: &str, path: &Path) -> Result<(), Unwritable> {
    let cannot = |why: &str, help: &str| Err(Unwritable::new(option, path, why, help));
    let denied = |error: io::Error| {
        let help = format!("name a file that you can write, or `{option} -` for stdout");
        Unwritable::new(option, path, &error.to_string(), &help)
    };
    match path.metadata() {
        Ok(at) if at.is_dir() => cannot(
            "it is a folder",
            &format!(
                "name a file in it: `{option} {}`",
                path.join("report").display()
            ),
        ),
        Ok(at) if at.is_file() => {
            let opened = OpenOptions::new().append(true).open(path);
            opened.map(drop).map_err(denied)
        }
        // Do not open a pipe, which would wait for its reader.
        Ok(_) => access(path, AccessFlags::W_OK).map_err(|errno| denied(errno.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            if !parent.exists() {
                let why = format!("there is no folder `{}`", parent.display());
                return cannot(&why, &format!("make it: `mkdir -p {}`", parent.display()));
            }
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Ok(_) => fs::remove_file(path).map_err(denied),
                // A link that leads to no file: writing makes its target.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(denied(error)),
            }
        }
        Err(error) => Err(denied(error)),
    }
}

/// Makes the folder for evidence, and tries whether it has room.
///
/// # Errors
/// Why the folder cannot be used.
pub(crate) fn try_evidence(folder: &Path) -> Result<(), Unwritable> {
    let tried = fs::create_dir_all(folder).and_then(|()| {
        let mut file = tempfile::tempfile_in(folder)?;
        file.write_all(&vec![0; LEAST_EVIDENCE])?;
        file.sync_data()
    });
    tried.map_err(|error| {
        let shown = folder.display();
        let help = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                format!("see what fills it: `df -h {shown}`; or another folder: `--evidence DIR`")
            }
            _ => "another folder: `--evidence DIR`".to_owned(),
        };
        Unwritable::new("--evidence", folder, &error.to_string(), &help)
    })
}

/// Writes a text into a file, or to stdout for `-`. Returns the exit code of a call that would otherwise end with `code`.
pub(crate) fn write(code: i32, option: &str, path: &Path, text: &str) -> i32 {
    if to_stdout(Some(path)) {
        say(text);
        return code;
    }
    match fs::write(path, text) {
        Ok(()) => code,
        // `| head` has read as much as it wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => code,
        Err(error) => unwritten(code, option, path, &error),
    }
}

/// Prints that a file was not written. Returns the exit code of a call that would otherwise end with `code`.
pub(crate) fn unwritten(code: i32, option: &str, path: &Path, why: &dyn Error) -> i32 {
    let path = path.display();
    let _ = writeln!(anstream::stderr(), "error: write `{option} {path}`: {why}");
    graver(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_named_with_the_way_out_and_nothing_is_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old"), "kept").expect("a file");
        std::os::unix::fs::symlink(path("none"), path("link")).expect("a link");
        for good in ["old", "new", "link"] {
            assert_eq!(
                try_files(&[("--json", Some(&path(good)))]),
                Ok(()),
                "{good}"
            );
        }
        assert_eq!(fs::read_to_string(path("old")).expect("a file"), "kept");
        assert!(!path("new").exists() && !path("none").exists());
        for (bad, why, help) in [
            ("", "it is a folder", "--json"),
            ("no/file", "there is no folder", "mkdir -p"),
            ("old/file", "Not a directory", "stdout"),
        ] {
            let Err(Unwritable(told)) = try_files(&[("--json", Some(&path(bad)))]) else {
                unreachable!("`{bad}` cannot be written")
            };
            assert!(told.contains(why) && told.contains(help), "{told}");
        }
        let (one, dash) = (path("old"), Path::new("-"));
        for twice in [&one, dash] {
            let both = [("--json", Some(twice)), ("--junit", Some(twice))];
            assert!(try_files(&both).is_err());
        }
        let null = Path::new("/dev/null");
        let both = [("--json", Some(null)), ("--junit", Some(null))];
        assert_eq!(try_files(&both), Ok(()));
        assert!(try_evidence(&one).is_err());
        assert_eq!(try_evidence(&path("a/b")), Ok(()));
        assert_eq!(fs::read_dir(path("a/b")).expect("made").count(), 0);
    }

    #[test]
    fn a_fault_of_the_network_is_not_hidden_by_a_full_disk() {
        for (code, then) in [
            (0, 4),
            (1, 1),
            (2, 2),
            (3, 4),
            (4, 4),
            (5, 4),
            (6, 6),
            (143, 143),
        ] {
            assert_eq!(graver(code), then);
        }
    }
}
