//! Copies a scenario, with every file that it reads, into another folder, so that the copy outlives the original.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use crate::scenario::{Beneath, EntryKind, FILE_NAME, Unread, file_of, references};

/// The key of a guest's folder of files. Links in it are meant for the guest, so they are copied as links.
const OF_A_GUEST: &str = "files";
/// More bytes than any file of a valid scenario has.
pub(super) const LARGEST: u64 = 64 << 20;

/// Copies a valid scenario into the folder `to`: its file, whose text is `text`, and the files and folders that it names, at
/// the same places relative to each other. Returns the path of the copied file. The folder `to` must be called `scenarios`,
/// because files of a library may name each other.
///
/// # Errors
/// What could not be read or written, with its path.
pub fn copy_scenario(path: &Path, text: &str, to: &Path) -> io::Result<PathBuf> {
    let file = file_of(path);
    let here = Beneath::of(&file);
    let name = Path::new(file.file_name().unwrap_or_default());
    let own = here.folder();
    // From here on, paths are relative to the root.
    let files = Beneath::at(here.root(), Path::new(""));
    let there = named(&here, &files, text)?;
    // A scenario's name is that of its folder, so the folder is copied too.
    let mut top = match name == Path::new(FILE_NAME) {
        true => own.parent().unwrap_or(&own),
        false => &own,
    };
    while !there
        .iter()
        .all(|(_, one)| here.root().join(one).starts_with(top))
    {
        top = top.parent().unwrap_or(Path::new("/"));
    }
    let place = |whole: &Path| to.join(whole.strip_prefix(top).unwrap_or(whole));
    for (key, one) in &there {
        copy_one(
            &files,
            one,
            &place(&here.root().join(one)),
            key == OF_A_GUEST,
        )?;
    }
    let copied = place(&own.join(name));
    parent(&copied)?;
    fs::write(&copied, text).map_err(failed(&copied))?;
    Ok(copied)
}

/// The files and folders that a scenario of that text names, with their keys: those that exist, by their paths relative to the
/// root of `here`. `files` has the same root.
///
/// # Errors
/// The text is no TOML.
pub(super) fn named(
    here: &Beneath,
    files: &Beneath,
    text: &str,
) -> io::Result<Vec<(String, PathBuf)>> {
    let own = here.folder();
    let inner = |whole: &Path| whole.strip_prefix(here.root()).map(Path::to_owned).ok();
    let named = references(text).map_err(io::Error::other)?;
    let there = named.into_iter().filter_map(|(key, value)| {
        let inner = inner(&normal(&own.join(value)))?;
        files.kind(&inner).is_ok().then_some((key, inner))
    });
    Ok(there.collect())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("`{path}`: {error}"))
}

pub(super) fn unread(path: &Path) -> impl FnOnce(Unread) -> io::Error {
    let path = path.to_owned();
    move |unread| failed(&path)(unread.into_io("file", &path.to_string_lossy()))
}

/// Removes `.` and `..` by the words alone. Links are followed later, when the file is read, as the reader of scenarios does.
pub fn normal(path: &Path) -> PathBuf {
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

/// Copies a file, folder or link. With `links`, a link is copied as a link. Without, a copy of what it leads to takes its
/// place, unless it leads out of the root or nowhere: then the link itself is copied, since networkd takes it for a mask of
/// the unit.
fn copy_one(files: &Beneath, from: &Path, to: &Path, links: bool) -> io::Result<()> {
    match files.kind(from).map_err(unread(from))? {
        EntryKind::Folder => copy_folder(files, from, to, links),
        EntryKind::File { .. } => {
            let file = files.open_file(from, LARGEST).map_err(unread(from))?;
            copy_file(file, to)
        }
        EntryKind::Link if !links && files.folder_id(from).is_some() => {
            copy_folder(files, from, to, links)
        }
        EntryKind::Link => match files.open_file(from, LARGEST) {
            Ok(file) if !links => copy_file(file, to),
            _ => {
                let points = files.link(from).map_err(unread(from))?;
                parent(to)?;
                match symlink(points, to) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        Err(failed(to)(error))
                    }
                    _ => Ok(()),
                }
            }
        },
        // A scenario reads no pipes or devices.
        EntryKind::Other => Ok(()),
    }
}

fn copy_folder(files: &Beneath, from: &Path, to: &Path, links: bool) -> io::Result<()> {
    fs::create_dir_all(to).map_err(failed(to))?;
    for name in files.list(from).map_err(unread(from))?.iter() {
        copy_one(files, &from.join(name), &to.join(name), links)?;
    }
    Ok(())
}

fn copy_file(mut from: File, to: &Path) -> io::Result<()> {
    parent(to)?;
    let mode = from.metadata()?.permissions();
    let mut file = File::create(to).map_err(failed(to))?;
    io::copy(&mut from, &mut file).map_err(failed(to))?;
    file.set_permissions(mode).map_err(failed(to))
}

fn parent(to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(failed(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    #[test]
    fn a_copy_is_the_same_scenario_without_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            parent(&at(name)).expect("a folder");
            fs::write(at(name), text).expect("a file");
        };
        write("scenarios/base/host/10-a.network", "[Match]\nName=eno1\n");
        let text = "version = 1\nsummary = 's'\n[machines.host]\nnetworkd = '../base/host'\nnftables = 'rules/a.nft'\n\
             [variants.red.machines.host]\nnetworkd = 'red'\n";
        write("scenarios/one/scenario.toml", text);
        write("scenarios/one/red/10-a.network", "[Match]\nName=eno2\n");
        write("scenarios/one/rules/a.nft", "table inet g {}\n");
        write("scenarios/one/notes", "of nobody's concern");
        symlink("/dev/null", at("scenarios/one/red/20-b.network")).expect("a link");
        let to = at("evidence/scenarios");
        let file = copy_scenario(&at("scenarios/one"), text, &to).expect("a copy");
        assert_eq!(file, at("evidence/scenarios/one/scenario.toml"));
        let told = |path: &Path| load(path).map(|loaded| loaded.name().to_owned()).ok();
        assert_eq!(told(&at("scenarios/one")), told(&file));
        for there in [
            "base/host/10-a.network",
            "one/red/10-a.network",
            "one/rules/a.nft",
        ] {
            assert!(to.join(there).is_file(), "{there}");
        }
        assert!(!to.join("one/notes").exists());
        let masked = fs::read_link(to.join("one/red/20-b.network")).expect("a link");
        assert_eq!(masked, Path::new("/dev/null"));
    }
}
