//! How much a scenario may say. Whatever is written, reading it takes less than a second and 100 MB: memory and time go with
//! the words of the file and with the values of all its forms, and both have a bound that its fault names.
//!
//! The bounds are far above what anybody runs: the largest scenario of the library has some 2000 words.

use std::cell::Cell;
use std::sync::Arc;

use toml_parser::lexer::TokenKind;

use super::error::{Fault, ScenarioErrors, code};
use super::file::{Entry, Node, Place, Source, Table, Value};
use super::read::{Faults, Reader};

/// The most words of a file: its names, values and signs.
const WORDS: usize = 1 << 16;
/// The most bytes of a word that ends in its line, as a key does: a name may stand in the fault of everything below it.
const LONGEST: usize = 1 << 14;
/// The most forms: the file and its variants, each once for every combination of the matrix.
const FORMS: usize = 1024;
/// The most values of all forms together, with what the base topology has in each.
const VALUES: usize = 1 << 18;
/// A table is memory of its own, however little is in it.
const TABLE: usize = 4;
/// So many bytes of a text are as much as a value.
const TEXT: usize = 64;
/// A unit file is looked at in every machine and form that has it, where its bytes are in memory once.
const UNIT: usize = 16;
/// So many of its bytes are as much as a value.
const UNIT_TEXT: usize = 512;

/// The most of each thing in one form.
const THINGS: [(&str, usize); 5] = [
    ("machines", 1024),
    ("guests", 256),
    ("segments", 256),
    ("checks", 4096),
    ("steps", 1024),
];

/// Counts the words of a file before a tree is made of them, which is fifty times as large.
pub(super) fn words(source: &Arc<Source>) -> Result<(), ScenarioErrors> {
    use TokenKind::{Comment, Eof, MlBasicString, MlLiteralString, Newline, Whitespace};
    let mut count = 0;
    for token in toml_parser::Source::new(&source.text).lex() {
        let is_text = matches!(token.kind(), MlBasicString | MlLiteralString);
        let is_long = token.span().len() > LONGEST && !is_text;
        if matches!(token.kind(), Comment | Eof | Newline | Whitespace) {
            continue;
        }
        if count < WORDS && !is_long {
            count += 1;
            continue;
        }
        let (message, label, help) = match count {
            WORDS => (
                format!("the scenario file has more than {WORDS} words"),
                "names, values and signs before it are as many",
                "several files, each with fewer checks or variants",
            ),
            _ => (
                format!(
                    "a word of the scenario file is longer than {} KiB",
                    LONGEST >> 10
                ),
                "too long",
                "a long text has three quotation marks, or is a file beside the scenario",
            ),
        };
        let place = Place {
            source: Arc::clone(source),
            span: token.span().start()..token.span().end(),
        };
        let fault = Fault::new(&place, code::LIMIT, message, label);
        return Err(fault.help(help.to_owned()).into());
    }
    Ok(())
}

/// Whether a form has no more of anything than it may; reports the first that is too many.
pub(super) fn things(tree: &Table, faults: &Faults) -> bool {
    let before = faults.count();
    for (what, most) in THINGS {
        let Some(entry) = tree.get(what) else {
            continue;
        };
        let beyond = match &entry.node.value {
            Value::Array(items) => items.get(most).map(|item| &item.place),
            Value::Table(named) if named.len() > most => {
                let mut keys: Vec<&Place> = named.values().map(|Entry { key, .. }| key).collect();
                keys.sort_by_key(|place| place.order());
                keys.get(most).copied()
            }
            _ => None,
        };
        if let Some(place) = beyond {
            let message = format!("there are more than {most} {what}");
            faults.report(place, code::LIMIT, message, "one too many");
        }
    }
    faults.count() == before
}

/// What may still be said by the forms of a file.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    /// Values.
    left: Cell<Option<usize>>,
    /// What makes forms of the file.
    place: &'a Place,
    faults: &'a Faults,
}

impl<'a> Budget<'a> {
    /// Counts the forms before any is read, and what they say if none says more than the file: so many values.
    pub(super) fn new(
        root: &Reader<'a>,
        green: usize,
        combinations: usize,
        faults: &'a Faults,
    ) -> Self {
        let variants = match root.entry("variants").map(|entry| &entry.node.value) {
            Some(Value::Table(variants)) => variants.len(),
            _ => 0,
        };
        let forms = (variants + 1).saturating_mul(combinations);
        let maker = root.entry("variants").or_else(|| root.entry("matrix"));
        let budget = Self {
            left: Cell::new(Some(VALUES)),
            place: maker.map_or(root.place, |entry| &entry.key),
            faults,
        };
        if forms > FORMS {
            let message = format!("the scenario has more than {FORMS} forms");
            budget.refuse(message, format!("with the matrix, these are {forms}"));
        } else if green.saturating_mul(forms) > VALUES {
            budget.too_much();
        }
        budget
    }

    /// Whether there is anything left.
    pub(super) fn is_left(&self) -> bool {
        self.left.get().is_some()
    }

    /// Takes a form of so many values; `false`, and a fault the first time, when there is not so much left.
    pub(super) fn spend(&self, values: usize) -> bool {
        let Some(left) = self.left.get() else {
            return false;
        };
        self.left.set(left.checked_sub(values));
        if !self.is_left() {
            self.too_much();
        }
        self.is_left()
    }

    fn too_much(&self) {
        let message = format!("all forms together have more than {VALUES} values");
        self.refuse(message, "each form has them anew".to_owned());
    }

    fn refuse(&self, message: String, label: String) {
        self.left.set(None);
        let told = self.faults.report(self.place, code::LIMIT, message, label);
        told.help("fewer variants or combinations, or some of them in a file of their own");
    }
}

/// The values of a form, and what the unit files that it names add to them: each of so many bytes.
pub(super) fn values(tree: &Table, units: impl Iterator<Item = usize>) -> usize {
    let units = units.map(|bytes| UNIT + bytes / UNIT_TEXT);
    weight(tree) + units.sum::<usize>()
}

fn weight(table: &Table) -> usize {
    let entries = table.iter();
    let values = entries.map(|(key, entry)| key.len() / TEXT + weight_of(&entry.node));
    TABLE + values.sum::<usize>()
}

fn weight_of(node: &Node) -> usize {
    match &node.value {
        Value::Table(table) => weight(table),
        Value::Array(items) => 1 + items.iter().map(weight_of).sum::<usize>(),
        Value::String(text) => 1 + text.len() / TEXT,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{LoadedScenario, load_text};

    const HEAD: &str = "version = 1\nsummary = 'x'\n";
    const GUEST: &str =
        "[guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n";

    fn loaded(text: &str) -> Result<LoadedScenario, ScenarioErrors> {
        load_text(Path::new("a.toml"), text.to_owned())
    }

    /// A fault of a limit alone, with its line and the text that is underlined.
    #[track_caller]
    fn refused(text: &str, message: &str, line: usize, underlined: &str) {
        let errors = loaded(text).unwrap_err();
        let faults: Vec<_> = errors.faults().collect();
        let [fault] = faults.as_slice() else {
            panic!("{}", errors.render(false));
        };
        assert_eq!((fault.code, fault.message.as_str()), (code::LIMIT, message));
        assert_eq!((fault.line, &text[fault.span.clone()]), (line, underlined));
    }

    fn each(count: usize, one: impl Fn(usize) -> String) -> String {
        (0..count).fold(String::new(), |text, number| text + &one(number))
    }

    #[test]
    fn words_are_counted_before_anything_is_made_of_them() {
        // Seven of the head's, `tags = [` and `]`.
        let tags = |count: usize| format!("{HEAD}tags = [{}]\n", "'x',".repeat(count));
        let most = (WORDS - 6 - 4) / 2;
        assert!(loaded(&tags(most)).is_ok());
        refused(
            &tags(most + 1),
            "the scenario file has more than 65536 words",
            3,
            ",",
        );
        // Neither comments nor empty lines, and a text is one word.
        let text = format!(
            "{HEAD}{}source = '''{}'''\n",
            "# a b c\n\n".repeat(WORDS),
            "a ".repeat(WORDS)
        );
        assert!(loaded(&text).is_ok());
        let name = "a".repeat(LONGEST + 1);
        let message = "a word of the scenario file is longer than 16 KiB";
        refused(&format!("{HEAD}[machines.{name}]\n"), message, 3, &name);
    }

    #[test]
    fn forms_are_counted_before_any_is_read() {
        let variants = |count: usize| {
            let one = |number| format!("v{number}.machines.host.forward = true\n");
            format!("{HEAD}[variants]\n{}", each(count, one))
        };
        assert_eq!(loaded(&variants(FORMS - 1)).unwrap().forms().count(), FORMS);
        let message = "the scenario has more than 1024 forms";
        refused(&variants(FORMS), message, 3, "variants");
        let matrix = "[matrix]\nvcpu = [1, 2, 3, 4]\nmem = [128, 256, 384, 512]\n";
        refused(
            &format!("{}{matrix}{GUEST}", variants(FORMS / 16)),
            message,
            3,
            "variants",
        );
    }

    #[test]
    fn values_of_all_forms_are_counted_before_any_is_read() {
        let long = "x".repeat(VALUES * TEXT / 10);
        let text = |variants: usize| {
            let one = |number| format!("v{number}.machines.desktop.forward = true\n");
            let variants = each(variants, one);
            format!("{HEAD}source = '''{long}'''\n[variants]\n{variants}")
        };
        assert!(loaded(&text(8)).is_ok());
        let message = "all forms together have more than 262144 values";
        refused(&text(9), message, 4, "variants");
        // What variants say themselves counts once they are laid.
        let one = |number: usize| format!("v{number}.machines.desktop.http.body = '''{long}'''\n");
        let text = format!("{HEAD}[variants]\n{}", each(10, one));
        refused(&text, message, 3, "variants");
    }

    #[test]
    fn a_unit_file_counts_in_every_machine_and_form_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        let host = folder.path().join("host");
        std::fs::create_dir(&host).unwrap();
        for number in 0..100 {
            let unit = "[Match]\nName=eth0\n";
            std::fs::write(host.join(format!("{number}.network")), unit).unwrap();
        }
        let loaded = |machines: usize| {
            let one = |number| format!("[machines.m{number}]\nnetworkd = 'host'\n");
            load_text(&path, format!("{HEAD}{}", each(machines, one)))
        };
        assert!(loaded(20).is_ok());
        let errors = loaded(200).unwrap_err();
        assert_eq!(errors.faults().next().unwrap().code, code::LIMIT);
    }

    #[test]
    fn a_hundred_faults_are_drawn_and_the_others_counted() {
        let text = |count| {
            format!(
                "{HEAD}{}",
                each(count, |number| format!("key{number} = 1\n"))
            )
        };
        for (count, more) in [
            (100, None),
            (101, Some("and 1 more")),
            (5000, Some("and 4900 more")),
        ] {
            let errors = loaded(&text(count)).unwrap_err();
            assert_eq!(errors.faults().count(), count);
            let drawn = errors.render(false);
            assert_eq!(drawn.matches("error[").count(), 100);
            let last = drawn.lines().last();
            assert_eq!(
                last.filter(|line| line.starts_with("and ")),
                more,
                "{drawn}"
            );
        }
    }
}
