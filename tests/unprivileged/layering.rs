//! Keeps the walls of the library: which module may import which, which crate is used where, how files are named
//! and how long they get. It reads source text and needs no privileges.
//!
//! A fault here is first a question about design, and then one about a line: data flows from left to right through [`ORDER`],
//! so `use` points left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::{Table, Value};

/// The pipeline. A module imports from its left and from the [`SHELF`].
const ORDER: &str =
    "networkd scenario plan host image hypervisor guest template check diagnosis report lab";
/// What every stage needs; imports nothing of the pipeline.
const SHELF: &str = "bytes_page deadline diagnostic did_you_mean evidence place trace visible wait";
/// Where they are: the pure ones in a crate of their own, which the other one shows as its own.
const LIBRARIES: [&str; 2] = ["harness/src/", "harness/model/src/"];
/// What is in the crate of pure modules, which compiles without the crates of the other.
const PURE: &str = "bytes_page diagnostic did_you_mean networkd place plan scenario visible";
/// Crates that a pure one never needs: a runtime, SSH, netlink, processes of others.
const IMPURE: &str =
    "bridgelab-harness libssh2-sys mio openssl-sys rtnetlink rustix socket2 ssh2 tokio";
/// What looks at the network, the table of kinds, and what became of starts. Every other file of `check` judges: pure functions, instant to test.
const OBSERVERS: &str = "check/from_source check/looking check/mod check/vantage check/kinds/mod check/started \
    check/kinds/container/inspect check/kinds/dns/ask check/kinds/http/get check/kinds/packet/count check/kinds/packet/filters check/kinds/ssh/ask \
    check/kinds/sysctl check/kinds/tcp/connect check/kinds/vmm/ask";
/// Crates that only these paths may use, by their beginnings. Judges use none of them; `mod tests` may use all.
const CRATES: [(&str, &str); 11] = [
    ("bridgelab_client", "report/ lab/"), // what a test and its lab say to each other
    // As `crate::scenario` and its like, which the walls know.
    ("bridgelab_model", "lib"),
    (
        "nix",
        "host/ image/store hypervisor/descriptor guest/ssh template/ lab/ scenario/beneath",
    ),
    // Tables that modules of the right submit, and modules of the left read.
    (
        "inventory",
        "scenario/ plan/link host/capability hypervisor/mod check/kinds lab/",
    ),
    ("rustix", "host/confine"), // what nix has is nix's
    ("seccompiler", "host/confine/filter"),
    ("rtnetlink", "host/netlink"), // the rest speaks the verbs of this project
    ("ssh2", "guest/ssh"),         // it blocks, and is cancelled by its fd
    ("tempfile", "evidence host/ image/ lab/"),
    (
        "tokio",
        "deadline wait evidence trace host/ image/ hypervisor/ guest/ template/ check/ lab/",
    ),
    ("which", "host/"), // a tool is found once, in the preflight
];
/// Packages that a test with a lab must not have to compile, so the client must not need them.
const NOT_BELOW_CLIENT: &str =
    "bridgelab-harness libssh2-sys nix openssl-src openssl-sys rtnetlink ssh2";
/// Words by which code reads files of the machine.
const FILE_READERS: [&str; 9] = [
    "fs::",
    "File::",
    "read_dir(",
    "read_link(",
    "metadata(",
    ".exists(",
    ".is_dir(",
    ".is_file(",
    ".canonicalize(",
];
/// Files that may have `unsafe`, for system calls that no crate wraps safely.
const UNSAFE: &str = "harness/src/host/sys harness/src/host/doctor_sys";
/// Names of modules that say nothing.
const EMPTY_NAMES: &str = "common core helper helpers manager misc util utils";
/// Lines at which a file must be split; aim at 300.
const LONGEST: usize = 500;
/// The word, in two parts, so that this file does not find itself.
const ALLOW: &str = concat!("[all", "ow(");

#[test]
fn the_walls_stand() -> io::Result<()> {
    let root = support::root();
    let mut files = Vec::new();
    for folder in ["benches", "harness", "src", "tests"] {
        rust_files(&root.join(folder), &mut files)?;
    }
    let mut found = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        found.extend(faults(&name, &fs::read_to_string(file)?));
    }
    assert!(files.len() > 3, "only {} files were looked at", files.len());
    assert!(
        found.is_empty(),
        "{} faults:\n{}",
        found.len(),
        found.join("\n")
    );
    Ok(())
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.ends_with("target") {
            continue; // what a program of its own was built into
        }
        if path.is_dir() {
            rust_files(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    into.sort();
    Ok(())
}

/// Every fault of one file, each as `FILE:LINE: what`.
fn faults(file: &str, text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut found = Vec::new();
    let mut fault = |at: usize, what: &str| {
        let line = code[..at].matches('\n').count() + 1;
        found.push(format!("{file}:{line}: {what}"));
    };
    let path = file.trim_end_matches(".rs");
    if let Some(name) = path.split('/').find(|name| listed(EMPTY_NAMES, name)) {
        fault(0, &format!("`{name}` says nothing: name what is in it"));
    }
    if text.lines().count() > LONGEST {
        fault(
            code.len(),
            &format!("longer than {LONGEST} lines: split it"),
        );
    }
    for (at, _) in code.match_indices(ALLOW) {
        fault(
            at,
            "use #[expect(.., reason = \"..\")]: it ends with its cause",
        );
    }
    if file.starts_with("harness/client/") {
        for at in paths_from(&code, "bridgelab_harness") {
            fault(at, "the client imports nothing of the harness");
        }
    }
    if !listed(UNSAFE, path) {
        for (at, _) in code.match_indices(concat!("uns", "afe ")) {
            fault(at, &format!("`unsafe` belongs to {UNSAFE}"));
        }
    }
    let Some(inner) = LIBRARIES
        .iter()
        .find_map(|library| path.strip_prefix(library))
        .filter(|inner| *inner != "lib")
    else {
        return found;
    };
    let module = inner.split('/').next().unwrap_or(inner);
    if !listed(ORDER, module) && !listed(SHELF, module) {
        fault(
            0,
            &format!("module `{module}` has no place in tests/unprivileged/layering.rs"),
        );
    }
    if (path.starts_with(LIBRARIES[1])) != listed(PURE, module) {
        fault(
            0,
            &format!("of the modules, {PURE} are in {}", LIBRARIES[1]),
        );
    }
    for (at, other) in imports(inner, &code) {
        if !may_import(inner, module, other) {
            fault(at, &format!("{inner} must not import `{other}`"));
        }
    }
    let tests = ["#[cfg(test)]\nmod ", "#[cfg(test)]\npub(crate) mod "];
    let tests = tests.iter().filter_map(|begin| code.find(begin)).min();
    let tests = tests.unwrap_or(code.len());
    for (name, places) in CRATES {
        let at_home = places.split(' ').any(|place| inner.starts_with(place)) && !is_judge(inner);
        if !at_home && !inner.ends_with("tests") {
            for at in paths_from(&code[..tests], name) {
                fault(at, &format!("crate `{name}` belongs to {places}"));
            }
        }
    }
    // The scenario's files are read in one place, which stays within the scenario's root.
    let reads = inner == "scenario/beneath" || inner.ends_with("tests");
    if module == "scenario" && !reads {
        for word in FILE_READERS {
            for (at, _) in code[..tests].match_indices(word) {
                fault(at, "files are read by scenario/beneath alone");
            }
        }
    }
    found
}

fn listed(list: &str, name: &str) -> bool {
    list.split(' ').any(|known| known == name)
}

fn is_judge(inner: &str) -> bool {
    inner.starts_with("check/")
        && !OBSERVERS
            .split_whitespace()
            .any(|place| inner.starts_with(place))
}

fn may_import(inner: &str, module: &str, other: &str) -> bool {
    if other == module || listed(SHELF, other) {
        return true;
    }
    // Judges know only what should hold, and command lines are tested without a network or an image.
    if is_judge(inner) || module == "hypervisor" && listed("host image", other) {
        return other == "scenario";
    }
    let place = |name| ORDER.split(' ').position(|known| known == name);
    matches!((place(other), place(module)), (Some(left), Some(here)) if left < here)
}

/// Names directly under the crate's root that the code mentions: `crate::X`, `crate::{X, Y}`, and `super::X` that climbs to
/// the root.
fn imports<'a>(inner: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    let depth = inner.trim_end_matches("/mod").split('/').count();
    let mut found = Vec::new();
    for at in paths_from(code, "crate") {
        found.extend(heads(code, at + "crate::".len()));
    }
    for at in paths_from(code, "super") {
        let rest = code[at..].trim_start_matches("super::");
        let climbed = (code.len() - at - rest.len()) / "super::".len();
        if climbed >= depth {
            // A `super` of an inline module climbs one level less, so only names of the pipeline count here.
            let heads = heads(code, code.len() - rest.len());
            found.extend(heads.into_iter().filter(|(_, name)| listed(ORDER, name)));
        }
    }
    found
}

/// The places where a path begins with `name::`.
fn paths_from<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let inside = |c: char| c == ':' || is_name(c);
    code.match_indices(name)
        .map(|(at, _)| at)
        .filter(move |at| {
            code[at + name.len()..].starts_with("::") && !code[..*at].ends_with(inside)
        })
}

/// The first name of each path that begins at `at`; there are several in braces.
fn heads(code: &str, at: usize) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut expected = true;
    for (offset, c) in code[at..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => expected = true,
            c if expected && is_name(c) => {
                let name = code[at + offset..].split(|c| !is_name(c)).next();
                found.extend(name.map(|name| (at + offset, name)));
                expected = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text without its comments, with as many lines.
fn without_comments(text: &str) -> String {
    let code = |line: &str| match line.find("//") {
        // The slashes of a URL begin no comment.
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned() + "\n",
        _ => line.to_owned() + "\n",
    };
    text.lines().map(code).collect()
}

/// `FILE | LINE | WORDS OF THE FAULT`; `$` stands for a line break, `@` for nothing (it cuts a word in two).
const PLANTED: &str = r"
    harness/model/src/plan/step.rs       | use crate::host::netns::Netns;              | plan/step must not import `host`
    harness/model/src/plan/step.rs       | use crate::{deadline::{Deadline}, lab::up}; | must not import `lab`
    harness/model/src/plan/mod.rs        | use super::lab::scope;                      | must not import `lab`
    harness/model/src/plan/mod.rs        | use crate::Scenario;                        | must not import `Scenario`
    harness/model/src/scenario/net.rs    | let x = super::super::plan::Step::new();    | must not import `plan`
    harness/model/src/networkd/unit.rs   | use crate::scenario::Scenario;              | must not import `scenario`
    harness/src/guest/mod.rs       | use crate::report::Report;                  | must not import `report`
    harness/src/wait.rs            | use crate::scenario::Check;                 | must not import `scenario`
    harness/src/hypervisor/qemu.rs | use crate::host::tap::Tap;                  | must not import `host`
    harness/src/check/kinds/dns/mod.rs | use crate::plan::Step;                      | must not import `plan`
    harness/src/check/kinds/route.rs | use tokio::time;                            | crate `tokio` belongs to
    harness/src/lab/mod.rs         | use ssh2::Session;                          | crate `ssh2` belongs to guest/ssh
    harness/src/host/bridge.rs     | rtnetlink::new_connection()                 | crate `rtnetlink` belongs to
    src/main.rs                    | #[all@ow(dead_code)]                        | use #[expect(
    harness/model/src/scenario/load.rs   | let text = std::fs::read(path)?;             | files are read by scenario/beneath alone
    harness/model/src/scenario/net.rs    | if path.is_dir() { }                        | files are read by scenario/beneath alone
    harness/src/host/netns.rs      | let x = uns@afe { libc::getuid() };          | `unsafe` belongs to harness/src/host/sys
    harness/model/src/lib.rs       | uns@afe { danger() }                        | `unsafe` belongs to harness/src/host/sys
    tests/unprivileged/cli.rs      | uns@afe impl Send for X {}                  | `unsafe` belongs to harness/src/host/sys
    harness/src/host/util.rs       |                                             | `util` says nothing
    tests/common/mod.rs            |                                             | `common` says nothing
    harness/src/bus.rs             |                                             | `bus` has no place
    harness/client/src/lab.rs      | use bridgelab_harness::report::RunReport;   | the client imports nothing of the harness
    harness/src/check/progress.rs  | use bridgelab_client::Outcome;              | crate `bridgelab_client` belongs to report/ lab/
    harness/src/plan/mod.rs        |                                             | are in harness/model/src/
    harness/model/src/wait.rs      |                                             | are in harness/model/src/
    harness/src/lab/mod.rs         | use bridgelab_model::plan::Operation;       | crate `bridgelab_model` belongs to lib
";

const ALLOWED: &str = r"
    harness/src/lab/mod.rs      | use crate::{host::Host, report::{Outcome, Report}, wait};
    harness/src/host/netns.rs   | use super::netlink::{self, Netlink};$use rtnetlink_like::x;
    harness/src/host/netlink.rs | use rtnetlink::Handle; // crate::lab
    harness/src/host/mod.rs     | mod tests {$    use super::*;$    use super::tap::Tap;$}
    harness/model/src/plan/build.rs   | #[cfg(test)]$mod tests {$    use tempfile::tempdir;$}
    harness/src/check/kinds/link.rs | use crate::scenario::Check;$use crate::check::Verdict;
    harness/src/check/kinds/tcp/connect.rs | use tokio::net::TcpStream;$use crate::{deadline::Deadline, host::netns::Netns};
    harness/src/lib.rs          | pub use crate::lab::scope;
";

/// The columns of a table above.
fn rows(table: &str) -> impl Iterator<Item = Vec<String>> {
    let column = |column: &str| column.trim().replace('$', "\n").replace('@', "");
    let rows = table.lines().filter(|row| !row.is_empty());
    rows.map(move |row| row.split(" | ").map(column).collect())
}

#[test]
fn a_planted_fault_is_found_with_its_line() {
    support::turn::beside_others();
    for row in rows(PLANTED) {
        let text = format!("//! Links to [`crate::lab`].\n{}\n", row[1]);
        let found = faults(&row[0], &text);
        let line = if row[1].is_empty() { 1 } else { 2 };
        assert_eq!(found.len(), 1, "{row:?}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{}:{line}: ", row[0])),
            "{found:?}"
        );
        assert!(found[0].contains(&row[2]), "{found:?}");
    }
    let nested = "mod tests {\n    use super::super::super::guest::Guest;\n}\n";
    assert_eq!(faults("harness/src/host/tap.rs", nested).len(), 1);
    assert_eq!(faults("src/main.rs", &"\n".repeat(LONGEST + 1)).len(), 1);
}

/// Everything that these crates are compiled with, by `Cargo.lock`, in which only members of the workspace have the needs of their
/// tests.
fn compiled_with(mut open: Vec<String>, lock: &toml::Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let packages = lock["package"].as_array().into_iter().flatten();
    while let Some(name) = open.pop() {
        // Of two versions of one crate both are looked at.
        let same = |package: &&toml::Value| package["name"].as_str() == Some(&name);
        for package in packages.clone().filter(same) {
            let needs = package.get("dependencies").and_then(toml::Value::as_array);
            let needs = needs.into_iter().flatten().filter_map(toml::Value::as_str);
            let names = needs.filter_map(|need| need.split(' ').next());
            open.extend(
                names
                    .filter(|need| !found.contains(*need))
                    .map(str::to_owned),
            );
        }
        found.insert(name);
    }
    found
}

#[test]
fn the_crate_of_pure_modules_needs_no_impure_one() {
    support::turn::beside_others();
    let read = |file: &str| -> toml::Table {
        let text = fs::read_to_string(support::root().join(file)).expect("a file of cargo");
        text.parse().expect("TOML")
    };
    let lock = read("Cargo.lock");
    let impure = |manifest: &str| {
        let needs = read(manifest);
        let needs = needs["dependencies"].as_table().expect("what it needs");
        let all = compiled_with(needs.keys().cloned().collect(), &lock);
        assert!(all.contains("serde_core"), "{all:?}");
        let impure = all.into_iter().filter(|name| listed(IMPURE, name));
        impure.collect::<Vec<_>>()
    };
    assert_eq!(impure("harness/model/Cargo.toml"), [""; 0]);
    let found = impure("harness/Cargo.toml");
    assert!(found.iter().any(|name| name == "openssl-sys"), "{found:?}");
}

#[test]
fn what_is_allowed_is_left_alone() {
    support::turn::beside_others();
    for row in rows(ALLOWED) {
        assert_eq!(faults(&row[0], &row[1]), [""; 0], "{row:?}");
    }
}

/// Every package that one needs, by what Cargo.lock says: also those for other systems, and for its own tests.
fn below(lock: &Table, package: &str) -> BTreeSet<String> {
    let packages = lock["package"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found = BTreeSet::from([package.to_owned()]);
    let mut left = vec![package.to_owned()];
    while let Some(name) = left.pop() {
        let its = packages
            .iter()
            .filter(|one| one["name"].as_str() == Some(&name));
        let needs = its.filter_map(|one| one.get("dependencies")?.as_array());
        for need in needs.flatten().filter_map(Value::as_str) {
            // `NAME VERSION` where there are several.
            let need = need.split(' ').next().unwrap_or(need);
            if found.insert(need.to_owned()) {
                left.push(need.to_owned());
            }
        }
    }
    found
}

#[test]
fn who_holds_a_lab_compiles_neither_openssl_nor_a_vmm_driver() {
    let lock = fs::read_to_string(support::root().join("Cargo.lock")).expect("Cargo.lock");
    let lock: Table = lock.parse().expect("TOML");
    let heavy = |package| -> Vec<String> {
        let below = below(&lock, package).into_iter();
        below
            .filter(|name| listed(NOT_BELOW_CLIENT, name))
            .collect()
    };
    assert_eq!(heavy("bridgelab-client"), [""; 0]);
    let all: Vec<&str> = NOT_BELOW_CLIENT.split(' ').collect();
    assert_eq!(heavy("bridgelab"), all, "each is a name that is looked for");
}
