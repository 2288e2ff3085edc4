//! A scenario with everything that it reads, in another folder: what is left of it when its own is gone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use super::load::FILE_NAME;

/// Keys whose value is a file or folder beside the scenario's file.
const PATHS: [&str; 7] = [
    "networkd",
    "units",
    "files",
    "nftables",
    "iptables",
    "ip6tables",
    "file",
];

/// The key of a folder whose links are a guest's, and point to its files.
const OF_A_GUEST: &str = "files";

/// Copies the scenario of `path`, a valid one, into the folder `to`, with the files and folders that it names, at the
/// places that they have to each other. Returns where its file is now.
///
/// # Errors
/// What could not be read or written, with its path.
pub fn copy(path: &Path, to: &Path) -> io::Result<PathBuf> {
    let path = fs::canonicalize(path).map_err(named(path))?;
    let path = match path.is_dir() {
        true => path.join(FILE_NAME),
        false => path,
    };
    let text = fs::read_to_string(&path).map_err(named(&path))?;
    let tree: Table = text.parse().map_err(io::Error::other)?;
    let own = path.parent().unwrap_or(Path::new("/"));
    let mut found = BTreeSet::new();
    references(&tree, &mut found);
    let there = found.iter().filter_map(|(key, value)| {
        let whole = normal(&own.join(value));
        whole.exists().then_some((key.as_str(), whole))
    });
    let there: Vec<(&str, PathBuf)> = there.collect();
    // A scenario is called after its folder, so that is among what is copied.
    let mut root = match path.file_name().is_some_and(|name| name == FILE_NAME) {
        true => own.parent().unwrap_or(own),
        false => own,
    };
    while !there.iter().all(|(_, one)| one.starts_with(root)) {
        root = root.parent().unwrap_or(Path::new("/"));
    }
    let place = |one: &Path| to.join(one.strip_prefix(root).unwrap_or(one));
    for (key, one) in &there {
        copy_one(one, &place(one), *key == OF_A_GUEST)?;
        for include in includes(key, one) {
            copy_one(&include, &place(&include), false)?;
        }
    }
    let file = place(&path);
    let folder = file.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(named(folder))?;
    fs::write(&file, &text).map_err(named(&file))?;
    Ok(file)
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("`{path}`: {error}"))
}

/// Keys and values of [`PATHS`] anywhere in the file, its variants included.
fn references(table: &Table, found: &mut BTreeSet<(String, String)>) {
    for (key, value) in table {
        match value {
            Value::String(text) if PATHS.contains(&key.as_str()) && is_beside(text) => {
                found.insert((key.clone(), text.clone()));
            }
            Value::Table(inner) => references(inner, found),
            Value::Array(items) => {
                let tables = items.iter().filter_map(Value::as_table);
                tables.for_each(|inner| references(inner, found));
            }
            _ => {}
        }
    }
}

fn is_beside(text: &str) -> bool {
    !text.is_empty() && !Path::new(text).is_absolute()
}

/// Files that a ruleset of nft(8) includes, of those beside it.
fn includes(key: &str, ruleset: &Path) -> Vec<PathBuf> {
    if key != "nftables" {
        return Vec::new();
    }
    let (Ok(text), Some(folder)) = (fs::read_to_string(ruleset), ruleset.parent()) else {
        return Vec::new();
    };
    let lines = text.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("include")?;
        let name = name.trim().trim_matches(['"', '\'']);
        let path = normal(&folder.join(name));
        (path.starts_with(folder) && path.is_file()).then_some(path)
    });
    lines.collect()
}

/// Without `.` and `..`, by the words alone: links are followed when it is read, as by the reader of scenarios.
fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            other => whole.push(other),
        }
    }
    whole
}

fn copy_one(from: &Path, to: &Path, links: bool) -> io::Result<()> {
    let about = fs::symlink_metadata(from).map_err(named(from))?;
    let target = fs::metadata(from);
    if about.is_symlink() {
        let whole = target
            .as_ref()
            .is_ok_and(|target| target.is_file() || target.is_dir());
        if links || !whole {
            // A unit that is masked by a link to /dev/null, or a link of the guest's.
            let points = fs::read_link(from).map_err(named(from))?;
            parent(to)?;
            return match symlink(points, to) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(named(to)(error)),
                _ => Ok(()),
            };
        }
    }
    let about = target.map_err(named(from))?;
    if about.is_dir() {
        fs::create_dir_all(to).map_err(named(to))?;
        for entry in fs::read_dir(from).map_err(named(from))? {
            let entry = entry.map_err(named(from))?;
            copy_one(&entry.path(), &to.join(entry.file_name()), links)?;
        }
    } else if about.is_file() {
        parent(to)?;
        fs::copy(from, to).map_err(named(from))?;
    }
    // A pipe or a device is nothing that a scenario reads.
    Ok(())
}

fn parent(to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(named(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;
    use crate::scenario::shape::{FILE, Kind, Shape};

    /// Keys of paths in a table and in those below it.
    fn keys<'s>(shape: &'s Shape, seen: &mut Vec<&'static str>, found: &mut BTreeSet<&'s str>) {
        if seen.contains(&shape.what) {
            return;
        }
        seen.push(shape.what);
        for key in shape.keys {
            let mut kind = &key.kind;
            while let Kind::List(inner) | Kind::Map(inner) = kind {
                kind = inner;
            }
            match kind {
                Kind::Like("path", _) => drop(found.insert(key.name)),
                Kind::Table(inner)
                | Kind::Matrix(inner)
                | Kind::TextOr(inner)
                | Kind::ById(inner) => keys(inner, seen, found),
                _ => {}
            }
        }
        for one in shape.one_of {
            keys(one, seen, found);
        }
    }

    #[test]
    fn every_key_of_a_path_is_known_here() {
        let mut found = BTreeSet::new();
        keys(&FILE, &mut Vec::new(), &mut found);
        assert_eq!(found, BTreeSet::from(PATHS));
    }

    #[test]
    fn a_copy_is_the_same_scenario_without_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            parent(&at(name)).expect("a folder");
            fs::write(at(name), text).expect("a file");
        };
        write("all/base/host/10-a.network", "[Match]\nName=eno1\n");
        write(
            "all/one/scenario.toml",
            "version = 1\nsummary = 's'\n[machines.host]\nnetworkd = '../base/host'\nnftables = 'rules/a.nft'\n\
             [variants.red.machines.host]\nnetworkd = 'red'\n",
        );
        write("all/one/red/10-a.network", "[Match]\nName=eno2\n");
        write("all/one/rules/a.nft", "include \"b.nft\"\n");
        write("all/one/rules/b.nft", "table inet f {}\n");
        write("all/one/notes", "of nobody's concern");
        symlink("/dev/null", at("all/one/red/20-b.network")).expect("a link");
        let to = at("copy");
        let file = copy(&at("all/one"), &to).expect("a copy");
        assert_eq!(file, at("copy/one/scenario.toml"));
        let told = |path: &Path| load(path).map(|loaded| loaded.name().to_owned()).ok();
        assert_eq!(told(&at("all/one")), told(&file));
        for there in [
            "base/host/10-a.network",
            "one/red/10-a.network",
            "one/rules/b.nft",
        ] {
            assert!(to.join(there).is_file(), "{there}");
        }
        assert!(!to.join("one/notes").exists());
        let masked = fs::read_link(to.join("one/red/20-b.network")).expect("a link");
        assert_eq!(masked, Path::new("/dev/null"));
    }
}
