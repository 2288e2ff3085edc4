//! Rulesets that a machine is given from a file beside the scenario.

use std::path::Path;
use std::sync::Arc;

use super::Context;
use super::rules_words::{Refused, refused};
use crate::did_you_mean::suggest;
use crate::scenario::beneath::{self, Beneath, EntryKind, Unread};
use crate::scenario::error::code;
use crate::scenario::read::{At, Reader};
use crate::scenario::{Ruleset, RulesetTool};

/// The keys, in the order in which the files are loaded.
const KEYS: [(&str, RulesetTool); 3] = [
    ("nftables", RulesetTool::Nftables),
    ("iptables", RulesetTool::Iptables),
    ("ip6tables", RulesetTool::Ip6tables),
];

/// What the file is for.
const FILE: (&str, &str) = ("file", "a ruleset is read from this file");

pub(crate) fn rulesets(context: &Context<'_>, machine: &Reader<'_>) -> Vec<Ruleset> {
    let read = KEYS.into_iter().filter_map(|(key, tool)| {
        let file = machine.text(key)?;
        let bytes = ruleset(context, key, &file, tool)?;
        let name = Path::new(file.value).file_name()?.to_str()?.to_owned();
        Some(Ruleset { tool, name, bytes })
    });
    read.collect()
}

fn ruleset(
    context: &Context<'_>,
    key: &str,
    file: &At<'_, &str>,
    tool: RulesetTool,
) -> Option<Arc<[u8]>> {
    let path = Path::new(file.value);
    let fault = |message: String, label: &str, help: Option<String>| {
        let told = context
            .faults
            .report(file.place, code::UNREADABLE, message, label);
        told.help_if(help);
        None
    };
    if context.is_absolute(file, key, code::UNREADABLE) {
        return None;
    }
    let bytes = match context.files.read(path, beneath::RULESET) {
        Ok(bytes) => bytes,
        Err(unread @ Unread::Absent) => {
            let help = others(context.files, path);
            return fault(unread.in_words(FILE.0, file.value), FILE.1, Some(help));
        }
        Err(unread) => {
            context.unread(file, FILE, &unread, code::UNREADABLE);
            return None;
        }
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let message = format!("file `{}` is not UTF-8", file.value);
        return fault(message, "not a ruleset", None);
    };
    if text.trim().is_empty() {
        let message = format!("file `{}` is empty", file.value);
        return fault(message, "there is nothing to load", None);
    }
    if let Some(Refused { line, what, help }) = refused(tool, text) {
        let message = format!("`{}` has {what} in line {line}", file.value);
        let label = "all of a ruleset stands in its file";
        return fault(message, label, Some(help.to_owned()));
    }
    Some(bytes)
}

/// The file meant, or those there are.
fn others(files: &Beneath, path: &Path) -> String {
    let mut names = files.beside(path, |kind| matches!(kind, EntryKind::File { .. }));
    names.retain(|name| !name.ends_with(".toml"));
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    suggest(&wanted, "files there", names.iter().map(String::as_str))
}
