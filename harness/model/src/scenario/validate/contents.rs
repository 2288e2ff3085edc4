//! What is put into a guest: extra files, sysctls, and Docker's configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Context;
use super::laid::{MOST, MOST_FILES};
use crate::scenario::GuestFile;
use crate::scenario::error::code;
use crate::scenario::file::{Node, Value};
use crate::scenario::read::{At, Faults, Reader, text_of};

/// Reads the folder that `files` names.
pub(crate) fn files(context: &Context<'_>, reader: &Reader<'_>) -> Arc<[GuestFile]> {
    let Some(folder) = reader.text("files") else {
        return Arc::default();
    };
    let fault = |message: String, label: &str| {
        (context.faults).report(folder.place, code::BAD_VALUE, message, label);
    };
    if context.is_absolute(&folder, "files", code::BAD_VALUE) {
        return Arc::default();
    }
    let found = match context.laid.read(context.files, Path::new(folder.value)) {
        Ok(found) => found,
        Err(unread) => {
            let what = ("folder", "files for the guest are read from this folder");
            context.unread(&folder, what, &unread, code::BAD_VALUE);
            return Arc::default();
        }
    };
    if found.all > MOST_FILES {
        let message = format!("`files` holds more than {MOST_FILES} files");
        fault(message, "each is laid over the guest by itself");
    }
    if found.shared.is_empty() && found.problems.is_empty() {
        let message = format!("folder `{}` holds no file", folder.value);
        fault(message, "nothing to lay over the guest's root");
    }
    if found.bytes > MOST {
        let message = format!("`files` holds more than {} MiB", MOST >> 20);
        fault(message, "at most 16 MiB are laid over a guest");
    }
    for problem in &found.problems {
        fault(problem.clone(), "the folder that holds it");
    }
    Arc::clone(&found.shared)
}

/// Reads `docker`: the content of `/etc/docker/daemon.json`, whose keys are for dockerd to judge.
pub(crate) fn docker(context: &Context<'_>, reader: &Reader<'_>) -> Option<Map<String, Json>> {
    let entry = reader.entry("docker")?;
    let Value::Table(table) = &entry.node.value else {
        context.faults.wrong_type(&entry.node, "docker", "a table");
        return None;
    };
    let mut map = Map::new();
    for (key, entry) in table {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !key.bytes().all(letter) {
            let message = format!("`{key}` is not a key of Docker's daemon.json");
            let label = "small letters, digits and `-`";
            let told = (context.faults).report(&entry.key, code::BAD_NAME, message, label);
            // The key that was meant, where only its spelling is another.
            let meant = key.to_lowercase().replace('_', "-");
            told.help(format!("for example `{meant}`"));
            continue;
        }
        if let Some(value) = json(&entry.node, key, context.faults) {
            map.insert(key.clone(), value);
        }
    }
    Some(map)
}

/// A value as JSON has it.
fn json(node: &Node, key: &str, faults: &Faults) -> Option<Json> {
    Some(match &node.value {
        Value::String(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Boolean(truth) => Json::from(*truth),
        Value::Array(items) => Json::Array(
            items
                .iter()
                .filter_map(|item| json(item, key, faults))
                .collect(),
        ),
        Value::Table(table) => {
            let entries = table
                .iter()
                .filter_map(|(key, entry)| Some((key.clone(), json(&entry.node, key, faults)?)));
            Json::Object(entries.collect())
        }
        Value::Other(_) => {
            faults.wrong_type(node, key, "a string, integer, boolean, array or table");
            return None;
        }
    })
}

/// Reads a table of strings.
pub(crate) fn pairs(reader: &Reader<'_>, key: &str, faults: &Faults) -> BTreeMap<String, String> {
    let pair = |(name, node): (At<'_, &str>, &Node)| {
        let value = text_of(node, name.value, faults)?;
        Some((name.value.to_owned(), value.value.to_owned()))
    };
    reader.map(key).filter_map(pair).collect()
}
