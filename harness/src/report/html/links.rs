//! Links from the page to files beside it.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use maud::{Markup, html};

use super::context::Context;
use crate::visible::visible;

impl Context<'_> {
    /// The name of a file of the evidence, as a link where the file is there. A path that leads out of the folder is no link.
    pub(super) fn file(&self, path: &Path) -> Markup {
        let name = path.to_string_lossy();
        let name = self.limits.text(&name);
        match self.pages.files.contains_key(path) && stays_inside(path) {
            true => html! { a href=(href(path)) { (name) } },
            false => html! { (name) },
        }
    }

    /// The copy of a scenario's file in the evidence, by the name that people know it by: `host/br0.netdev`, or a longer path to it.
    /// `None` also where several copies may be meant.
    pub(super) fn copy_of(&self, shown: &Path) -> Option<&PathBuf> {
        let copies = self.pages.files.keys();
        let copies = copies.filter(|path| path.starts_with("scenarios"));
        let copies: Vec<&PathBuf> = copies.collect();
        let own = Path::new("scenarios").join(&self.run.scenario);
        // The longest end of the name that a copy has is the file's.
        let parts: Vec<&OsStr> = shown.iter().collect();
        let mut ends = (0..parts.len()).map(|from| parts[from..].iter().collect::<PathBuf>());
        ends.find_map(|end| {
            let found = copies.iter().filter(|path| path.ends_with(&end));
            let found: Vec<&PathBuf> = found.copied().collect();
            let of_its_own = found.iter().find(|path| **path == &own.join(&end));
            match (of_its_own, found.as_slice()) {
                (Some(path), _) | (None, [path]) => Some(*path),
                _ => None,
            }
        })
    }
}

/// Whether a path names something in the folder itself.
fn stays_inside(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

/// The path as a relative reference (RFC 3986). The dot in front keeps a colon in a name from making a scheme of it.
pub(super) fn href(path: &Path) -> String {
    let mut reference = String::from("./");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => reference.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => reference.push(char::from(*byte)),
            byte => drop(write!(reference, "%{byte:02X}")),
        }
    }
    reference
}

/// A command as one would type it.
pub(super) fn command(text: &str) -> Markup {
    html! { pre.command { code { (visible(text)) } } }
}

/// What is said where a list goes on.
pub(super) fn more(left_out: usize, what: &str) -> Markup {
    html! {
        @if left_out > 0 {
            p.more { "And " (left_out) " more " (what) ", in " a href="./report.json" { "report.json" } "." }
        }
    }
}
