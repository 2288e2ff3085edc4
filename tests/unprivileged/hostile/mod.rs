//! A stranger's folder can do no harm: inputs that were made to do harm, each with its right ending. `check` and `list` need
//! no rights and no network, and read everything that a run reads.
//!
//! git can hold neither a FIFO nor a socket nor a file of 20 GiB. So each is made here, beside the words of its ending, and
//! given to the program itself, which has a minute and little memory.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; the lints know only the test functions themselves"
)]

mod bytes;
mod linear;
mod programs;
mod words;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// Much time: a hostile input is refused within milliseconds on an idle machine, and within seconds on a busy one.
const PATIENCE: Duration = Duration::from_secs(60);
/// Address space in KiB. The program alone takes a fifth of this.
const MEMORY: &str = "400000";
/// A line of a file that no scenario may read.
const SECRET: &str = "root:5ecret-0f-the-mach1ne:";

/// Runs the program on a library of scenarios.
fn bridgelab(root: &Path, args: &[&str]) -> (Option<i32>, String) {
    let began = Instant::now();
    let limited = format!("ulimit -v {MEMORY}; exec \"$@\"");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("sh")
        .args(["-c", &limited, "sh", support::program()])
        .args(args)
        .current_dir(root)
        .env("BRIDGELAB_ROOT", root)
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(
        began.elapsed() < PATIENCE,
        "{args:?} took {:?}",
        began.elapsed()
    );
    let said = [stdout, stderr].concat();
    let said = String::from_utf8(said).unwrap_or_else(|error| panic!("{args:?}: {error}"));
    (status.code(), said)
}

/// A library with the scenario `evil`, and a secret beside the library.
fn library(scenario: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let evil = root.path().join("scenarios/evil");
    fs::create_dir_all(evil.join("host")).unwrap();
    fs::write(root.path().join("secret"), format!("{SECRET}\n")).unwrap();
    fs::create_dir(root.path().join("private")).unwrap();
    fs::write(root.path().join("private/a.network"), format!("{SECRET}\n")).unwrap();
    fs::write(
        evil.join("host/br0.netdev"),
        "[NetDev]\nName=br0\nKind=bridge\n",
    )
    .unwrap();
    fs::write(evil.join("scenario.toml"), scenario).unwrap();
    root
}

/// A scenario with this path as the value of `key`.
fn naming(key: &str, path: &str) -> String {
    let head = "version = 1\nsummary = 'evil'\n";
    let guest =
        "[guests.g]\ninterfaces = [{ type = 'tap', id = 'vm-g', mac = '02:00:00:00:00:01' }]\n";
    let check = "[[checks]]\nid = 'up'\nfrom = 'desktop'\nping = { to = '192.168.1.1' }\n";
    match key {
        "units" | "files" => format!("{head}{guest}{key} = '{path}'\n{check}"),
        "write_unit" => format!(
            "{head}machines.host.networkd = 'host'\n{guest}{check}\
             [[steps]]\nid = 's'\nwrite_unit = {{ on = 'host', file = '{path}', name = 'a.network' }}\n"
        ),
        _ => format!("{head}machines.host.{key} = '{path}'\n{guest}{check}"),
    }
}

/// Every key that names a file, and every key that names a folder.
const FILES: [&str; 4] = ["nftables", "iptables", "ip6tables", "write_unit"];
const FOLDERS: [&str; 3] = ["networkd", "units", "files"];

/// Fails unless the scenario `evil` in `root` is refused with these words, and nothing of the secret is printed.
fn refused(what: &str, root: &Path, words: &str) {
    let (code, said) = bridgelab(root, &["check", "evil"]);
    assert_eq!(code, Some(2), "{what}: {said}");
    assert!(
        said.contains(words),
        "{what}: expected {words:?} in\n{said}"
    );
    assert!(!said.contains(SECRET), "{what}: {said}");
}

#[test]
fn no_path_leads_out_of_the_scenarios() {
    let out = "leads out of the folder `scenarios`";
    for key in FILES {
        let root = library(&naming(key, "../../secret"));
        refused(key, root.path(), out);
        let evil = root.path().join("scenarios/evil");
        for target in [
            "../../secret",
            "/etc/passwd",
            "/proc/self/root/etc/passwd",
            "/dev/zero",
        ] {
            let root = library(&naming(key, "link.network"));
            symlink(target, root.path().join("scenarios/evil/link.network")).unwrap();
            refused(&format!("{key} by a link to {target}"), root.path(), out);
        }
        symlink("../../private", evil.join("way")).unwrap();
        fs::write(evil.join("scenario.toml"), naming(key, "way/a.network")).unwrap();
        refused(&format!("{key} through a folder"), root.path(), out);
    }
    for key in FOLDERS {
        refused(key, library(&naming(key, "../../private")).path(), out);
        let root = library(&naming(key, "way"));
        let evil = root.path().join("scenarios/evil");
        symlink("../../private", evil.join("way")).unwrap();
        refused(&format!("{key} by a link"), root.path(), out);
        let absolute = library(&naming(key, "/etc"));
        refused(key, absolute.path(), "is an absolute path");
    }
    for key in ["networkd", "units"] {
        let root = library(&naming(key, "host"));
        let host = root.path().join("scenarios/evil/host");
        symlink("../../../secret", host.join("a.network")).unwrap();
        refused(&format!("{key}: a unit by a link"), root.path(), out);
    }
    // The scenario's file itself, of whose faults lines are printed.
    let root = library("");
    let file = root.path().join("scenarios/evil/scenario.toml");
    fs::remove_file(&file).unwrap();
    symlink("../../secret", &file).unwrap();
    refused("the scenario itself", root.path(), out);
    let own = root.path().join("own.toml");
    symlink("secret", &own).unwrap();
    let (code, said) = bridgelab(root.path(), &["check", "own.toml"]);
    assert!(code == Some(2) && said.contains("error["), "{said}");
}

#[test]
fn what_lies_beside_a_scenario_of_its_own_is_read_and_no_more() {
    let root = library("");
    let mine = root.path().join("mine");
    fs::create_dir_all(mine.join("net")).unwrap();
    fs::write(mine.join("net/a.nft"), "table ip a { }\n").unwrap();
    symlink("net/a.nft", mine.join("link.nft")).unwrap();
    for (path, right) in [
        ("net/a.nft", true),
        ("net/../net/a.nft", true),
        ("link.nft", true),
        ("../secret", false),
        ("../mine/net/a.nft", false),
    ] {
        fs::write(mine.join("a.toml"), naming("nftables", path)).unwrap();
        let (code, said) = bridgelab(&mine, &["check", "./a.toml"]);
        assert_eq!(code, Some(if right { 0 } else { 2 }), "{path}: {said}");
        assert!(
            right || said.contains("leads out of the folder `mine`"),
            "{said}"
        );
    }
    // Scenarios of a library may use each other's files.
    let other = root.path().join("scenarios/other");
    fs::create_dir(&other).unwrap();
    fs::write(
        other.join("scenario.toml"),
        naming("networkd", "../evil/host"),
    )
    .unwrap();
    let (code, said) = bridgelab(root.path(), &["check", "other"]);
    assert_eq!(code, Some(0), "{said}");
}

/// Function that makes something which is no file of a scenario.
type Made = fn(&Path);

fn sparse(path: &Path) {
    fs::File::create(path).unwrap().set_len(20 << 30).unwrap();
}

const MADE: [(&str, Made, &str); 5] = [
    (
        "FIFO",
        |path| mkfifo(path, Mode::S_IRWXU).unwrap(),
        "is a FIFO, not a regular file",
    ),
    (
        "socket",
        |path| drop(UnixListener::bind(path).unwrap()),
        "is a socket, not a regular file",
    ),
    (
        "folder",
        |path| fs::create_dir(path).unwrap(),
        "is a folder, not a regular file",
    ),
    ("20 GiB", sparse, "is larger than"),
    (
        "circle",
        |path| symlink(path.file_name().unwrap(), path).unwrap(),
        "goes in circles",
    ),
];

#[test]
fn only_regular_files_of_a_bounded_size_are_read() {
    for (what, make, words) in MADE {
        for key in FILES {
            let root = library(&naming(key, "made.network"));
            make(&root.path().join("scenarios/evil/made.network"));
            refused(&format!("{key}: {what}"), root.path(), words);
        }
        for key in ["networkd", "units"] {
            let root = library(&naming(key, "host"));
            make(&root.path().join("scenarios/evil/host/made.network"));
            refused(&format!("{key}: {what}"), root.path(), words);
        }
        let root = library("");
        let file = root.path().join("scenarios/evil/scenario.toml");
        fs::remove_file(&file).unwrap();
        if what != "folder" {
            make(&file);
            refused(&format!("the scenario: {what}"), root.path(), words);
        }
    }
    for (what, words) in [
        ("FIFO", "neither a file nor a link"),
        ("20 GiB", "larger than 16 MiB"),
    ] {
        let root = library(&naming("files", "laid"));
        let laid = root.path().join("scenarios/evil/laid");
        fs::create_dir(&laid).unwrap();
        let (_, make, _) = MADE.into_iter().find(|(name, ..)| *name == what).unwrap();
        make(&laid.join("x"));
        refused(&format!("files: {what}"), root.path(), words);
    }
}

#[test]
fn each_bound_is_named_at_its_byte() {
    for (key, most, words) in [
        ("nftables", 4 << 20, "`made.network` is larger than 4 MiB"),
        ("write_unit", 1 << 20, "`made.network` is larger than 1 MiB"),
    ] {
        let root = library(&naming(key, "made.network"));
        let path = root.path().join("scenarios/evil/made.network");
        let comment = |bytes: usize| "#".repeat(bytes - 1) + "\n";
        fs::write(&path, comment(most)).unwrap();
        let (code, said) = bridgelab(root.path(), &["check", "evil"]);
        assert_eq!(code, Some(0), "{key}: {said}");
        fs::write(&path, comment(most + 1)).unwrap();
        refused(key, root.path(), words);
    }
    let text = naming("networkd", "host");
    let most = (4 << 20) - text.len();
    let root = library(&(text.clone() + &"#".repeat(most)));
    let (code, said) = bridgelab(root.path(), &["check", "evil"]);
    assert_eq!(code, Some(0), "{said}");
    let root = library(&(text + &"#".repeat(most + 1)));
    refused(
        "a scenario",
        root.path(),
        "`scenario.toml` is larger than 4 MiB",
    );
    let root = library(&naming("files", "laid"));
    let laid = root.path().join("scenarios/evil/laid");
    fs::create_dir(&laid).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(laid.join(name), vec![b'x'; 6 << 20]).unwrap();
    }
    refused("files", root.path(), "`files` holds more than 16 MiB");
}

#[test]
fn folders_have_an_end() {
    for key in FOLDERS {
        let root = library(&naming(key, "many"));
        let many = root.path().join("scenarios/evil/many");
        fs::create_dir(&many).unwrap();
        for number in 0..5000 {
            fs::write(many.join(format!("{number}.network")), "").unwrap();
        }
        refused(key, root.path(), "`many` holds more than 4096 entries");
    }
    let root = library(&naming("files", "deep"));
    let mut deep = root.path().join("scenarios/evil/deep");
    fs::create_dir(&deep).unwrap();
    while deep.as_os_str().as_bytes().len() < 3900 {
        deep.push("d".repeat(200));
        fs::create_dir(&deep).unwrap();
    }
    refused("files", root.path(), "holds no file");
    // Many small units: their sum has a limit as well.
    let root = library(&naming("networkd", "much"));
    let much = root.path().join("scenarios/evil/much");
    fs::create_dir(&much).unwrap();
    for number in 0..70 {
        let file = fs::File::create(much.join(format!("{number}.network"))).unwrap();
        file.set_len(1 << 20).unwrap();
    }
    refused(
        "networkd",
        root.path(),
        "the scenario's files take more than 64 MiB",
    );
}

#[test]
fn links_of_a_library_end() {
    let root = library(&naming("networkd", "host"));
    let scenarios = root.path().join("scenarios");
    for (link, target) in [
        ("up", ".."),
        ("self", "."),
        ("round", "round"),
        ("out", "/"),
        ("evil/up", "../.."),
        ("proc", "/proc/self/root"),
    ] {
        symlink(target, scenarios.join(link)).unwrap();
    }
    // Folders with links to each other, in every order.
    for from in 0..12 {
        let folder = scenarios.join(format!("d{from}"));
        fs::create_dir(&folder).unwrap();
    }
    let (code, said) = bridgelab(root.path(), &["list"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("evil") && said.lines().count() < 4, "{said}");
    for (from, to) in (0..12).flat_map(|from| (0..12).map(move |to| (from, to))) {
        symlink(
            format!("../d{to}"),
            scenarios.join(format!("d{from}/l{to}")),
        )
        .unwrap();
    }
    let (code, said) = bridgelab(root.path(), &["list"]);
    assert!(
        code == Some(2) && said.contains("more than 4096 folders"),
        "{code:?} {said}"
    );
    let (code, said) = bridgelab(root.path(), &["check", "scenarios/evil"]);
    assert_eq!(code, Some(0), "{said}");
}

/// Whether the output has no control characters except the colours with which `annotate-snippets` draws faults.
fn is_harmless(said: &str) -> bool {
    let mut rest = said;
    while let Some(at) = rest.find('\u{1b}') {
        let Some(sequence) = rest[at..].strip_prefix("\u{1b}[") else {
            return false;
        };
        let end = sequence.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end {
            Some(end) if sequence[end..].starts_with('m') => rest = &sequence[end..],
            _ => return false,
        }
    }
    let hidden = |c: char| {
        let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        bidi || (c.is_control() && !matches!(c, '\n' | '\t' | '\u{1b}'))
    };
    !said.contains(hidden)
}

#[test]
fn nothing_that_a_scenario_says_reaches_a_terminal_as_it_is() {
    // Cursor, C1, window title, direction of writing, bell: as escapes of a TOML string, and raw.
    let escapes = r"\u001b[2J\u009b1m\u001b]0;t\u0007\u202e\u2066\u200f\u061c\u0008";
    let raw = "\u{1b}[2J\u{9b}1m\u{202e}\u{2066}\u{200f}";
    let valid = naming("networkd", "host");
    for (what, text, code) in [
        (
            "a name",
            valid.replace("machines.host", &format!("machines.\"{escapes}\"")),
            2,
        ),
        ("a key", format!("{valid}\"{escapes}\" = 1\n"), 2),
        (
            "a value",
            valid.replace("'192.168.1.1'", &format!("\"{escapes}\"")),
            2,
        ),
        (
            "a path",
            naming("networkd", "x").replace("'x'", &format!("\"{escapes}\"")),
            2,
        ),
        (
            "a filter",
            format!(
                "{valid}[[checks]]\nid = 'p'\nfrom = 'desktop'\npacket = {{ interface = 'eth0', filter = \"{escapes}\" }}\n"
            ),
            2,
        ),
        (
            "raw in a string",
            valid.replace("'evil'", &format!("'{raw}'")),
            2,
        ),
        ("raw in a comment", format!("{valid}# {raw}\n"), 2),
        (
            "C1 and bidi, which TOML takes, in a comment of a bad line",
            format!("{valid}bad = 1 # \u{9b}2J\u{202e}\n"),
            2,
        ),
        (
            "a command",
            format!(
                "{valid}[[checks]]\nid = 'c'\nfrom = 'desktop'\ncommand = {{ run = [\"true\", \"{escapes}\"] }}\n"
            ),
            0,
        ),
        (
            "a body",
            format!("{valid}[machines.internet.http]\nbody = \"{escapes}\"\n"),
            0,
        ),
    ] {
        let root = library(&text);
        let (ended, said) = bridgelab(root.path(), &["check", "evil"]);
        assert_eq!(ended, Some(code), "{what}: {said:?}");
        assert!(is_harmless(&said), "check, {what}: {said:?}");
        for args in [
            &["plan", "evil"][..],
            &["plan", "evil", "--guests", "ghost"],
            &["list"],
        ] {
            let (_, said) = bridgelab(root.path(), args);
            assert!(is_harmless(&said), "{args:?}, {what}: {said:?}");
        }
    }
    // Control characters in names of files.
    let root = library(&valid);
    let scenarios = root.path().join("scenarios");
    fs::write(scenarios.join(format!("{raw}.toml")), "x").unwrap();
    fs::write(
        scenarios.join(format!("evil/host/{raw}.network")),
        "[Match]\nNmae=x\n",
    )
    .unwrap();
    fs::write(scenarios.join(format!("evil/host/{raw}.netwrok")), "").unwrap();
    for args in [
        &["list"][..],
        &["check", "evil"],
        &["check", raw],
        &["check", "evil", "--strict"],
    ] {
        let (_, said) = bridgelab(root.path(), args);
        assert!(is_harmless(&said), "{args:?}: {said:?}");
    }
    // A report from somebody else.
    let report = root.path().join("report.json");
    fs::write(&report, format!("{{ \"{raw}\": 1 }}")).unwrap();
    let (ended, said) = bridgelab(root.path(), &["report", "report.json"]);
    assert!(ended == Some(2) && is_harmless(&said), "{said:?}");
}
