//! No word of a scenario may become more than one value: an option of a tool, a line of a file, a second `key=value`.
//!
//! The tests go by kinds and not by names: every string of the library's scenarios, at every key, and every name of a table,
//! is replaced by words that somebody who reads them would take for more than one value. Each is refused at its line, unless
//! it stands at one of the few keys whose text is free.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bridgelab_harness::check::kinds::Command;
use bridgelab_harness::hypervisor::{self, GuestSpec};
use bridgelab_harness::lab;
use bridgelab_harness::plan::{GuestKind, dnsmasq};
use bridgelab_harness::scenario::{Scenario, ScenarioErrors, load_text, schema};
use toml::{Table, Value};

use super::*;

/// Mark that only these words have in them.
const MARK: &str = "SMUGGLED";

/// Words that would be more than a value to their readers: a tool's options; lines of dnsmasq, networkd, a kernel's console; a
/// shell; QEMU's and cloud-hypervisor's `key=value,key=value`; the kernel's command line; nft; specifiers of systemd; JSON; a
/// path; a C string.
const WORDS: [&str; 14] = [
    "-SMUGGLED",
    "--SMUGGLED=1",
    "a\nSMUGGLED",
    "a\rSMUGGLED",
    "a SMUGGLED",
    "a,SMUGGLED=1",
    "a;SMUGGLED",
    "a#SMUGGLED",
    "a%SMUGGLED",
    "a'SMUGGLED",
    "a\"SMUGGLED",
    "$(SMUGGLED)",
    "../SMUGGLED",
    "a\0SMUGGLED",
];

/// Keys whose text is free, each with the reason why it stays one value. All other keys refuse all of [`WORDS`].
const FREE: [(&str, &str); 26] = [
    ("summary", "shown, by `visible`"),
    ("source", "shown, by `visible`"),
    ("tags", "compared"),
    ("machines.*.faulty_units", "compared with names of files"),
    ("checks.*.networkctl.domains", "compared"),
    ("variants.*.summary", "shown, by `visible`"),
    ("variants.*.seen.*", "compared with what was seen"),
    (
        "machines.*.http.body",
        "the body of an answer, after its length",
    ),
    (
        "machines.*.sysctls.*",
        "written to the sysctl's file, as a whole",
    ),
    (
        "guests.*.sysctls.*",
        "one quoted word of the guest's script",
    ),
    ("guests.*.docker.*", "JSON, as JSON"),
    (
        "guests.*.containers.*.environment.*",
        "one word: `--env KEY=VALUE`",
    ),
    (
        "guests.*.containers.*.command",
        "words after the image's name",
    ),
    (
        "checks.*.command.run",
        "a program and its arguments: no shell, and in a cell",
    ),
    ("checks.*.command.stdout", "compared"),
    ("checks.*.counter.rule", "compared"),
    ("checks.*.container.refused", "compared"),
    ("checks.*.vmm.refused", "compared"),
    ("checks.*.http.expect", "compared"),
    (
        "checks.*.packet.filter",
        "one word, after `--`; tcpdump judges it",
    ),
    ("checks.*.packet.says", "compared"),
    ("checks.*.sysctl.value", "compared"),
    (
        "steps.*.sysctl.value",
        "written to the sysctl's file, or one quoted word",
    ),
    ("steps.*.refused", "compared"),
    (
        "steps.*.run.command",
        "a program and its arguments: no shell, and in a cell",
    ),
    ("steps.*.write_unit.content", "a file of its own"),
];

/// The place of a string: keys of tables and indices of arrays.
type Way = Vec<Key>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Name(String),
    Index(usize),
}

/// Tables whose keys are names that the scenario chooses.
const NAMED: [&str; 13] = [
    "machines",
    "guests",
    "segments",
    "variants",
    "bridges",
    "macvlans",
    "ports",
    "containers",
    "sysctls",
    "seen",
    "records",
    "faults",
    "environment",
];

/// The kind of a place, which is the same in every scenario: names that a scenario chooses and indices of tables become `*`,
/// indices of strings are left out.
fn kind_of(way: &Way) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut named = false;
    for (at, key) in way.iter().enumerate() {
        match key {
            Key::Name(_) if named => words.push("*"),
            Key::Name(name) => words.push(name),
            Key::Index(_) if at + 1 == way.len() => {}
            Key::Index(_) => words.push("*"),
        }
        named = !named && matches!(key, Key::Name(name) if NAMED.contains(&name.as_str()));
        if matches!(key, Key::Name(name) if name == "docker") && !named {
            words.push("*");
            break;
        }
    }
    words.join(".")
}

/// Finds the place of every string below a value.
fn strings(value: &Value, way: &mut Way, found: &mut Vec<Way>) {
    let mut below = |key: Key, value: &Value| {
        way.push(key);
        strings(value, way, found);
        way.pop();
    };
    match value {
        Value::String(_) => found.push(way.clone()),
        Value::Array(all) => {
            for (index, one) in all.iter().enumerate() {
                below(Key::Index(index), one);
            }
        }
        Value::Table(all) => {
            for (name, one) in all {
                below(Key::Name(name.clone()), one);
            }
        }
        _ => {}
    }
}

fn at<'v>(value: &'v mut Value, way: &[Key]) -> &'v mut Value {
    way.iter().fold(value, |value, key| match key {
        Key::Name(name) => &mut value.as_table_mut().unwrap()[name.as_str()],
        Key::Index(index) => &mut value.as_array_mut().unwrap()[*index],
    })
}

/// The scenarios of the library, by their files.
fn library_of_all() -> Vec<(PathBuf, Value)> {
    let root = support::root();
    let names = bridgelab_harness::scenario::scenario_names(root).unwrap();
    let mut found = Vec::new();
    for name in names {
        let file = match name.path.is_dir() {
            true => name.path.join("scenario.toml"),
            false => name.path,
        };
        let text = fs::read_to_string(&file).unwrap();
        let table: Table = text.parse().unwrap();
        found.push((file, Value::Table(table)));
    }
    // The file lies beside the library's, so that it may name their files.
    let file = root.join("scenarios/more.toml");
    let more = Value::Table(include_str!("more.toml").parse().unwrap());
    let (text, right) = read(&file, &more);
    assert!(right.is_ok(), "{right:?}\n{text}");
    found.push((file, more));
    found
}

/// The first scenario that has a string, for each kind of place.
fn ways() -> BTreeMap<String, (usize, Way)> {
    let mut found = BTreeMap::new();
    for (index, (_, scenario)) in library_of_all().iter().enumerate() {
        let mut ways = Vec::new();
        strings(scenario, &mut Vec::new(), &mut ways);
        for way in ways {
            let kind = kind_of(&way);
            // Leave out most of a variant: what it lays over the file has the same keys.
            if !kind.starts_with("variants.") || kind.matches('.').count() < 4 {
                found.entry(kind).or_insert((index, way));
            }
        }
    }
    found
}

fn read(file: &Path, value: &Value) -> (String, Result<Scenario, ScenarioErrors>) {
    let text = toml::to_string(value).unwrap();
    let loaded = load_text(file, text.clone());
    let green = loaded.map(|loaded| loaded.scenario(None).unwrap());
    (text, green)
}

/// What is wrong with a refusal: its fault must stand where the words do.
fn misplaced(text: &str, errors: &ScenarioErrors) -> Option<String> {
    let last = text.lines().count();
    let lines = text.lines().enumerate();
    let marked: Vec<usize> = lines
        .filter(|(_, line)| line.contains(MARK))
        .map(|(at, _)| at + 1)
        .collect();
    let first = marked.first().copied().unwrap_or(last);
    // A line break in the value is one in the file too, and a fault of a table may stand at the table's head.
    let there =
        |line: usize| (first.saturating_sub(4)..=*marked.last().unwrap_or(&last)).contains(&line);
    let faults: Vec<_> = errors
        .faults()
        .map(|fault| (fault.line, fault.message.clone()))
        .collect();
    (!faults.iter().any(|(line, _)| there(*line)))
        .then(|| format!("line {first}, and told of {faults:?}"))
}

/// Words of command lines that have the mark in them, but not the whole value.
fn smuggled(scenario: &Scenario, value: &str) -> Vec<String> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    for (name, guest) in &scenario.guests {
        lines.push(
            hypervisor::command(&GuestSpec::planned(name.as_ref(), guest))
                .words()
                .to_vec(),
        );
    }
    let of_machines = scenario.machines.values();
    lines.extend(
        of_machines
            .filter_map(|machine| machine.dnsmasq.as_ref())
            .map(dnsmasq::command),
    );
    let mut own = Vec::new();
    for kind in [GuestKind::Vm, GuestKind::Ghost] {
        for (step, by_hand) in lab::by_hand(scenario, kind) {
            let commands = by_hand.commands().into_iter();
            let commands = commands.flat_map(|(_, lines)| lines.to_vec());
            let key = step.action.as_ref().map(|action| action.key());
            match key {
                Some("run") => own.extend(commands),
                _ => lines.extend(commands),
            }
        }
    }
    for check in &scenario.checks {
        if let Some(wanted) = check.kind.downcast_ref::<Command>() {
            own.push(wanted.run.clone());
        }
    }
    let more = lines
        .into_iter()
        .flatten()
        .filter(|word| word.contains(MARK));
    let split = own
        .into_iter()
        .flatten()
        .filter(|word| word.contains(MARK) && word != value);
    more.chain(split).collect()
}

#[test]
fn a_value_is_one_value_or_refused_at_its_line() {
    let library = library_of_all();
    let free: BTreeMap<&str, &str> = FREE.into_iter().collect();
    let mut wrong = BTreeSet::new();
    let ways = ways();
    let idle = free.keys().filter(|key| !ways.contains_key(**key));
    wrong.extend(idle.map(|key| format!("{key} is in no scenario")));
    for (kind, (index, way)) in &ways {
        let (file, scenario) = &library[*index];
        for word in WORDS {
            let mut changed = scenario.clone();
            *at(&mut changed, way) = Value::String(word.to_owned());
            let (text, read) = read(file, &changed);
            match read {
                Err(errors) => {
                    let misplaced = misplaced(&text, &errors);
                    wrong.extend(misplaced.map(|why| format!("{kind} = {word:?}: {why}")));
                }
                Ok(scenario) => {
                    if !free.contains_key(kind.as_str()) {
                        wrong.insert(format!("{kind} = {word:?} is taken"));
                    }
                    let smuggled = smuggled(&scenario, word);
                    if !smuggled.is_empty() {
                        wrong.insert(format!("{kind} = {word:?} becomes {smuggled:?}"));
                    }
                }
            }
        }
    }
    let all: Vec<String> = wrong.into_iter().collect();
    assert!(ways.len() > 100, "only {} ways were tried", ways.len());
    assert!(
        all.is_empty(),
        "{} of {} ways:\n{}",
        all.len(),
        ways.len(),
        all.join("\n")
    );
}

/// The names that a scenario chooses, each with the place of its table.
fn names(scenario: &Value) -> Vec<(Way, String)> {
    let mut ways = Vec::new();
    strings(scenario, &mut Vec::new(), &mut ways);
    let mut found = Vec::new();
    for way in ways {
        for at in 1..way.len() {
            let chosen = kind_of(&way[..=at].to_vec()).ends_with(".*");
            if let (true, Key::Name(name)) = (chosen, &way[at]) {
                found.push((way[..at].to_vec(), name.clone()));
            }
        }
    }
    found
}

/// Names of machines, guests, segments, links, containers, sysctls and records are keys of tables, so they are tried by
/// themselves.
#[test]
fn a_name_is_one_word_or_refused_at_its_line() {
    let library = library_of_all();
    let mut tried = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    for (index, (file, scenario)) in library.iter().enumerate() {
        for (of, name) in names(scenario) {
            let named = Key::Name(name.clone());
            let kind = kind_of(&of.iter().cloned().chain([named]).collect());
            if !tried.insert(kind.clone()) {
                continue;
            }
            for word in WORDS {
                let mut changed = library[index].1.clone();
                let table = at(&mut changed, &of).as_table_mut().unwrap();
                let old = table.remove(name.as_str()).unwrap();
                table.insert(word.to_owned(), old);
                let (text, read) = read(file, &changed);
                match read {
                    Err(errors) => wrong.extend(
                        misplaced(&text, &errors).map(|why| format!("{kind} {word:?}: {why}")),
                    ),
                    Ok(_) if kind == "guests.*.containers.*.environment.*" => {}
                    Ok(_) => drop(wrong.insert(format!("{kind}: the name {word:?} is taken"))),
                }
            }
        }
    }
    let all: Vec<String> = wrong.into_iter().collect();
    assert!(tried.len() > 4, "{tried:?}");
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

/// Finds keys of the schema that take text, by the last part of their names.
fn text_keys(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    let is_text = |of: &serde_json::Value| of["type"] == "string" && of["enum"].is_null();
    if let Some(properties) = schema["properties"].as_object() {
        for (name, of) in properties {
            if is_text(of) || is_text(&of["items"]) || is_text(&of["additionalProperties"]) {
                found.insert(name.clone());
            }
        }
    }
    match schema {
        serde_json::Value::Object(all) => all.values().for_each(|one| text_keys(one, found)),
        serde_json::Value::Array(all) => all.iter().for_each(|one| text_keys(one, found)),
        _ => {}
    }
}

/// Keys that are not tried, and why.
const UNTRIED: [(&str, &str); 4] = [
    ("any_of", "names of checks, as `must_fail` itself has them"),
    ("before", "only in a variant, where it must name a step"),
    ("host_addresses", "an address, as all others are"),
    ("ip6tables", "a path: tried with every file of `FILES`"),
];

#[test]
fn every_key_of_text_is_tried() {
    let mut keys = BTreeSet::new();
    text_keys(&schema(), &mut keys);
    let tried: BTreeSet<String> = ways()
        .keys()
        .flat_map(|kind| kind.split('.').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let missing: Vec<&String> = keys.difference(&tried).collect();
    assert_eq!(missing, UNTRIED.map(|(key, _)| key));
}
