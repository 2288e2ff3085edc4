//! The files of a scenario's green form, and copies of it in which one of them is changed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bridgelab_harness::lab;
use bridgelab_harness::networkd::Taken;
use bridgelab_harness::scenario::mutation::{Role, TextFile, green_only};
use bridgelab_harness::scenario::{FILE_NAME, Scenario, references};

/// The folder that copies lie in: files of a library may name each other only below such a one.
const LIBRARY: &str = "scenarios";

/// A scenario without its variants, and its files as they are mutated.
#[derive(Debug)]
pub(crate) struct Green {
    /// The scenario's file in the copy.
    pub(crate) path: PathBuf,
    /// Its text.
    text: String,
}

impl Green {
    /// Copies the scenario of that file, whose text is `text`, into `folder`.
    ///
    /// # Errors
    /// What could not be read or written.
    pub(super) fn copied(path: &Path, text: &str, folder: &Path) -> io::Result<Self> {
        let text = green_only(text);
        let path = lab::copy_scenario(path, &text, &folder.join(LIBRARY))?;
        Ok(Self { path, text })
    }

    /// The files that the form uses, the scenario's own one first. What is no text is left out.
    ///
    /// # Errors
    /// What could not be read.
    pub(super) fn files(&self, form: &Scenario) -> io::Result<Vec<TextFile>> {
        let own = self.path.parent().unwrap_or(Path::new(""));
        let name = self
            .path
            .file_name()
            .map_or_else(|| PathBuf::from(FILE_NAME), PathBuf::from);
        let mut found = vec![TextFile {
            path: name,
            role: Role::Scenario,
            text: self.text.clone(),
        }];
        let used = used_units(form);
        let mut seen = BTreeSet::new();
        for (key, value) in references(&self.text).map_err(io::Error::other)? {
            let role = match key.as_str() {
                "networkd" | "units" => Role::Unit,
                "nftables" | "iptables" | "ip6tables" => Role::Ruleset,
                "files" => Role::GuestFile,
                _ => continue,
            };
            let mut below = Vec::new();
            walk(&own.join(&value), Path::new(&value), &mut below)?;
            below.sort();
            for path in below {
                let whole = own.join(&path);
                let unit = path.strip_prefix(&value).unwrap_or(&path);
                if role == Role::Unit && !is_unit(unit) || !seen.insert(whole.canonicalize()?) {
                    continue;
                }
                let Ok(text) = String::from_utf8(fs::read(&whole)?) else {
                    continue;
                };
                let is_used = used.contains(&(
                    unit.to_string_lossy().into_owned(),
                    text.clone().into_bytes(),
                ));
                if role != Role::Unit || is_used {
                    found.push(TextFile { path, role, text });
                }
            }
        }
        Ok(found)
    }

    /// Copies the scenario into `folder`. Returns the scenario's file there.
    ///
    /// # Errors
    /// What could not be read or written.
    pub(super) fn copy(&self, folder: &Path) -> io::Result<PathBuf> {
        lab::copy_scenario(&self.path, &self.text, &folder.join(LIBRARY))
    }
}

/// Names and contents of the unit files of a form. A folder may have more of them: those that the form leaves out.
fn used_units(form: &Scenario) -> BTreeSet<(String, Vec<u8>)> {
    let machines = form
        .machines
        .values()
        .flat_map(|it| it.networkd.iter().flatten());
    let guests = form.guests.values().flat_map(|it| &it.units);
    let units = machines.chain(guests);
    units
        .map(|unit| (unit.name.clone(), unit.bytes.to_vec()))
        .collect()
}

/// Whether networkd takes that file of its folder for a unit or a drop-in.
fn is_unit(path: &Path) -> bool {
    let mut names = path.iter().map(|name| Taken::of(&name.to_string_lossy()));
    match (names.next(), names.next()) {
        (Some(Taken::Unit), None) => true,
        (Some(Taken::DropIns), Some(_)) => path.extension().is_some_and(|it| it == "conf"),
        _ => false,
    }
}

/// The plain files at and below a path, by their paths from `shown`. Links are none: they mask units.
fn walk(path: &Path, shown: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let kind = path.symlink_metadata()?;
    if kind.is_file() {
        found.push(shown.to_owned());
    } else if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name();
            walk(&path.join(&name), &shown.join(&name), found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::corpus::Corpus;
    use crate::mutate::frozen::Frozen;
    use bridgelab_harness::scenario::mutation::{Change, Mutant, Texts, all, chosen, mutants};
    use bridgelab_harness::scenario::{load, scenario_names};

    /// All mutants of a scenario of the library, and its files.
    fn of(path: &Path, folder: &Path) -> (Vec<Mutant>, Vec<TextFile>) {
        let loaded = load(path).expect("a scenario");
        let green = Green::copied(path, loaded.text(), folder).expect("a copy");
        let loaded = load(&green.path).expect("without its variants it is a scenario");
        let form = loaded.forms().next().expect("a form");
        let files = green.files(form).expect("files");
        let operators: Vec<_> = all().collect();
        let texts = Texts {
            files: &files,
            form,
        };
        (mutants(&operators, texts), files)
    }

    /// An operator that finds no place in the whole library is dead, and nobody knows whether it does what it says.
    #[test]
    fn each_operator_has_a_mutant_in_the_library_and_each_mutant_is_one_change() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut idle: BTreeSet<&str> = all().map(|one| one.name).collect();
        let mut count = 0;
        for name in scenario_names(root).expect("scenarios") {
            let folder = tempfile::tempdir().expect("a folder");
            let (mutants, files) = of(&name.path, folder.path());
            let mut ids = BTreeSet::new();
            for mutant in &mutants {
                idle.remove(mutant.operator.name);
                assert!(ids.insert(&mutant.id), "{}: {} twice", name.name, mutant.id);
                let file = files
                    .iter()
                    .find(|file| file.path == mutant.file)
                    .expect("a file");
                let changed = mutant.change.applied(&file.text);
                let frozen = Frozen::of(mutant, &file.text);
                let again = frozen.applied(&file.text).expect("it is not stale");
                assert_eq!(again.text, changed, "{}", mutant.id);
                assert_eq!(again.named, mutant.place, "{}", mutant.id);
                match changed {
                    None => assert_eq!(mutant.change, Change::Remove, "{}", mutant.id),
                    Some(text) => {
                        assert_ne!(text, file.text, "{}", mutant.id);
                        assert_ne!(mutant.before, mutant.after, "{}", mutant.id);
                        let lines = text.lines().count();
                        assert!(
                            mutant.place.start >= 1 && mutant.place.end <= lines + 2,
                            "{}: {:?} of {lines}",
                            mutant.id,
                            mutant.place
                        );
                    }
                }
            }
            count += mutants.len();
        }
        assert!(idle.is_empty(), "no place in the library for {idle:?}");
        assert!(count > 2000, "{count}");
    }

    #[test]
    fn the_seed_decides_which_and_operators_take_turns() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("scenarios/simple-network");
        let folders = [
            tempfile::tempdir().expect("a folder"),
            tempfile::tempdir().expect("a folder"),
        ];
        let [one, other] = folders.each_ref().map(|folder| of(&path, folder.path()).0);
        let ids = |mutants: Vec<Mutant>| -> Vec<String> {
            mutants.into_iter().map(|one| one.id).collect()
        };
        let drawn = |seed| ids(chosen(one.clone(), 20, seed));
        assert_eq!(
            drawn(1),
            ids(chosen(other.clone(), 20, 1)),
            "whatever the folder"
        );
        assert_ne!(drawn(1), drawn(2));
        // The first of them are the beginning of more of them.
        assert_eq!(drawn(1)[..10], ids(chosen(one.clone(), 10, 1))[..]);
        let few = chosen(one.clone(), 20, 1);
        let operators: BTreeSet<&str> = few.iter().map(|one| one.operator.name).collect();
        assert_eq!(operators.len(), 20, "one of each before a second of any");
        let whole: BTreeSet<String> = ids(chosen(one.clone(), usize::MAX, 1))
            .into_iter()
            .collect();
        assert_eq!(whole, ids(one).into_iter().collect());
    }

    #[test]
    fn a_mutant_is_what_it_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().expect("a folder");
        let (mutants, files) = of(&root.join("scenarios/simple-network"), folder.path());
        let nic = r#"interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]"#;
        let other = nic.replace("vm-", "wm-");
        for (id, before, after, place) in [
            (
                "unit.delete-line@host/br0.netdev:2:1",
                "Kind=bridge",
                "",
                1..3,
            ),
            (
                "unit.match-name-character@host/10-lan.network:3:6",
                "Name=vm-*",
                "Name=vn-*",
                3..4,
            ),
            (
                "bridge.port-isolated@host/10-lan.network:8:1",
                "",
                "[Bridge]\nIsolated=yes",
                8..10,
            ),
            ("nic.tap-name@scenario.toml:28:36", nic, &other, 28..29),
        ] {
            let known: Vec<&str> = mutants.iter().map(|one| one.id.as_str()).collect();
            let mutant = mutants.iter().find(|one| one.id == id);
            let mutant = mutant.unwrap_or_else(|| unreachable!("{id} is none of {known:#?}"));
            let change = (mutant.before.as_str(), mutant.after.as_str());
            assert_eq!(change, (before, after), "{id}");
            assert_eq!(mutant.place, place, "{id}");
        }
        let variants = files[0]
            .text
            .lines()
            .filter(|line| line.starts_with("[variants"));
        assert_eq!(variants.count(), 0);
    }

    /// What is stale is told by the measurement, too; here, so that whoever changes a scenario of the corpus hears of it in time.
    #[test]
    fn the_corpus_is_of_the_scenarios_as_they_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(root.join("harness/bench/diagnosis.toml"));
        let corpus = Corpus::read(&text.expect("a corpus")).expect("it is read");
        let (mut singles, mut doubles, mut stale) = (0, 0, Vec::new());
        for (name, of) in &corpus.scenarios {
            let folder = tempfile::tempdir().expect("a folder");
            let path = root.join("scenarios").join(name);
            let loaded = load(&path).expect("a scenario");
            let green = Green::copied(&path, loaded.text(), folder.path()).expect("a copy");
            let own = green.path.parent().expect("a folder");
            singles += of.single.len();
            doubles += of.double.len();
            for one in of.single.iter().chain(of.double.iter().flatten()) {
                let text = fs::read_to_string(own.join(&one.file));
                let text = text.map_err(|error| error.to_string());
                if let Err(why) = text.and_then(|text| one.applied(&text)) {
                    stale.push(format!("{name}: {}: {why}", one.id()));
                }
            }
        }
        assert!(corpus.scenarios.len() >= 12, "{}", corpus.scenarios.len());
        assert!(singles >= 1000 && doubles >= 50, "{singles}, {doubles}");
        let help = "freeze the corpus anew, as harness/docs/mutation.md says";
        assert!(stale.len() * 20 < singles, "{help}: {stale:#?}");
    }
}
