//! Why a process did not get namespaces of its own.

use std::io;

use crate::diagnostic::Diagnose;

/// The worker could not get its own namespaces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IsolateError {
    /// A namespace was refused.
    #[error("create the worker's {what} namespace")]
    Unshare {
        /// Which.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A mount was refused.
    #[error("mount {what} in the worker's namespace")]
    Mount {
        /// What.
        what: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// `newuidmap` or `newgidmap` failed.
    #[error("map subordinate ids with `{command}`: {said}")]
    IdMap {
        /// Full command line.
        command: String,
        /// Its standard error, or why it did not start.
        said: String,
    },
    /// The user has no range of subordinate ids.
    #[error("find at least 65536 subordinate ids for `{user}` in {file}")]
    NoSubordinateIds {
        /// User name or uid.
        user: String,
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
    },
    /// The caller is root of a user namespace that has too few ids for daemons and VMMs to be other users.
    #[error("this user namespace has {ids} of the 65536 ids that a lab takes")]
    FewIds {
        /// How many it has.
        ids: u64,
    },
    /// Anything else on the way in.
    #[error("{doing}")]
    Other {
        /// What was being done.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl Diagnose for IsolateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unshare { .. } => "host.namespace-denied",
            Self::Mount { .. } => "host.mount-denied",
            Self::IdMap { .. } => "host.id-map",
            Self::NoSubordinateIds { .. } => "host.no-subordinate-ids",
            Self::FewIds { .. } => "host.few-ids",
            Self::Other { .. } => "host.isolate",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Unshare { .. } => Some(
                "run as root, or allow user namespaces: `sysctl user.max_user_namespaces=15000` and, on Ubuntu, \
                 `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
                    .to_owned(),
            ),
            Self::NoSubordinateIds { user, .. } => Some(format!(
                "`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}`"
            )),
            Self::FewIds { .. } => Some(
                "run it outside of this namespace: with subordinate ids an ordinary user needs none; or have them mapped into \
                 it: `unshare --map-auto --map-root-user`"
                    .to_owned(),
            ),
            Self::IdMap { .. } => Some("install newuidmap: `apt-get install uidmap`".to_owned()),
            _ => None,
        }
    }
}
