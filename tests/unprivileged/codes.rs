//! The codes of diagnoses: scripts look them up, so the document has each with its meaning.

use std::fs;

use bridgelab_harness::diagnosis::Code;

use support::root;

/// The table of the document.
fn table() -> String {
    let rows = Code::ALL
        .iter()
        .map(|code| format!("| `{code}` | {} |\n", code.meaning()));
    let head = "| code | what it means |\n|---|---|\n".to_owned();
    std::iter::once(head).chain(rows).collect()
}

#[test]
fn the_document_has_each_code_with_its_meaning() {
    support::turn::beside_others();
    let file = root().join("harness/docs/diagnosis.md");
    let text = fs::read_to_string(&file).expect("the document");
    let table = table();
    assert!(text.contains(&table), "its table should be:\n{table}");
    let (_, behind) = text
        .split_once("| code | what it means |")
        .expect("the table");
    let rows = behind
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    // One of them is the line below the head.
    assert_eq!(
        rows.count() - 1,
        Code::ALL.len(),
        "a row for each code alone"
    );
}
