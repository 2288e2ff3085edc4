//! Subordinate ids: who may map how many, and writing the full map for a process.

use std::fs;
use std::path::PathBuf;

use nix::unistd::{Uid, User, getegid, geteuid};

use super::Attempt;
use crate::deadline::Deadline;
use crate::host::command;
use crate::host::tool::{Tool, locate};

/// As many ids as a Debian system uses; fewer and building an image fails at `nobody` (65534).
const ENOUGH: u32 = 65_536;

/// Writes the full id map of process `pid` with the set-uid helpers: only a use proves that they work.
pub(super) async fn write_map(pid: u32, by: Deadline) -> Attempt {
    let (uid, gid) = (geteuid(), getegid());
    let user = user_name();
    let uids = Map {
        file: "/etc/subuid",
        tool: Tool::Newuidmap,
        own: uid.as_raw(),
    };
    let gids = Map {
        file: "/etc/subgid",
        tool: Tool::Newgidmap,
        own: gid.as_raw(),
    };
    for map in [uids, gids] {
        if let Err(attempt) = map.write(pid, &user, uid, by).await {
            return attempt;
        }
    }
    Attempt::works(format!("{ENOUGH} user and group ids were mapped"))
}

/// Judges the ids of root, who has all of them, unless it is the root of a user namespace that was given fewer.
pub(super) fn of_root() -> Attempt {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    match mapped(&map) {
        ids if ids >= u64::from(ENOUGH) => Attempt::works("not needed as root"),
        ids => Attempt::Failed {
            doing: "use ids as root of a user namespace".to_owned(),
            said: format!("it has {ids} of the {ENOUGH} that are needed"),
            errno: None,
        },
    }
}

/// How many ids a `uid_map` maps.
fn mapped(map: &str) -> u64 {
    map.lines()
        .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok())
        .sum()
}

/// Name of the user who runs this, or its number when it has none.
pub(crate) fn user_name() -> String {
    let uid = geteuid();
    User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name)
}

struct Map {
    file: &'static str,
    tool: Tool,
    own: u32,
}

impl Map {
    async fn write(&self, pid: u32, user: &str, uid: Uid, by: Deadline) -> Result<(), Attempt> {
        let helper: PathBuf = locate(self.tool).ok_or_else(|| Attempt::no_program(self.tool))?;
        let text = fs::read_to_string(self.file)
            .map_err(|error| Attempt::failed(format!("read {}", self.file), error))?;
        let start = first_of_enough(&text, user, uid).ok_or_else(|| Attempt::Failed {
            doing: format!("find {ENOUGH} ids of `{user}` in {}", self.file),
            said: "there is no such range".to_owned(),
            // As if the file were absent: the remedy is the same.
            errno: Some(libc::ENOENT),
        })?;
        let numbers = [pid, 0, self.own, 1, 1, start, ENOUGH].map(|number| number.to_string());
        command::run(&helper, &numbers, by)
            .await
            .map(drop)
            .map_err(|failure| match failure.answered {
                true => Attempt::Failed {
                    doing: "map subordinate ids".to_owned(),
                    said: failure.to_string(),
                    errno: None,
                },
                false => Attempt::Unanswered {
                    who: failure.to_string(),
                },
            })
    }
}

/// Start of the first range of `text` (a `subuid` file) that belongs to the user and is large enough.
fn first_of_enough(text: &str, user: &str, uid: Uid) -> Option<u32> {
    let number = uid.to_string();
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let start: u32 = fields.next()?.parse().ok()?;
        let count: u32 = fields.next()?.parse().ok()?;
        let mine = !owner.is_empty() && (owner == user || owner == number);
        (mine && count >= ENOUGH).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_enough_range_of_the_user_counts() {
        let text = "# comment\nother:100000:65536\nme:5000:10\nme:165536:65536\n1001:231072:70000\nbroken:x\n";
        assert_eq!(
            first_of_enough(text, "me", Uid::from_raw(1000)),
            Some(165_536)
        );
        assert_eq!(
            first_of_enough(text, "you", Uid::from_raw(1001)),
            Some(231_072)
        );
        assert_eq!(first_of_enough(text, "", Uid::from_raw(5)), None);
        assert_eq!(first_of_enough("", "me", Uid::from_raw(1000)), None);
    }

    #[test]
    fn an_id_map_is_added_up() {
        assert_eq!(mapped("         0          0 4294967295\n"), 4_294_967_295);
        assert_eq!(mapped("  0 1500 1\n  1 100000 65536\n"), 65_537);
        assert_eq!(mapped(""), 0);
    }
}
