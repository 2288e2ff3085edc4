//! Writes the mutants of scenarios down, for `bridgelab bench diagnosis`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::mutation::{Mutant, TextFile};
use bridgelab_harness::visible::visible;

use super::corpus::{Corpus, OfScenario, VERSION, pairs};
use super::frozen::Frozen;
use super::subject::{Subject, put};
use super::trial::{Wanted, drawn};
use crate::output::{self, to_stdout};

/// Writes a corpus of these scenarios; the exit code.
pub(super) fn write(asked: &Wanted, scenarios: &[String], doubles: usize, file: &Path) -> i32 {
    let mut corpus = match before(file, asked.seed) {
        Ok(corpus) => corpus,
        Err(why) => {
            let text = format!(
                "error: `--freeze {}`: {why}\n  help: remove it, or name another file",
                file.display()
            );
            let _ = writeln!(anstream::stderr(), "{}", visible(&text));
            return exit_code::INVALID;
        }
    };
    for scenario in scenarios {
        match of_scenario(asked, scenario, doubles) {
            Ok(found) => {
                let (single, double) = (found.single.len(), found.double.len());
                let _ = writeln!(
                    anstream::stderr(),
                    "{scenario}: {single} mutants and {double} pairs"
                );
                corpus.scenarios.insert(scenario.clone(), found);
            }
            Err(code) => return code,
        }
    }
    match corpus.text() {
        Ok(text) => output::write(exit_code::PASSED, "--freeze", file, &text),
        Err(why) => output::unwritten(exit_code::PASSED, "--freeze", file, &io::Error::other(why)),
    }
}

/// The corpus that is there: its other scenarios stay in it.
fn before(file: &Path, seed: u64) -> Result<Corpus, String> {
    let none = Corpus {
        version: VERSION,
        seed,
        ..Corpus::default()
    };
    let text = match fs::read_to_string(file) {
        Ok(text) if !to_stdout(Some(file)) && !text.trim().is_empty() => text,
        _ => return Ok(none),
    };
    let corpus = Corpus::read(&text)?;
    match corpus.seed == seed {
        true => Ok(corpus),
        false => Err(format!(
            "its mutants were drawn by the seed {}, and not by {seed}",
            corpus.seed
        )),
    }
}

/// The mutants of a scenario that can be run.
fn of_scenario(asked: &Wanted, scenario: &str, doubles: usize) -> Result<OfScenario, i32> {
    let subject = Subject::of(scenario)?;
    let files = subject.files()?;
    // As many as are asked for, of those that can be run: so all are drawn.
    let all = Wanted {
        operators: asked.operators.clone(),
        count: usize::MAX,
        evidence: None,
        ..*asked
    };
    let (mutants, _) = drawn(&all, &subject)?;
    let mut single: Vec<Frozen> = Vec::new();
    for mutant in &mutants {
        if single.len() == asked.count {
            break;
        }
        let Some(frozen) = frozen(mutant, &files) else {
            continue;
        };
        let copied = subject.broken("tried", |folder| {
            let file = folder.join(&mutant.file);
            let text = fs::read_to_string(&file)?;
            put(&file, mutant.change.applied(&text).as_deref())
        });
        let _ = fs::remove_dir_all(subject.folder().join("tried"));
        if copied.is_ok() {
            single.push(frozen);
        }
    }
    let double = pairs(&single, doubles);
    Ok(OfScenario { single, double })
}

fn frozen(mutant: &Mutant, files: &[TextFile]) -> Option<Frozen> {
    let file = files.iter().find(|file| file.path == mutant.file)?;
    Some(Frozen::of(mutant, &file.text))
}
