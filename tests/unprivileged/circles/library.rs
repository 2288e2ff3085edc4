//! Says which file a path leads to, as the compiler would: through imports and `pub use`, from crate to crate.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// A library of several crates.
#[derive(Debug, Default)]
pub(crate) struct Library {
    modules: Vec<Module>,
    /// Its crates by the names that code has for them.
    crates: BTreeMap<String, usize>,
}

#[derive(Debug, Default)]
struct Module {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    source: Source,
    /// Only tests have it.
    of_tests: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Module(usize),
    /// Something defined in this module.
    Item(usize),
    /// Something of another crate, which is none of ours.
    Foreign,
}

/// One file needs another, and by which path it says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) path: String,
}

impl Library {
    /// Adds a crate: `files` are their places and texts, `root` is where `lib.rs` is.
    ///
    /// # Errors
    ///
    /// A text that is no Rust.
    pub(crate) fn add(
        &mut self,
        name: &str,
        root: &str,
        files: &[(String, String)],
    ) -> Result<(), String> {
        // A module stands before what is in it: `mod.rs` before its neighbours, `a.rs` before `a/b.rs`.
        let mut sorted: Vec<(Vec<&str>, &str, &str)> = files
            .iter()
            .filter_map(|(file, text)| {
                let inner = file.strip_prefix(root)?.strip_prefix('/')?;
                let mut place: Vec<&str> = inner.strip_suffix(".rs")?.split('/').collect();
                let last = *place.last()?;
                if last == "mod" || ["lib.rs", "main.rs"].contains(&inner) {
                    place.pop();
                }
                Some((place, file.as_str(), text.as_str()))
            })
            .collect();
        sorted.sort();
        for (place, file, text) in sorted {
            let source = Source::parse(text).map_err(|error| format!("{file}: {error}"))?;
            let Some((own, above)) = place.split_last() else {
                let at = self.module(file, None, source);
                self.crates.insert(name.to_owned(), at);
                continue;
            };
            let top = self.crates.get(name).copied();
            let parent = above.iter().fold(top, |at, part| {
                self.modules[at?].children.get(*part).copied()
            });
            let Some(parent) = parent else {
                return Err(format!("{file}: no module declares it"));
            };
            let at = self.module(file, Some(parent), source);
            let above = &self.modules[parent];
            let of_tests = above.of_tests || above.source.test_files.iter().any(|name| name == own);
            self.modules[at].of_tests = of_tests;
            self.modules[parent].children.insert((*own).to_owned(), at);
        }
        Ok(())
    }

    fn module(&mut self, file: &str, parent: Option<usize>, mut source: Source) -> usize {
        let inner = std::mem::take(&mut source.modules);
        let at = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            source,
            ..Module::default()
        });
        for (name, source) in inner {
            let child = self.module(file, Some(at), source);
            self.modules[at].children.insert(name, child);
        }
        at
    }

    /// Which file needs which.
    pub(crate) fn needs(&self) -> BTreeSet<Need> {
        let mut needs = BTreeSet::new();
        for (at, module) in self.modules.iter().enumerate() {
            if module.of_tests {
                continue;
            }
            let mut need = |to: usize, path: String| {
                let (from, to) = (module.file.clone(), self.modules[to].file.clone());
                if from != to {
                    needs.insert(Need { from, to, path });
                }
            };
            for path in &module.source.mentions {
                for meaning in self.follow(at, path, &mut BTreeSet::new()) {
                    if let Meaning::Item(to) = meaning {
                        need(to, path.join("::"));
                    }
                }
            }
            for row in &module.source.rows {
                if let Some(child) = module.children.get(row) {
                    need(*child, format!("row `{row}`"));
                }
            }
        }
        needs
    }

    /// What the path stands for where it begins in `module`; several things where a name is a module and a function.
    fn follow(&self, module: usize, path: &[String], seen: &mut Seen) -> BTreeSet<Meaning> {
        let Some((first, rest)) = path.split_first() else {
            return BTreeSet::from([Meaning::Module(module)]);
        };
        let begin = match first.as_str() {
            "crate" => Some(self.root(module)),
            "self" => Some(module),
            "super" => self.modules[module].parent,
            _ => None,
        };
        let begin = match begin {
            Some(begin) => BTreeSet::from([Meaning::Module(begin)]),
            None => {
                let here = self.named(module, first, seen);
                let of_crate = self.crates.get(first).map(|root| Meaning::Module(*root));
                if here.is_empty() {
                    of_crate.into_iter().collect()
                } else {
                    here
                }
            }
        };
        rest.iter().fold(begin, |mut meanings, name| {
            // What more names follow is a module, and no function that is called as it is.
            let is_module = |meaning: &Meaning| matches!(meaning, Meaning::Module(_));
            if meanings.iter().any(is_module) {
                meanings.retain(is_module);
            }
            meanings
                .into_iter()
                .flat_map(|meaning| match meaning {
                    Meaning::Module(at) if name == "super" => self.modules[at]
                        .parent
                        .map(Meaning::Module)
                        .into_iter()
                        .collect(),
                    Meaning::Module(at) => {
                        let found = self.named(at, name, seen);
                        // What a macro makes stands where the macro is called.
                        let made = found.is_empty() && !self.modules[at].source.rows.is_empty();
                        if made {
                            BTreeSet::from([Meaning::Item(at)])
                        } else {
                            found
                        }
                    }
                    other => BTreeSet::from([other]),
                })
                .collect()
        })
    }

    /// What the name stands for in the module.
    fn named(&self, at: usize, name: &str, seen: &mut Seen) -> BTreeSet<Meaning> {
        let mut found = BTreeSet::new();
        // Two modules may import everything of each other.
        if !seen.insert((at, name.to_owned())) {
            return found;
        }
        let module = &self.modules[at];
        found.extend(
            module
                .children
                .get(name)
                .map(|child| Meaning::Module(*child)),
        );
        if module.source.items.iter().any(|item| item == name) {
            found.insert(Meaning::Item(at));
        }
        for (_, path) in module.source.imports.iter().filter(|(own, _)| own == name) {
            let leads = self.follow(at, path, seen);
            found.extend(if leads.is_empty() {
                BTreeSet::from([Meaning::Foreign])
            } else {
                leads
            });
        }
        if found.is_empty() {
            for path in &module.source.globs {
                for meaning in self.follow(at, path, seen) {
                    if let Meaning::Module(other) = meaning {
                        found.extend(self.named(other, name, seen));
                    }
                }
            }
        }
        seen.remove(&(at, name.to_owned()));
        found
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }
}

/// Which names are being followed, and in which module.
type Seen = BTreeSet<(usize, String)>;
