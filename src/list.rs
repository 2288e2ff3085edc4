//! `bridgelab list`: what each scenario proves, and what it needs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::{self, Described, FindError, LoadedScenario, Scenario};
use bridgelab_harness::visible::visible;
use serde::Serialize;

use crate::commands::{complain, root, tagged};
use crate::output::{print, say};

/// Version of what `--json` prints.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct List {
    schema: u32,
    scenarios: Vec<Listed>,
    /// Names of scenarios that do not load; `bridgelab check` says why.
    invalid: Vec<String>,
}

#[derive(Serialize)]
struct Listed {
    /// Path below `scenarios/`.
    name: String,
    path: PathBuf,
    summary: String,
    source: Option<String>,
    tags: Vec<String>,
    forms: Vec<Form>,
}

/// An instance: the file as it stands, or a variant, perhaps with values of the matrix.
#[derive(Serialize)]
struct Form {
    /// The name that `run --variant` takes.
    form: String,
    /// Name of its test under `cargo test --features vm --test scenarios`.
    test: String,
    summary: String,
    /// Capabilities without which its run is skipped.
    needs: Vec<String>,
    /// The checks that must hold.
    holds: Vec<String>,
    /// The checks that must fail, with the words that they must see.
    must_fail: BTreeMap<String, String>,
    /// Sets of checks of which at least one must fail, with the words that each must see if it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    any_of: Vec<BTreeMap<String, String>>,
}

/// Lists the scenarios with one of the tags; exit code 2 when a file is invalid.
pub(crate) fn list(tags: &[String], json: bool) -> i32 {
    let names = match scenario::scenario_names(&root()) {
        Ok(names) => names,
        Err(error) => {
            complain(&error);
            return match error {
                FindError::Many { .. } => exit_code::INVALID,
                _ => exit_code::BROKEN,
            };
        }
    };
    let mut list = List {
        schema: SCHEMA,
        scenarios: Vec::new(),
        invalid: Vec::new(),
    };
    for found in names {
        match scenario::load(&found.path) {
            Ok(loaded) if tagged(&loaded, tags) => {
                list.scenarios.push(listed(found.name, found.path, &loaded));
            }
            Ok(_) => {}
            Err(_) => list.invalid.push(found.name),
        }
    }
    if json {
        say(&serde_json::to_string_pretty(&list).unwrap_or_default());
    } else {
        for scenario in &list.scenarios {
            say(&visible(&text(scenario)));
        }
        for name in &list.invalid {
            let name = visible(name);
            say(&format!("{name}: invalid, see `bridgelab check {name}`"));
        }
    }
    if list.invalid.is_empty() {
        exit_code::PASSED
    } else {
        exit_code::INVALID
    }
}

fn listed(name: String, path: PathBuf, loaded: &LoadedScenario) -> Listed {
    let form = |form: &Scenario| Form {
        form: form.form(),
        test: form.test_name(&name),
        summary: form.summary.clone(),
        needs: form.needs.clone(),
        holds: form
            .checks
            .iter()
            .filter(|check| !form.must_fail.contains_key(&check.id))
            .map(|check| check.id.to_string())
            .collect(),
        must_fail: form
            .must_fail
            .iter()
            .filter(|(id, _)| form.any_of(id).is_empty())
            .map(|(id, words)| (id.to_string(), words.clone()))
            .collect(),
        any_of: form
            .any_of
            .iter()
            .map(|set| {
                let words = |id| form.must_fail.get(id).cloned().unwrap_or_default();
                set.iter().map(|id| (id.to_string(), words(id))).collect()
            })
            .collect(),
    };
    Listed {
        summary: loaded.summary().to_owned(),
        source: loaded.forms().find_map(|form| form.source.clone()),
        tags: loaded.tags().to_vec(),
        forms: loaded.forms().map(form).collect(),
        name,
        path,
    }
}

/// One line for the scenario, and one or more below it for each instance.
fn text(scenario: &Listed) -> String {
    let mut lines = vec![format!("{}: {}", scenario.name, scenario.summary)];
    if !scenario.tags.is_empty() {
        lines.push(format!("    tags: {}", scenario.tags.join(", ")));
    }
    for form in &scenario.forms {
        let holds = form.holds.len();
        let summary = if form.summary == scenario.summary {
            String::new()
        } else {
            format!(": {}", form.summary)
        };
        let must = match form.must_fail.len() + form.any_of.len() {
            0 => format!("{holds} checks hold"),
            fail if !form.any_of.is_empty() => {
                let among: usize = form.any_of.iter().map(BTreeMap::len).sum();
                let among = among + form.must_fail.len();
                format!("at least {fail} of {among} checks must fail, {holds} hold")
            }
            fail => format!("{fail} checks must fail, {holds} hold"),
        };
        lines.push(format!(
            "  {}/{}{summary} ({must})",
            scenario.name, form.form
        ));
        if !form.needs.is_empty() {
            lines.push(format!("    needs: {}", form.needs.join(", ")));
        }
        let (any, told): (Vec<_>, Vec<_>) = form
            .must_fail
            .iter()
            .partition(|(_, words)| words.is_empty());
        if !any.is_empty() {
            let ids: Vec<_> = any.into_iter().map(|(id, _)| id.as_str()).collect();
            lines.push(format!("    must fail: {}", ids.join(", ")));
        }
        for (id, words) in told {
            lines.push(format!("    must fail: {id}, seeing {words:?}"));
        }
        for set in &form.any_of {
            let told = set.iter().map(|(id, words)| match words.is_empty() {
                true => id.clone(),
                false => format!("{id}, seeing {words:?}"),
            });
            let told: Vec<_> = told.collect();
            lines.push(format!("    must fail, at least one: {}", told.join("; ")));
        }
    }
    lines.join("\n")
}

/// The names of all kinds, for `--help`.
pub(crate) fn kinds_in_short() -> String {
    let names = |all: Vec<Described>| {
        let names: Vec<_> = all.iter().map(|kind| kind.name).collect();
        names.join(", ")
    };
    format!(
        "What they are says `--kinds`.\n\nKinds of checks:\n  {}\n\nActions of steps:\n  {}",
        names(scenario::check_kinds()),
        names(scenario::action_kinds())
    )
}

/// Lists all kinds, as `scenarios/README.md` describes them.
pub(crate) fn kinds() -> i32 {
    print(&described("checks", "holds when", &scenario::check_kinds()));
    print("\n");
    print(&described("steps", "by hand", &scenario::action_kinds()));
    exit_code::PASSED
}

/// Three lines for each kind, without the marks that Markdown has.
fn described(title: &str, does: &str, kinds: &[Described]) -> String {
    let plain = |text: &str| {
        let mut text = text.replace('`', "");
        // Replace a link by its words.
        while let Some((before, rest)) = text.split_once("](") {
            let Some((_, after)) = rest.split_once(')') else {
                break;
            };
            text = format!("{}{after}", before.replacen('[', "", 1));
        }
        text
    };
    let rows = kinds.iter().map(|kind| {
        let (keys, words) = (plain(&kind.keys), plain(&kind.does));
        format!("  {}\n    keys: {keys}\n    {does}: {words}\n", kind.name)
    });
    format!("{title}:\n{}", rows.collect::<String>())
}
