//! `bridgelab new`: a scenario to start from.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::names::CheckId;

use crate::commands::root;
use crate::output::say;

const SCENARIO: &str = include_str!("scenario.toml");

/// The unit files of microvm.nix's page.
const UNITS: [(&str, &str); 4] = [
    (
        "host/br0.netdev",
        include_str!("../../scenarios/simple-network/host/br0.netdev"),
    ),
    (
        "host/10-lan.network",
        include_str!("../../scenarios/simple-network/host/10-lan.network"),
    ),
    (
        "host/10-lan-bridge.network",
        include_str!("../../scenarios/simple-network/host/10-lan-bridge.network"),
    ),
    (
        "guest/20-lan.network",
        include_str!("../../scenarios/simple-network/guest/20-lan.network"),
    ),
];

/// Writes a scenario into a new folder and says what to do with it.
pub(crate) fn new(name: &str) -> i32 {
    let folder = match place(name) {
        Ok(folder) => folder,
        Err(help) => {
            complain(&format!("`{name}` is not the name of a scenario"), &help);
            return exit_code::INVALID;
        }
    };
    let file = folder.with_extension("toml");
    if file.exists() {
        let help = "choose another name, or take it away first";
        complain(&format!("there is `{}` already", file.display()), help);
        return exit_code::INVALID;
    }
    match write(&folder) {
        Ok(()) => {
            let shown = folder.display();
            say(&format!(
                "{shown}: written\n  bridgelab check {name}\n  bridgelab run {name} --all-variants"
            ));
            exit_code::PASSED
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let help = "choose another name, or take it away first";
            complain(&format!("there is `{}` already", folder.display()), help);
            exit_code::INVALID
        }
        Err(error) => {
            let help = "scenarios are written below `scenarios/`; a path that begins with `./` goes where it says";
            complain(&format!("write `{}`: {error}", folder.display()), help);
            exit_code::BROKEN
        }
    }
}

fn complain(text: &str, help: &str) {
    let _ = writeln!(anstream::stderr(), "error: {text}\nhelp: {help}");
}

/// The folder of a new scenario: below `scenarios/`, or the path that was given.
fn place(name: &str) -> Result<PathBuf, String> {
    let path = Path::new(name);
    if path.is_absolute() || name.starts_with("./") || name.starts_with("../") {
        return match path.file_name() {
            Some(_) => Ok(path.to_owned()),
            None => Err("a path ends in the scenario's name".to_owned()),
        };
    }
    for part in name.split('/') {
        // Names of tests and folders are made of these parts, so they have the characters of ids and need no quotes.
        if let Err(error) = CheckId::try_from(part) {
            return Err(error
                .to_string()
                .replace("check id", "each part of the name"));
        }
    }
    if name.split('/').next() == Some("invalid") {
        return Err("`scenarios/invalid` is for files that must be rejected".to_owned());
    }
    Ok(root().join("scenarios").join(name))
}

/// Writes the files, and replaces none that exists.
fn write(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::create_dir(folder)?;
    for (name, text) in UNITS {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    let hint = schema_above(folder).map(|path| format!("#:schema {path}\n"));
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let text = hint.unwrap_or_default() + &SCENARIO.replace(" NAME ", &format!(" {name} "));
    // Write the scenario last: a folder that has one is then complete.
    fs::write(folder.join("scenario.toml"), text)
}

/// The nearest `schema.json` above a folder, relative to it.
fn schema_above(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let up = folder
        .ancestors()
        .skip(1)
        .take(4)
        .position(|above| above.join("schema.json").is_file())?;
    Some("../".repeat(up + 1) + "schema.json")
}
