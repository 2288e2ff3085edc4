//! How long each run took the last time, remembered so that the longest can begin first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// Milliseconds of the last run, by [`key`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Durations(BTreeMap<String, u64>);

/// The name under which a run is remembered: `SCENARIO/VARIANT on ACCELERATOR`.
pub fn key(title: &str, accelerator: &str) -> String {
    format!("{title} on {accelerator}")
}

/// The user's file: `$XDG_STATE_HOME/bridgelab/durations.json`; `None` when there is no home.
pub fn user_file() -> Option<PathBuf> {
    state_folder().map(|state| state.join("durations.json"))
}

/// Where the user's state is kept: `$XDG_STATE_HOME/bridgelab`, or `~/.local/state/bridgelab`.
pub fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_STATE_HOME")
        .map(|state| state.join("bridgelab"))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/bridgelab")))
}

impl Durations {
    /// Reads the file; a file that does not exist counts as empty.
    ///
    /// # Errors
    /// It cannot be read, or is not what [`Durations::record`] writes.
    pub fn load(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(text) => Ok(Self(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Milliseconds that the run took the last time.
    pub fn of(&self, key: &str) -> Option<u64> {
        self.0.get(key).copied()
    }

    /// Sorts items by their last duration, the longest first. Items without one come before all others; equal ones keep their
    /// order.
    pub fn longest_first<T>(&self, items: &mut [T], key: impl Fn(&T) -> String) {
        items.sort_by_key(|item| std::cmp::Reverse(self.of(&key(item)).unwrap_or(u64::MAX)));
    }

    /// Adds one duration to the file. A lock keeps what other processes add at the same time, and a rename spares readers
    /// half a file. A file that cannot be read is replaced.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn record(path: &Path, key: &str, ms: u64) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let lock = File::create(path.with_extension("lock"))?;
        let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        let mut all = Self::load(path).unwrap_or_default();
        all.0.insert(key.to_owned(), ms);
        // Only the holder of the lock writes this file; what a killed process left of it is overwritten.
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(&all.0)?)?;
        fs::rename(new, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state/durations.json");
        std::thread::scope(|scope| {
            for number in 0..16_u64 {
                let path = &path;
                scope.spawn(move || Durations::record(path, &number.to_string(), number));
            }
        });
        let all = Durations::load(&path).expect("readable");
        let known: Vec<_> = (0..16)
            .map(|number: u64| all.of(&number.to_string()))
            .collect();
        assert_eq!(known, Vec::from_iter((0..16).map(Some)));
        // Nothing but the file and its lock is left.
        assert_eq!(
            fs::read_dir(folder.path().join("state"))
                .expect("listed")
                .count(),
            2
        );
    }

    #[test]
    fn a_broken_file_is_told_and_then_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("durations.json");
        assert_eq!(
            Durations::load(&path).expect("nothing yet"),
            Durations::default()
        );
        fs::write(&path, "{\"lan on tcg\": 1").expect("a file");
        assert!(Durations::load(&path).is_err());
        Durations::record(&path, "lan on tcg", 2).expect("replaced");
        assert_eq!(
            Durations::load(&path).expect("readable").of("lan on tcg"),
            Some(2)
        );
    }

    #[test]
    fn the_unknown_come_first_then_the_longest() {
        let known = Durations(BTreeMap::from([("a".to_owned(), 5), ("b".to_owned(), 9)]));
        let mut items = ["a", "b", "new", "newer"];
        known.longest_first(&mut items, |item| (*item).to_owned());
        assert_eq!(items, ["new", "newer", "b", "a"]);
    }
}
