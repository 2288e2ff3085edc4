//! Keeps files from needing each other in circles: what a file needs can be read before it, and none of a circle can be
//! understood, tried or moved without the others.
//!
//! A file needs another when a path in it leads to something that is defined there, through imports and `pub use`. `mod x;` and
//! `pub use` need nothing: they say what is there. Methods of a value that was passed in are not seen, nor what only tests have.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; the lints know only the test functions themselves"
)]

mod library;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, fs};

use petgraph::algo::{astar, tarjan_scc};
use petgraph::graph::{DiGraph, EdgeReference, NodeIndex};
use petgraph::visit::EdgeRef;

use library::{Library, Need};

/// Files of which each needs each, by way of the others.
#[derive(Debug)]
struct Circle {
    files: Vec<String>,
    /// The shortest way round.
    round: Vec<Need>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.files.len();
        write!(
            f,
            "{size} files need each other in a circle; the shortest way round:"
        )?;
        for need in &self.round {
            write!(f, "\n    {} needs {}: {}", need.from, need.to, need.path)?;
        }
        Ok(())
    }
}

#[test]
fn no_files_need_each_other_in_a_circle() {
    support::turn::beside_others();
    let needs = the_library().needs();
    assert!(needs.len() > 500, "only {} needs were found", needs.len());
    let found = circles(&needs);
    let told: Vec<String> = found.iter().map(Circle::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// The crates of the workspace below `harness`, each with all files below its `src`.
fn the_library() -> Library {
    let root = support::root();
    let manifest = |folder: &str| -> toml::Table {
        let text = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
        text.parse().unwrap()
    };
    let mut library = Library::default();
    for member in manifest(".")["workspace"]["members"].as_array().unwrap() {
        let Some(member) = member
            .as_str()
            .filter(|member| member.starts_with("harness"))
        else {
            continue;
        };
        let name = manifest(member)["package"]["name"]
            .as_str()
            .unwrap()
            .replace('-', "_");
        let folder = format!("{member}/src").trim_start_matches("./").to_owned();
        if root.join(&folder).is_dir() {
            let mut files = Vec::new();
            read(root, &root.join(&folder), &mut files);
            library.add(&name, &folder, &files).unwrap();
        }
    }
    library
}

/// The Rust files of a folder: their places below `root`, and their texts.
fn read(root: &Path, folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let place = path.strip_prefix(root).unwrap().to_str().unwrap();
            into.push((place.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn circles(needs: &BTreeSet<Need>) -> Vec<Circle> {
    let mut graph = DiGraph::<&str, &Need>::new();
    let mut nodes = BTreeMap::new();
    for need in needs {
        let mut node = |file| *nodes.entry(file).or_insert_with(|| graph.add_node(file));
        let (from, to) = (node(need.from.as_str()), node(need.to.as_str()));
        graph.update_edge(from, to, need);
    }
    let circles = tarjan_scc(&graph);
    let circles = circles.iter().filter(|nodes| nodes.len() > 1);
    let circles = circles.map(|nodes| Circle {
        files: nodes.iter().map(|node| graph[*node].to_owned()).collect(),
        round: round(&graph, nodes),
    });
    circles.collect()
}

/// The shortest way from a file of the circle back to itself.
fn round(graph: &DiGraph<&str, &Need>, circle: &[NodeIndex]) -> Vec<Need> {
    let ways = circle.iter().flat_map(|node| graph.edges(*node));
    let ways = ways.filter_map(|edge: EdgeReference<'_, &Need>| {
        let home = |node| node == edge.source();
        let (_, back) = astar(graph, edge.target(), home, |_| 1, |_| 0)?;
        Some([&[edge.source()], back.as_slice()].concat())
    });
    let shortest = ways.min_by_key(Vec::len).unwrap_or_default();
    let steps = shortest
        .windows(2)
        .filter_map(|step| graph.find_edge(step[0], step[1]));
    steps.map(|edge| graph[edge].clone()).collect()
}

/// Files of a crate, each begun by `// FILE`, and who needs whom: `FILE FILE PATH`. It is a circle where each is in both columns.
const PLANTED: &[(&str, &[&str])] = &[
    (
        "// lib.rs\npub mod a; mod b; pub use b::B;
         // a.rs\nuse crate::B; pub struct A;
         // b.rs\nuse super::a::A; pub struct B(A);",
        &["a b crate::B", "b a A", "b a super::a::A"],
    ),
    (
        "// lib.rs\nmod room;
         // room/mod.rs\nmod child; pub struct T; fn f() { child::g(T) }
         // room/child.rs\npub fn g(_: super::T) {}",
        &[
            "room/child room/mod super::T",
            "room/mod room/child child::g",
        ],
    ),
    (
        "// lib.rs\nmod a; mod b; fn b() {}
         // a.rs\npub fn name() -> String { format!(\"{}\", crate::b::NUMBER) }
         // b.rs\npub const NUMBER: u8 = 1; impl B { fn f() { use super::a; a::name(); } }",
        &["a b crate::b::NUMBER", "b a a::name"],
    ),
    (
        "// lib.rs\nmod table; mod base;
         // table.rs\nmacro_rules! rows { ($($row:ident)*) => { $(pub mod $row;)* } }\nrows! { one }
         // table/one.rs\nuse super::made; use crate::base::*; fn f(_: Base) {}
         // base.rs\npub struct Base; pub fn of() { crate::table::one::f() }",
        &[
            "base table/one crate::table::one::f",
            "table table/one row `one`",
            "table/one base Base",
            "table/one table super::made",
        ],
    ),
];

/// The same, and nobody needs anybody.
const ALLOWED: &[&str] = &[
    "// lib.rs\nmod a; pub use a::A; pub(crate) use self::a::inner::{self, *};
     // a.rs\npub mod inner; pub struct A; #[derive(Debug)] struct C; pub(in crate::a) struct D;
     // a/inner.rs\nuse std::a::A; fn f(x: &B) { x.a.c() }",
    "// lib.rs\n#[cfg(test)] mod tests; pub struct A; impl A { #[cfg(test)] fn f() { tests::f() } } #[cfg(test)] use tests::f;
     // tests.rs\nuse super::A; pub fn f() {}",
    "// lib.rs\nmod a; pub struct A;
     // a.rs\n#[cfg(test)]\nmod tests { use crate::A; }",
];

fn planted(texts: &str) -> BTreeSet<Need> {
    let files = texts.split("// ").filter_map(|file| file.split_once('\n'));
    let files = files.map(|(name, text)| (format!("src/{name}"), text.to_owned()));
    let mut library = Library::default();
    library
        .add("planted", "src", &files.collect::<Vec<_>>())
        .unwrap();
    library.needs()
}

#[test]
fn a_planted_circle_is_found() {
    support::turn::beside_others();
    for (texts, expected) in PLANTED {
        let needs = planted(texts);
        let name = |file: &str| {
            file.trim_start_matches("src/")
                .trim_end_matches(".rs")
                .to_owned()
        };
        let told = needs
            .iter()
            .map(|need| format!("{} {} {}", name(&need.from), name(&need.to), need.path));
        assert_eq!(told.collect::<Vec<_>>(), *expected, "{texts}");
        let found = circles(&needs);
        assert_eq!(found.len(), 1, "{texts}: {found:?}");
        assert_eq!(found[0].round.len(), 2, "{texts}: {found:?}");
        let told = found[0].to_string();
        assert!(told.contains(" files need each other"), "{told}");
        assert_eq!(told.matches(".rs needs src/").count(), 2, "{told}");
    }
    for texts in ALLOWED {
        assert_eq!(planted(texts), BTreeSet::new(), "{texts}");
    }
}
