//! Chooses the templates that are removed so that a new one has room. Pure.

use std::path::PathBuf;
use std::time::SystemTime;

/// Room that all templates together may take of the disk, in MiB. It is enough for sixteen of Debian, of half a
/// gigabyte each, more than the scenarios of the library need. A limit on their number would say little, because a
/// template of the image `tiny` is a fifth of that size.
const BUDGET: u64 = 8 << 10;

/// Divisor of the room that the disk has for templates, the existing ones included: they take a quarter of it at most.
const SHARE: u64 = 4;

/// A template that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kept {
    /// When it was last used.
    pub(super) used: SystemTime,
    pub(super) folder: PathBuf,
    /// What it takes of the disk, in MiB.
    pub(super) mib: u64,
}

/// Chooses the templates to remove, the longest unused first, so that one of `needed` MiB has room on a disk with
/// `free` MiB.
///
/// # Errors
/// The MiB that would be free if all were removed, when these are not enough. Then none is to be removed.
pub(super) fn leaving(mut kept: Vec<Kept>, needed: u64, free: u64) -> Result<Vec<Kept>, u64> {
    kept.sort();
    let held: u64 = kept.iter().map(|one| one.mib).sum();
    if free + held < needed {
        return Err(free + held);
    }
    let budget = BUDGET.min((free + held) / SHARE);
    let mut gone = 0;
    let mut leaving = Vec::new();
    for one in kept {
        if held - gone + needed <= budget && free + gone >= needed {
            break;
        }
        gone += one.mib;
        leaving.push(one);
    }
    Ok(leaving)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DISK: u64 = 1 << 20;

    fn kept(count: u64, mib: u64) -> Vec<Kept> {
        // The youngest comes first here, because a folder's entries come in no certain order.
        let one = |age: u64| Kept {
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - age),
            folder: format!("age-{age}").into(),
            mib,
        };
        (0..count).map(one).collect()
    }

    fn names(leaving: Result<Vec<Kept>, u64>) -> Vec<String> {
        let leaving = leaving.expect("there is room");
        let name = |one: Kept| one.folder.display().to_string();
        leaving.into_iter().map(name).collect()
    }

    #[test]
    fn nobody_goes_while_there_is_room() {
        assert_eq!(names(leaving(kept(12, 500), 1280, DISK)), [""; 0]);
        assert_eq!(names(leaving(kept(60, 100), 384, DISK)), [""; 0]);
    }

    #[test]
    fn the_longest_unused_goes_when_the_budget_is_spent() {
        assert_eq!(
            names(leaving(kept(16, 500), 1280, DISK)),
            ["age-15", "age-14", "age-13"]
        );
    }

    #[test]
    fn a_small_disk_is_not_filled() {
        // The budget is a quarter of 8000 MiB, which is room for the new template of 1280 and one of 500.
        assert_eq!(
            names(leaving(kept(4, 500), 1280, 6000)),
            ["age-3", "age-2", "age-1"]
        );
        // The budget is smaller than the new template, but the disk has room for it.
        assert_eq!(names(leaving(kept(1, 500), 1280, 1300)), ["age-0"]);
        assert_eq!(names(leaving(kept(2, 500), 1280, 900)), ["age-1", "age-0"]);
    }

    #[test]
    fn nobody_goes_in_vain() {
        assert_eq!(leaving(kept(2, 500), 1280, 200), Err(1200));
    }
}
