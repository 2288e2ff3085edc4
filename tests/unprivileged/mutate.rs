//! `bridgelab mutate` as far as it runs nothing, and its document.

use std::fs;

use bridgelab_harness::scenario::mutation;
use support::{output, root};

/// Where the table of operators begins in the document, and what is behind it.
const BEGIN: &str = "| operator | layer | what it does |\n";
const END: &str = "\n\n";

/// `INSTA_UPDATE=always cargo test --test unprivileged -- mutate::` writes it.
#[test]
fn the_document_has_every_operator() {
    let rows = mutation::all().map(|one| {
        let only = if one.needs_guests {
            " MicroVMs only."
        } else {
            ""
        };
        format!(
            "| `{}` | {} | {}{only} |",
            one.name,
            one.layer.name(),
            one.says
        )
    });
    let table = format!(
        "{BEGIN}|---|---|---|\n{}",
        rows.collect::<Vec<_>>().join("\n")
    );
    let path = root().join("harness/docs/mutation.md");
    let text = fs::read_to_string(&path).expect("a document");
    let from = text.find(BEGIN).expect("the beginning of the table");
    let to = text[from..].find(END).expect("what is behind it") + from;
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        let renewed = format!("{}{table}{}", &text[..from], &text[to..]);
        fs::write(path, renewed).expect("the document is written");
        return;
    }
    let help = "`INSTA_UPDATE=always cargo test --test unprivileged -- mutate::` makes it again";
    assert_eq!(&text[from..to], table, "{help}");
}

#[test]
fn every_operator_is_listed() {
    let (code, listed, told) = output(&["mutate", "--list-operators"]);
    assert_eq!(code, Some(0), "{told}");
    let first = |line: &str| line.split(' ').next().map(str::to_owned);
    let names: Vec<_> = listed.lines().filter_map(first).collect();
    let known: Vec<_> = mutation::all().map(|one| one.name.to_owned()).collect();
    assert_eq!(names, known);
}

/// Nothing is run for a word that names no operator, or one that ghosts cannot show.
#[test]
fn operators_that_are_not_there_are_told_with_what_is() {
    for (word, help) in [
        ("unit.delete-lin", "did you mean `unit.delete-line`?"),
        ("docker", "--guests vm"),
    ] {
        let (code, listed, told) = output(&["mutate", "simple-network", "--operators", word]);
        assert_eq!((code, listed.as_str()), (Some(2), ""), "{told}");
        assert!(told.contains(help), "{told}");
    }
}
