//! Rulesets that a machine is given from a file beside the scenario.

use std::io;
use std::path::Path;

use super::Context;
use crate::scenario::error::{Fault, code};
use crate::scenario::near::suggest;
use crate::scenario::read::{At, Reader};
use crate::scenario::{Ruleset, RulesetTool};

/// The keys, in the order in which the files are loaded.
const KEYS: [(&str, RulesetTool); 3] = [
    ("nftables", RulesetTool::Nftables),
    ("iptables", RulesetTool::Iptables),
    ("ip6tables", RulesetTool::Ip6tables),
];

pub(super) fn rulesets(context: &Context<'_>, machine: &Reader<'_>) -> Vec<Ruleset> {
    let read = KEYS.into_iter().filter_map(|(key, tool)| {
        let file = machine.text(key)?;
        let (name, bytes) = ruleset(context, key, &file)?;
        Some(Ruleset { tool, name, bytes })
    });
    read.collect()
}

fn ruleset(context: &Context<'_>, key: &str, file: &At<'_, &str>) -> Option<(String, Vec<u8>)> {
    let path = context.folder.join(file.value);
    let (message, label, help) = if Path::new(file.value).is_absolute() {
        let message = format!("`{key}` is an absolute path");
        (message, "must be relative to the scenario file", None)
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match std::fs::read(&path) {
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) if text.trim().is_empty() => {
                    let message = format!("file `{}` is empty", file.value);
                    (message, "there is nothing to load", None)
                }
                Ok(_) => return Some((name.into_owned(), bytes)),
                Err(_) => {
                    let message = format!("file `{}` is not UTF-8", file.value);
                    (message, "not a ruleset", None)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!("there is no file `{}`", file.value);
                let help = Some(others(&path, &name));
                (message, "a ruleset is read from this file", help)
            }
            Err(error) => {
                let message = format!("file `{}` cannot be read: {error}", file.value);
                (message, "a ruleset is read from this file", None)
            }
        }
    };
    let fault = Fault::new(file.place, code::UNREADABLE, message, label.to_owned());
    context.faults.add(fault.help(help));
    None
}

/// The file meant, or those there are.
fn others(path: &Path, name: &str) -> String {
    let entries = path.parent().into_iter().flat_map(std::fs::read_dir);
    let files = entries.flatten().flatten();
    let files = files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<_> = files
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with(".toml"))
        .collect();
    names.sort();
    suggest(name, "files there", names.iter().map(String::as_str))
}
