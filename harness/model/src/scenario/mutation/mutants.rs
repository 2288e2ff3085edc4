//! The mutants of a scenario, and which of them are chosen.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::change::{Change, Site};
use super::row::Operator;
use super::sites::sites;
use super::texts::{Role, TextFile, Texts};
use super::unit_text::line_around;
use crate::place::Source;

/// A scenario with one thing broken.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// `OPERATOR@FILE:LINE:COLUMN`, and behind it `=TEXT` where an operator does several things there. The same on every machine.
    pub id: String,
    /// What broke it.
    pub operator: &'static Operator,
    /// The file, from the scenario's folder.
    pub file: PathBuf,
    /// Line of the change in the file as it was, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The lines that were there, without the blanks around them; empty where something was put in.
    pub before: String,
    /// The lines that are there now; empty where something was taken away.
    pub after: String,
    /// What was done.
    pub change: Change,
    /// Lines of the changed file, from 1, in which whoever looks for the cause may point: the lines that are changed or new; where
    /// lines are gone, those of the section or table that had them; where the file is gone, none.
    pub place: Range<usize>,
}

/// All mutants of these operators, operator by operator, each in the order of the files.
///
/// Left out is what makes a scenario's file that is no TOML: nobody would try to run that.
pub fn mutants(operators: &[&'static Operator], texts: Texts<'_>) -> Vec<Mutant> {
    let mut found: Vec<Mutant> = Vec::new();
    for &operator in operators {
        for site in sites(operator, texts) {
            let Some(file) = texts.files.get(site.file) else {
                continue;
            };
            let Some(mutant) = mutant(operator, file, &site) else {
                continue;
            };
            found.push(mutant);
        }
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for mutant in &found {
        *times.entry(mutant.id.clone()).or_default() += 1;
    }
    // Several tables that are put in at one place are told apart by their first lines.
    for mutant in &mut found {
        if times.get(&mutant.id).is_some_and(|times| *times > 1) {
            let said = mutant.after.lines().next().unwrap_or_default();
            mutant.id = format!("{}={said}", mutant.id);
        }
    }
    found
}

fn mutant(operator: &'static Operator, file: &TextFile, site: &Site) -> Option<Mutant> {
    let source = Source::new(file.path.clone(), file.text.clone(), false);
    let after = site.change.applied(&file.text);
    if file.role == Role::Scenario {
        after.as_ref()?.parse::<toml::Table>().ok()?;
    }
    let (line, column, was, is, place) = match (&site.change, &after) {
        (Change::Replace { span, with }, Some(changed)) => {
            let new = span.start..span.start + with.len();
            let (line, column) = first(&source, span, with);
            let was = match span.is_empty() {
                true => String::new(),
                false => trimmed(&file.text[line_around(&file.text, span)]),
            };
            let is = match with.is_empty() {
                // What is left of a line from which something was cut.
                true if !whole_lines(&file.text, span) => {
                    trimmed(&changed[line_around(changed, &new)])
                }
                true => String::new(),
                false if span.is_empty() => trimmed(with),
                false => trimmed(&changed[line_around(changed, &new)]),
            };
            (line, column, was, is, place(changed, site, span, with))
        }
        _ => (1, 1, trimmed(&file.text), String::new(), 0..0),
    };
    let id = format!("{}@{}:{line}:{column}", operator.name, file.path.display());
    Some(Mutant {
        id,
        operator,
        file: file.path.clone(),
        line,
        column,
        before: was,
        after: is,
        change: site.change.clone(),
        place,
    })
}

/// Line and column of a change: of what is put in, the first line that is not blank.
fn first(source: &Source, span: &Range<usize>, with: &str) -> (usize, usize) {
    let (line, column) = source.position(span.start);
    let blank = with.len() - with.trim_start().len();
    let lines = with[..blank].matches('\n').count();
    match span.is_empty() && lines > 0 {
        true => (line + lines, 1),
        false => (line, column),
    }
}

/// Lines of the changed text that may be named.
fn place(changed: &str, site: &Site, span: &Range<usize>, with: &str) -> Range<usize> {
    let line = |offset: usize| changed[..offset.min(changed.len())].matches('\n').count() + 1;
    let region = match with.trim().is_empty() {
        // What was around it, which is shorter now.
        true => site.about.start..site.about.end.saturating_sub(span.len()),
        false => span.start..span.start + with.len(),
    };
    let text = changed.get(region.clone()).unwrap_or_default();
    let from = region.start + (text.len() - text.trim_start().len());
    let to = region.start + text.trim_end().len();
    line(from.min(to))..line(to) + 1
}

fn whole_lines(text: &str, span: &Range<usize>) -> bool {
    line_around(text, span).start == span.start && text[..span.end].ends_with('\n')
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

/// At most `count` of the mutants, drawn by the seed: in turns one of each operator, so that none is most of them only because it
/// has many places. The order and the choice are the same on every machine.
pub fn chosen(mutants: Vec<Mutant>, count: usize, seed: u64) -> Vec<Mutant> {
    let drawn = |text: &str| -> [u8; 32] { Sha256::digest(format!("{seed} {text}")).into() };
    let mut by_operator: BTreeMap<[u8; 32], Vec<Mutant>> = BTreeMap::new();
    for mutant in mutants {
        by_operator
            .entry(drawn(mutant.operator.name))
            .or_default()
            .push(mutant);
    }
    let mut turns: Vec<VecDeque<Mutant>> = by_operator
        .into_values()
        .map(|mut of_one| {
            of_one.sort_by_cached_key(|mutant| drawn(&mutant.id));
            of_one.into()
        })
        .collect();
    let mut chosen = Vec::new();
    while chosen.len() < count && turns.iter().any(|turn| !turn.is_empty()) {
        for turn in &mut turns {
            if chosen.len() < count {
                chosen.extend(turn.pop_front());
            }
        }
    }
    chosen
}
