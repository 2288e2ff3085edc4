//! The files of a scenario, as they are mutated.

use std::path::PathBuf;

use crate::scenario::Scenario;

/// What reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The scenario's own file.
    Scenario,
    /// systemd-networkd.
    Unit,
    /// nft(8), iptables-restore(8) or ip6tables-restore(8).
    Ruleset,
    /// A guest, into whose root file system it is put.
    GuestFile,
}

/// A text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// From the scenario's folder: `host/10-lan.network`.
    pub path: PathBuf,
    /// What reads it.
    pub role: Role,
    /// Its text.
    pub text: String,
}

/// What is mutated: the files of one form, and the form that they give.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The scenario's own file first.
    pub files: &'a [TextFile],
    /// The form that is run.
    pub form: &'a Scenario,
}

impl<'a> Texts<'a> {
    /// Its files with that role, each with its number.
    pub(super) fn with(self, role: Role) -> impl Iterator<Item = (usize, &'a TextFile)> {
        let files = self.files.iter().enumerate();
        files.filter(move |(_, file)| file.role == role)
    }
}
