//! Whatever is typed, the answer is a clear error or a plan: scenarios with anything changed in them, bytes and unit files of
//! any kind, and the JSON Schema compared with the reader.
//!
//! A usual run has a bounded number of cases. `PROPTEST_CASES=1000000 cargo test --release --test unprivileged bad_input`
//! tries so many of each property, and prints how many it saw.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; the lints know only the test functions themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridgelab_harness::lab::show_plan;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::scenario::{ScenarioErrors, load, load_text, scenario_names, schema};
use jsonschema::Validator;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use support::root;
use support::turn::beside_others;
use toml::{Table, Value};

/// Cases of each property, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 200;

/// Tries a property, and prints on how many cases.
fn hold<S: Strategy>(name: &str, strategy: &S, property: impl Fn(S::Value)) {
    beside_others();
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let seen = AtomicUsize::new(0);
    let mut runner = if std::env::var_os("PROPTEST_CASES").is_some() {
        TestRunner::new(config)
    } else {
        // Try the same cases in every run: then only a change can break one.
        config.cases = CASES;
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let result = runner.run(strategy, |value| {
        seen.fetch_add(1, Ordering::Relaxed);
        property(value);
        Ok(())
    });
    eprintln!("{name}: {} cases", seen.load(Ordering::Relaxed));
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A scenario of the repository: its file, as text and as a tree.
struct Shipped {
    path: PathBuf,
    text: String,
    tree: Table,
}

static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
    let scenarios = scenario_names(root()).unwrap().into_iter().map(|scenario| {
        let path = if scenario.path.is_dir() {
            scenario.path.join("scenario.toml")
        } else {
            scenario.path
        };
        let text = fs::read_to_string(&path).unwrap();
        let tree = text.parse().unwrap();
        Shipped { path, text, tree }
    });
    scenarios.collect()
});

static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&schema()).unwrap());

fn survives(path: &Path, text: &str) -> Option<ScenarioErrors> {
    match load_text(path, text.to_owned()) {
        Ok(loaded) => {
            for form in loaded.forms() {
                let plan = show_plan(form, GuestKind::Vm);
                assert!(!plan.is_empty());
                assert_eq!(plan, show_plan(form, GuestKind::Vm));
                assert!(!show_plan(form, GuestKind::Ghost).is_empty());
                assert_eq!(
                    loaded.named(&form.form()).unwrap().len(),
                    1,
                    "{}",
                    form.form()
                );
            }
            None
        }
        Err(errors) => {
            for fault in errors.faults() {
                assert!(fault.line >= 1 && fault.column >= 1, "{fault}");
                assert!(!fault.message.is_empty() && !fault.code.is_empty());
            }
            let drawn = errors.render(false);
            assert!(drawn.contains("error["), "{drawn}");
            Some(errors)
        }
    }
}

fn values() -> impl Strategy<Value = Value> {
    let words = [
        "",
        "a",
        "host",
        "router",
        "test1",
        "test1/web",
        "br0",
        "eno1",
        "vm-test1",
        "lan",
        "wan",
        "tap",
        "debian",
        "tiny",
        "192.168.1.1",
        "192.168.1.0/24",
        "2001:db8::1/64",
        "::",
        "0.0.0.0/0",
        "02:00:00:00:00:01",
        "ff:ff:ff:ff:ff:ff",
        "30s",
        "1h",
        "99999999999y",
        "guest",
        "../..",
        "/etc",
        "net.ipv4.ip_forward",
        "\u{0}",
        "\u{1b}[31m",
        "\u{e4}\u{f6}\u{202e}",
        "green",
        "none",
        "auto",
    ];
    let word = select(words.to_vec()).prop_map(|word| Value::String(word.to_owned()));
    let leaf = prop_oneof![
        4 => word,
        1 => ".{0,40}".prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::Integer),
        2 => (-2_i64..70_000).prop_map(Value::Integer),
        1 => any::<bool>().prop_map(Value::Boolean),
        // Add a half, since JSON Schema takes a whole number for an integer, however it is written.
        1 => any::<i32>().prop_map(|whole| Value::Float(f64::from(whole) + 0.5)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((keys(), inner), 0..4)
                .prop_map(|entries| Value::Table(entries.into_iter().collect())),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    let known = [
        "id",
        "from",
        "to",
        "via",
        "ping",
        "dns",
        "tcp",
        "checks",
        "machines",
        "guests",
        "segments",
        "variants",
        "matrix",
        "needs",
        "interfaces",
        "addresses",
        "units",
        "networkd",
        "on",
        "name",
        "kind",
        "vcpu",
        "image",
        "host",
        "test1",
        "enabled",
        "must_fail",
        "seen",
        "base",
        "without_units",
        "dnsmasq",
        "ra",
    ];
    prop_oneof![
        8 => select(known.to_vec()).prop_map(str::to_owned),
        1 => ".{0,20}",
    ]
}

/// A change to a tree, at the place that these indices lead to.
#[derive(Debug, Clone)]
struct Edit {
    way: Vec<Index>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Remove,
    Rename(String),
    Replace(Value),
    Insert(String, Value),
    /// A copy of a value that stands elsewhere.
    Copy(Vec<Index>),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let way = || vec(any::<Index>(), 1..6);
    let what = prop_oneof![
        2 => Just(What::Remove),
        1 => keys().prop_map(What::Rename),
        3 => values().prop_map(What::Replace),
        2 => (keys(), values()).prop_map(|(key, value)| What::Insert(key, value)),
        2 => way().prop_map(What::Copy),
    ];
    vec(
        (way(), what).prop_map(|(way, what)| Edit { way, what }),
        1..4,
    )
}

fn edited(tree: &Table, edits: &[Edit]) -> Table {
    let mut root = Value::Table(tree.clone());
    for Edit { way, what } in edits {
        let copied = match what {
            What::Copy(from) => find(&root, from).cloned(),
            _ => None,
        };
        change(&mut root, way, what, copied);
    }
    match root {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

fn find<'v>(value: &'v Value, way: &[Index]) -> Option<&'v Value> {
    let Some((first, rest)) = way.split_first() else {
        return Some(value);
    };
    match value {
        Value::Table(table) if !table.is_empty() => {
            find(table.values().nth(first.index(table.len()))?, rest)
        }
        Value::Array(items) if !items.is_empty() => find(&items[first.index(items.len())], rest),
        other => Some(other),
    }
}

fn change(value: &mut Value, way: &[Index], what: &What, copied: Option<Value>) {
    let Some((first, rest)) = way.split_first() else {
        return;
    };
    match value {
        Value::Table(table) if !table.is_empty() => {
            let key = table.keys().nth(first.index(table.len())).unwrap().clone();
            // Keep `version`, without which nothing else is read.
            if key == "version" {
                return;
            }
            let inner = &table[&key];
            let leaf = rest.is_empty() || !(inner.is_table() || inner.is_array());
            if !leaf {
                return change(&mut table[&key], rest, what, copied);
            }
            match what {
                What::Remove => drop(table.remove(&key)),
                What::Rename(name) => {
                    if let Some(inner) = table.remove(&key) {
                        table.insert(name.clone(), inner);
                    }
                }
                What::Replace(new) => drop(table.insert(key, new.clone())),
                What::Insert(name, new) => drop(table.insert(name.clone(), new.clone())),
                What::Copy(_) => drop(copied.map(|new| table.insert(key, new))),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = first.index(items.len());
            if !rest.is_empty() {
                return change(&mut items[at], rest, what, copied);
            }
            match what {
                What::Remove => drop(items.remove(at)),
                What::Rename(_) => items.reverse(),
                What::Replace(new) | What::Insert(_, new) => items[at] = new.clone(),
                What::Copy(_) => items.extend(copied),
            }
        }
        _ => {}
    }
}

/// Codes of faults of structure, which the schema must find too if a single file shows them.
const STRUCTURE: [&str; 2] = ["scenario.unknown-key", "scenario.wrong-type"];

#[test]
fn any_change_of_a_scenario_is_an_error_or_a_plan_and_the_schema_agrees() {
    let strategy = (any::<Index>(), edits());
    hold("changed scenarios", &strategy, |(which, edits)| {
        let shipped = which.get(&SHIPPED);
        let tree = edited(&shipped.tree, &edits);
        let Ok(text) = toml::to_string(&tree) else {
            return;
        };
        let faults = survives(&shipped.path, &text);
        // Skip numbers that JSON does not have.
        let Ok(json) = serde_json::to_value(&tree) else {
            return;
        };
        let wrong = SCHEMA
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .next();
        match (wrong, faults) {
            (Some(wrong), None) => {
                panic!("the schema is stricter than the reader: {wrong}\n{text}")
            }
            (None, Some(faults)) => {
                let told = faults
                    .faults()
                    .find(|fault| STRUCTURE.contains(&fault.code));
                if let Some(fault) = told {
                    panic!("the schema lets this pass: {fault}\n{text}");
                }
            }
            _ => {}
        }
    });
}

#[test]
fn any_bytes_in_a_scenario_are_an_error_or_a_plan() {
    let pieces = prop_oneof![
        Just("\n".to_owned()),
        select(vec![
            "[", "]", "{", "}", "\"", "'", "=", ".", ",", "#", "\\u0000", "\u{feff}", "\r", "\0"
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let strategy = (
        any::<Index>(),
        vec((any::<Index>(), 0_usize..60, pieces), 1..6),
    );
    hold("changed bytes", &strategy, |(which, cuts)| {
        let shipped = which.get(&SHIPPED);
        let mut text: Vec<char> = shipped.text.chars().collect();
        for (at, length, piece) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, piece.chars());
        }
        survives(&shipped.path, &text.into_iter().collect::<String>());
    });
}

#[test]
fn any_text_is_an_error_or_a_plan() {
    let line = prop_oneof![
        ".{0,40}",
        (keys(), values()).prop_map(|(key, value)| format!("{key} = {value}")),
        keys().prop_map(|key| format!("[{key}]")),
        (keys(), keys()).prop_map(|(one, two)| format!("[[{one}.{two}]]")),
    ];
    let path = root().join("scenarios/any.toml");
    hold("texts", &vec(line, 0..30), |lines| {
        survives(&path, &lines.join("\n"));
        survives(
            &path,
            &format!("version = 1\nsummary = 'x'\n{}", lines.join("\n")),
        );
    });
}

#[test]
fn unit_files_of_any_bytes_under_any_name_are_an_error_or_a_plan() {
    let name = prop_oneof![
        4 => select(vec!["br0.netdev", "10-lan.network", "x.link"]).prop_map(str::to_owned),
        1 => "[^/\0]{1,30}",
        1 => "[a-z]{1,10}\\.(netdev|network|link|conf)",
    ];
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..200),
        "\\[NetDev\\]\n(Name|Kind) ?= ?.{0,20}\n?".prop_map(String::into_bytes),
        vec("\\[?[A-Z][a-z]{0,8}\\]?=?.{0,10}", 0..20)
            .prop_map(|lines| lines.join("\n").into_bytes()),
    ];
    let files = vec((name, bytes), 0..4);
    let folder = tempfile::tempdir().unwrap();
    let text = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n\
        [[checks]]\nid = 'a'\nfrom = 'host'\nbridge_port = { interface = 'eno1', bridge = 'br0' }\n";
    hold("unit files", &files, |files| {
        let host = folder.path().join("host");
        fs::create_dir(&host).unwrap();
        for (name, bytes) in files {
            if name != "." && name != ".." {
                fs::write(host.join(name), bytes).unwrap();
            }
        }
        survives(&folder.path().join("x.toml"), text);
        fs::remove_dir_all(host).unwrap();
    });
}

#[test]
fn the_schema_takes_what_is_right_and_refuses_what_is_not() {
    for shipped in &*SHIPPED {
        let json = serde_json::to_value(&shipped.tree).unwrap();
        let wrong: Vec<_> = SCHEMA
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            wrong.is_empty(),
            "{}: {}",
            shipped.path.display(),
            wrong.join("\n")
        );
    }
    let mut refused = 0;
    for entry in fs::read_dir(root().join("scenarios/invalid")).unwrap() {
        let path = entry.unwrap().path();
        let file = if path.is_dir() {
            path.join("scenario.toml")
        } else {
            path
        };
        let Some(tree) = fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.parse::<Table>().ok())
        else {
            continue;
        };
        let Err(errors) = load(&file) else { continue };
        if errors.faults().any(|fault| STRUCTURE.contains(&fault.code)) {
            let json = serde_json::to_value(&tree).unwrap();
            assert!(
                !SCHEMA.is_valid(&json),
                "{} conforms: {errors}",
                file.display()
            );
            refused += 1;
        }
    }
    assert!(refused > 2, "only {refused} files have faults of structure");
}

#[test]
fn circles_end() {
    beside_others();
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    fs::create_dir(&scenarios).unwrap();
    std::os::unix::fs::symlink("..", scenarios.join("up")).unwrap();
    std::os::unix::fs::symlink("round", scenarios.join("round")).unwrap();
    assert_eq!(scenario_names(folder.path()).unwrap(), []);
    let path = scenarios.join("x.toml");
    for (text, says) in [
        ("[guests.a]\non = 'a'\n", "there is no machine `a`"),
        (
            "[guests.a]\non = 'b'\n[guests.b]\non = 'a'\n",
            "there is no machine",
        ),
        ("[guests.host]\n", "used twice"),
        ("[machines.host]\nnetworkd = 'round'\n", "goes in circles"),
        ("[machines.host]\nnetworkd = '..'\n", "leads out of"),
        (
            "[matrix]\non = ['a', 'host']\n[guests.a]\n",
            "there is no machine `a`",
        ),
    ] {
        let errors = survives(&path, &format!("version = 1\nsummary = 'x'\n{text}"));
        let errors = errors.unwrap_or_else(|| panic!("this was accepted: {text}"));
        assert!(
            errors.render(false).contains(says),
            "{says}: {}",
            errors.render(false)
        );
    }
}
