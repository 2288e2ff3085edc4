//! From a symptom in a user's words to the scenarios that show it.

use std::collections::BTreeSet;

use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::{Scenario, load, scenario_names};

use super::complain;
use crate::commands::root;
use crate::output::say;

/// Scenarios that are listed.
const SHOWN: usize = 6;
/// Words that say nothing about a network.
const EMPTY: [&str; 22] = [
    "a", "an", "and", "are", "but", "can", "cannot", "does", "get", "has", "have", "in", "is",
    "it", "my", "no", "not", "of", "on", "the", "to", "with",
];
/// Words of users, and words of the library that mean the same.
const SAME: [(&str, &str); 14] = [
    ("network", "ping"),
    ("internet", "ping"),
    ("connectivity", "ping"),
    ("connection", "tcp"),
    ("reach", "ping"),
    ("unreachable", "reply"),
    ("resolve", "dns"),
    ("name", "dns"),
    ("slow", "delay"),
    ("vm", "guest"),
    ("microvm", "guest"),
    ("docker", "container"),
    ("ipv6", "v6"),
    ("packets", "frames"),
];

/// Lists the forms whose checks fail in a way that has most of these words.
pub(super) fn list(words: &str) -> i32 {
    let wanted = words_of(words);
    let names = match scenario_names(&root()) {
        Ok(names) => names,
        Err(error) => return complain(&error.to_string(), exit_code::BROKEN),
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    for name in names {
        let Ok(loaded) = load(&name.path) else {
            continue;
        };
        for form in loaded
            .forms()
            .filter(|form| !form.must_fail.is_empty() && form.matrix.is_empty())
        {
            let score = score(&wanted, &name.name, form);
            if score > 0 {
                found.push((score, shown(&name.name, form)));
            }
        }
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    if found.is_empty() {
        say(&format!(
            "no scenario shows \"{words}\"; `bridgelab list` has what each shows"
        ));
        return exit_code::PASSED;
    }
    let shown: Vec<String> = found
        .into_iter()
        .take(SHOWN)
        .map(|(_, text)| text)
        .collect();
    say(&shown.join("\n"));
    exit_code::PASSED
}

fn shown(name: &str, form: &Scenario) -> String {
    let failing: Vec<String> = form
        .must_fail
        .iter()
        .take(2)
        .map(|(id, words)| match words.is_empty() {
            true => id.to_string(),
            false => format!("{id}: {words}"),
        })
        .collect();
    let variant = form
        .variant
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    format!(
        "{name}/{variant}: {}\n    {}\n    bridgelab explain {name} --variant {variant}",
        form.summary,
        failing.join("; ")
    )
}

/// How many of the words a form has: those of its name and summary count twice.
fn score(wanted: &BTreeSet<String>, name: &str, form: &Scenario) -> usize {
    let variant = form
        .variant
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let head = words_of(&format!("{name} {variant} {}", form.summary));
    let failing: Vec<String> = form
        .must_fail
        .iter()
        .map(|(id, words)| format!("{id} {words}"))
        .collect();
    let symptoms = words_of(&failing.join(" "));
    wanted
        .iter()
        .map(|word| 2 * usize::from(head.contains(word)) + usize::from(symptoms.contains(word)))
        .sum()
}

/// The words of a text that say something, with those that mean the same.
fn words_of(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty() && !EMPTY.contains(word));
    let mut all = BTreeSet::new();
    for word in words {
        let singular = word
            .strip_suffix('s')
            .filter(|stem| stem.len() > 3)
            .unwrap_or(word);
        all.insert(singular.to_owned());
        let same = SAME.iter().filter(|(user, _)| *user == singular);
        all.extend(same.map(|(_, ours)| (*ours).to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_users_are_those_of_the_library() {
        let words = words_of("My Docker container has no network");
        assert!(
            words.contains("container") && words.contains("ping"),
            "{words:?}"
        );
        assert!(!words.contains("no") && !words.contains("my"));
        assert!(words_of("containers").contains("container"));
    }
}
