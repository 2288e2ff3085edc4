//! Pages, as somebody else's reader of XML sees them. The runs are made up.

mod hostile;
mod links;
mod made_up;
mod order;
mod size;

use std::collections::BTreeSet;

use roxmltree::Document;

use super::{Pages, page};
use crate::report::RunReport;
use crate::scenario::names::VariantName;
use crate::scenario::{Scenario, load};

/// The form that the made-up runs are of.
fn scenario() -> Scenario {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().expect("the root");
    let loaded = load(&root.join("scenarios/simple-network")).expect("a scenario");
    let variant = VariantName::try_from("tap-outside-match").expect("a name");
    loaded.scenario(Some(&variant)).expect("its form")
}

/// The body of a page. Its head has elements without end tags, which are HTML and no XML.
fn body(page: &str) -> &str {
    let start = page.find("<body>").expect("a body");
    let end = page.find("</body>").expect("its end") + "</body>".len();
    &page[start..end]
}

/// The ids of the parts, in their order.
fn parts(document: &Document<'_>) -> Vec<String> {
    let sections = document.descendants();
    let sections = sections.filter(|node| node.tag_name().name() == "section");
    let ids = sections.filter_map(|node| node.attribute("id"));
    ids.map(str::to_owned).collect()
}

/// The names of all elements and attributes in the body: `td`, `@class`.
fn names(page: &str) -> BTreeSet<String> {
    let document = Document::parse(body(page)).expect("well-formed");
    let mut names = BTreeSet::new();
    for node in document.descendants().filter(|node| node.is_element()) {
        names.insert(node.tag_name().name().to_owned());
        names.extend(node.attributes().map(|one| format!("@{}", one.name())));
    }
    names
}

/// All text of the body, one element's after another's.
fn text(page: &str) -> String {
    let document = Document::parse(body(page)).expect("well-formed");
    let texts = document.descendants().filter(|node| node.is_text());
    texts.filter_map(|node| node.text()).collect()
}

/// A page of a run with all that a folder of evidence has.
fn full(run: &RunReport) -> String {
    let scenario = scenario();
    page(run, &made_up::pages(&scenario))
}

/// A page of a run of which nothing else is known.
fn bare(run: &RunReport) -> String {
    page(run, &Pages::default())
}
