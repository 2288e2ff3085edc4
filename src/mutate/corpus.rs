//! The file of a corpus: mutants that were written down, by scenario, one in a line. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::frozen::Frozen;

/// Version of the file.
pub(crate) const VERSION: u32 = 1;

/// What the file begins with.
const HEAD: &str = "\
# What `bridgelab bench diagnosis` breaks, one thing at a time (`single`) and two at once (`double`), so that it measures the same
# whatever becomes of the operators. Written by `bridgelab mutate NAMES --freeze FILE`; see harness/docs/mutation.md.
";

/// A corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Corpus {
    /// [`VERSION`].
    pub(crate) version: u32,
    /// What its mutants were drawn by.
    pub(crate) seed: u64,
    /// By the scenario's name.
    #[serde(default)]
    pub(crate) scenarios: BTreeMap<String, OfScenario>,
}

/// The mutants of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfScenario {
    /// One thing is broken.
    #[serde(default)]
    pub(crate) single: Vec<Frozen>,
    /// Two things are, in two files.
    #[serde(default)]
    pub(crate) double: Vec<[Frozen; 2]>,
}

impl Corpus {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let corpus: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match corpus.version {
            VERSION => Ok(corpus),
            other => Err(format!(
                "it has version {other}, and this program knows {VERSION}"
            )),
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// What cannot be written as TOML.
    pub(crate) fn text(&self) -> Result<String, String> {
        let inline = |one: &Frozen| {
            let value = toml::Value::try_from(one).map_err(|error| error.to_string())?;
            Ok::<_, String>(value.to_string())
        };
        let Self { version, seed, .. } = self;
        let mut out = format!("{HEAD}version = {version}\nseed = {seed}\n");
        for (name, of) in &self.scenarios {
            let name = toml::Value::String(name.clone());
            let _ = writeln!(out, "\n[scenarios.{name}]\nsingle = [");
            for one in &of.single {
                let _ = writeln!(out, "  {},", inline(one)?);
            }
            out.push_str("]\ndouble = [\n");
            for [one, other] in &of.double {
                let _ = writeln!(out, "  [{}, {}],", inline(one)?, inline(other)?);
            }
            out.push_str("]\n");
        }
        Ok(out)
    }
}

/// Pairs of mutants that break two files by two operators, at most `count`: first the ones that stand far from each other, so that
/// each mutant has its turn.
pub(crate) fn pairs(single: &[Frozen], count: usize) -> Vec<[Frozen; 2]> {
    let mut found: Vec<[Frozen; 2]> = Vec::new();
    for gap in (1..single.len()).rev() {
        for (one, other) in single.iter().zip(&single[gap..]) {
            if found.len() == count {
                return found;
            }
            let used = found.iter().flatten().any(|it| it == one || it == other);
            if !used && one.file != other.file && one.operator != other.operator {
                found.push([one.clone(), other.clone()]);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::mutate::frozen::{Lines, What};

    fn frozen(operator: &str, file: &str, line: usize) -> Frozen {
        Frozen {
            operator: operator.to_owned(),
            file: PathBuf::from(file),
            what: What::Lines(Lines {
                line,
                above: Some("say = \"a\\b\"".to_owned()),
                from: vec!["\tx = 'y' # \"z\"".to_owned()],
                to: Vec::new(),
                end: false,
                named: [line, line + 1],
            }),
        }
    }

    #[test]
    fn a_corpus_is_read_as_it_is_written() {
        let gone = Frozen {
            operator: "unit.delete-file".to_owned(),
            file: PathBuf::from("../b/host/br0.netdev"),
            what: What::Removed { removed: true },
        };
        let of = OfScenario {
            single: vec![frozen("a.b", "f", 7), gone.clone()],
            double: vec![[gone, frozen("a.b", "f", 7)]],
        };
        let corpus = Corpus {
            version: VERSION,
            seed: 5,
            scenarios: [("bridge/mtu".to_owned(), of)].into(),
        };
        let text = corpus.text().expect("a text");
        assert_eq!(Corpus::read(&text).as_ref(), Ok(&corpus), "{text}");
        // A mutant is a line, so that a difference of two corpora can be read.
        assert_eq!(text.matches("operator = ").count(), 4, "{text}");
        assert_eq!(
            text.lines()
                .filter(|line| line.contains("operator = "))
                .count(),
            3
        );
        let newer = text.replace("version = 1", "version = 2");
        assert!(Corpus::read(&newer).is_err_and(|why| why.contains("version 2")));
    }

    #[test]
    fn a_pair_is_of_two_files_and_two_operators_and_nobody_is_in_two() {
        let single: Vec<Frozen> = [
            ("a", "1"),
            ("b", "1"),
            ("a", "2"),
            ("c", "2"),
            ("d", "1"),
            ("d", "2"),
        ]
        .map(|(operator, file)| frozen(operator, file, 1))
        .into();
        let found = pairs(&single, 10);
        let names: Vec<[String; 2]> = found
            .iter()
            .map(|pair| pair.each_ref().map(Frozen::id))
            .collect();
        assert_eq!(
            names,
            [["a@1:1", "d@2:1"], ["b@1:1", "c@2:1"], ["a@2:1", "d@1:1"]]
        );
        assert_eq!(pairs(&single, 1).len(), 1);
        assert!(pairs(&single[..2], 9).is_empty());
    }
}
