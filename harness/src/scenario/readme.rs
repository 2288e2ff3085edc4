//! Tables of `scenarios/README.md` that are made of what is declared.

use super::action;
use super::keys::{Key, KeyType, TableKeys};

/// The table of the actions of steps, as Markdown.
pub fn action_table() -> String {
    let mut text = "| action | keys | by hand |\n|---|---|---|\n".to_owned();
    for row in action::rows() {
        let TableKeys {
            what, doc, keys, ..
        } = row.keys;
        let keys: Vec<_> = keys.iter().map(key).collect();
        let remark = match row.remark {
            "" => String::new(),
            remark => format!(". {remark}"),
        };
        text += &format!("| `{what}` | {} | {doc}{remark} |\n", keys.join("; "));
    }
    text
}

/// A key with what it takes, what holds without it, and what it means.
fn key(key: &Key) -> String {
    let default = key.default.map(|default| {
        let literal = serde_json::from_str::<serde_json::Value>(default).is_ok();
        match literal {
            true => format!("`{default}`"),
            false => default.to_owned(),
        }
    });
    let about: Vec<_> = takes(&key.kind).into_iter().chain(default).collect();
    let about = match about.as_slice() {
        [] => String::new(),
        about => format!(" ({})", about.join("; ")),
    };
    format!("`{}`{about}: {}", key.name, key.doc)
}

/// What a key takes, where that is not a string.
fn takes(kind: &KeyType) -> Option<String> {
    match kind {
        KeyType::Words(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            Some(words.join(", "))
        }
        KeyType::Integer(least, most) => Some(format!("{least} to {most}")),
        KeyType::Flag => Some("boolean".to_owned()),
        KeyType::List(_) => Some("array".to_owned()),
        _ => None,
    }
}
