//! A command that is run at the vantage.

use super::asked::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};

/// A command that is run at the vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; no shell.
    pub run: Vec<String>,
    /// Exit status that it must have.
    pub status: u8,
    /// Words that its standard output must contain.
    pub stdout: String,
}

impl Declared for Command {
    const KEYS: TableKeys = table_keys(
        "command",
        "it ends with that status, and its standard output contains the words",
        &[
            must("run", KeyType::List(&KeyType::Text), "words, no shell"),
            may("status", KeyType::Integer(0, 255), "0", "exit status"),
            may(
                "stdout",
                KeyType::Text,
                "\"\"",
                "words in its standard output",
            ),
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let words = reader.texts("run").into_iter();
        let run: Vec<String> = words.map(|word| word.value.to_owned()).collect();
        let entry = reader.need("run", reader.entry("run"));
        if let Some(entry) = entry
            && reader.items("run").is_empty()
        {
            let message = "`run` needs a program".to_owned();
            let label = "no word is in it".to_owned();
            let help = "for example `[\"sh\", \"-c\", \"exit 1\"]`".to_owned();
            let fault = Fault::new(&entry.node.place, code::BAD_VALUE, message, label);
            context.faults.add(fault.help(help));
        }
        let status = reader.number::<u8>("status");
        let stdout = reader.text("stdout");
        entry?;
        Some(Self {
            run,
            status: status.unwrap_or(0),
            stdout: stdout.map_or_else(String::new, |words| words.value.to_owned()),
        })
    }
}
