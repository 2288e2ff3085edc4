//! Where links of a page lead.

use std::collections::BTreeSet;

use roxmltree::Document;

use super::{bare, body, full, made_up};

/// What the links of a page name: ids of the page itself, and files beside it.
fn targets(page: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let document = Document::parse(body(page)).expect("well-formed");
    let links = document
        .descendants()
        .filter_map(|node| node.attribute("href"));
    let (inside, beside): (BTreeSet<_>, BTreeSet<_>) = links
        .map(str::to_owned)
        .partition(|link| link.starts_with('#'));
    let ids = document
        .descendants()
        .filter_map(|node| node.attribute("id"));
    let ids: BTreeSet<String> = ids.map(|id| format!("#{id}")).collect();
    let lost: Vec<&String> = inside.difference(&ids).collect();
    assert!(
        lost.is_empty(),
        "no part of the page has these ids: {lost:?}"
    );
    (inside, beside)
}

#[test]
fn facts_files_and_places_are_linked_to_what_lies_in_the_folder_and_nothing_leads_out_of_it() {
    let (inside, beside) = targets(&full(&made_up::run()));
    let expected = [
        "./captures/a%20b%3Ac%25d.pcapng",
        "./diagnosis/host/ports.json",
        "./machines/host/networkd.log",
        "./report.json",
        "./scenarios/simple-network/host/10-lan.network",
        "./verdict.txt",
    ];
    assert_eq!(
        beside.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
    for id in ["#causes", "#check-guest-ping", "#check-guest-dns"] {
        assert!(inside.contains(id), "{id}: {inside:?}");
    }
    // Where the folder is not known, nothing is linked to what may not be there.
    let (_, beside) = targets(&bare(&made_up::run()));
    assert_eq!(beside, BTreeSet::new());
}
