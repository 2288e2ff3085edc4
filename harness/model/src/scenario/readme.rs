//! The tables of `scenarios/README.md` that are made of what is declared.

use super::keys::{Key, KeyType, TableKeys};
use super::{action, check_kind};

/// A kind of something that a scenario can ask for, as people read of it. All of it is Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its key in a scenario file.
    pub name: &'static str,
    /// Its keys, each with what it takes, what holds without it, and what it means.
    pub keys: String,
    /// What does the same by hand; of a check: when it holds.
    pub does: String,
}

/// All kinds of checks, in the order in which the README has them.
pub fn check_kinds() -> Vec<Described> {
    let rows = check_kind::rows();
    let rows = rows.map(|row| described(&row.keys, row.holds.to_owned()));
    rows.collect()
}

/// All actions of steps, in the same order as there.
pub fn action_kinds() -> Vec<Described> {
    let rows = action::rows().iter();
    let rows = rows.map(|row| {
        let doc = row.keys.doc;
        let does = match row.remark {
            "" => doc.to_owned(),
            remark => format!("{doc}. {remark}"),
        };
        described(&row.keys, does)
    });
    rows.collect()
}

fn described(table: &TableKeys, does: String) -> Described {
    let keys: Vec<_> = table.all().map(key).collect();
    Described {
        name: table.what,
        keys: keys.join("; "),
        does,
    }
}

/// The README with its tables made anew: from the head of each to the empty line behind it.
pub fn readme(text: &str) -> String {
    let tables = [
        (
            "| kind | keys | holds when |\n|---|---|---|\n",
            check_kinds(),
        ),
        (
            "| action | keys | by hand |\n|---|---|---|\n",
            action_kinds(),
        ),
    ];
    let mut text = text.to_owned();
    for (head, rows) in tables {
        let Some((before, rest)) = text.split_once(head) else {
            continue;
        };
        let behind = rest.find("\n\n").map_or("", |at| &rest[at + 1..]);
        let rows = rows.iter().map(|row| {
            let Described { name, keys, does } = row;
            format!("| `{name}` | {keys} | {does} |\n")
        });
        text = format!("{before}{head}{}{behind}", rows.collect::<String>());
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
    // The text above the table says it of all of them.
    let doc = key.doc.trim_start_matches("where it is done: ");
    format!("`{}`{about}: {doc}", key.name)
}

/// What a key takes, where that is not a string.
fn takes(kind: &KeyType) -> Option<String> {
    match kind {
        KeyType::Words(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            Some(words.join(", "))
        }
        KeyType::Integer(least, most) => Some(format!("{least} to {most}")),
        KeyType::Range(least, most) => Some(format!("{least} to {most}, or `[least, most]`")),
        KeyType::Flag => Some("boolean".to_owned()),
        KeyType::List(_) => Some("array".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_stays() {
        for text in ["", "a\n\nb", "| kind | keys |\n|---|---|\n| a | b |\n"] {
            assert_eq!(readme(text), text);
        }
    }
}
