//! Bytes that are no scenario, and scenarios that are too long or too deep.

use super::*;

/// Bytes of a valid scenario, the bytes that replace them (or come first, if there are none to replace), and words of the
/// refusal; `None`: the result is valid.
type Bytes = (
    &'static str,
    &'static [u8],
    &'static [u8],
    Option<&'static str>,
);

const BYTES: [Bytes; 16] = [
    ("a byte order mark", b"", b"\xef\xbb\xbf", None),
    (
        "a fault behind a byte order mark, and its place",
        b"version = 1",
        b"\xef\xbb\xbfversion = 1\nbad = 1",
        Some("unknown key `bad`"),
    ),
    (
        "two byte order marks",
        b"",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        Some("this is not TOML"),
    ),
    (
        "a carriage return alone",
        b"'evil'\n",
        b"'evil'\r",
        Some("carriage return must be followed by newline"),
    ),
    ("NUL in a string", b"evil", b"ev\0il", Some("2:14")),
    ("NUL in a comment", b"'evil'", b"'evil' # \0", Some("2:20")),
    (
        "nothing but NUL, as a file is after a crash",
        b"",
        &[0; 4096],
        Some("this is not TOML"),
    ),
    (
        "NUL in a summary",
        b"'evil'",
        b"\"ev\\u0000il\"",
        Some("`summary` holds a NUL byte"),
    ),
    (
        "NUL in a path",
        b"'host'",
        b"\"ho\\u0000st\"",
        Some("`networkd` holds a NUL byte"),
    ),
    (
        "NUL in a command",
        b"ping = { to = '192.168.1.1' }",
        b"command = { run = ['echo', \"a\\u0000b\"] }",
        Some("`run` holds a NUL byte"),
    ),
    (
        "a byte that is not UTF-8",
        b"evil",
        b"ev\xffil",
        Some("is not UTF-8 in line 2"),
    ),
    (
        "Latin-1 in a comment",
        b"'evil'",
        b"'evil' # \xe9",
        Some("is not UTF-8 in line 2"),
    ),
    (
        "half a character",
        b"'evil'",
        b"'evil' # \xe2\x82",
        Some("is not UTF-8 in line 2"),
    ),
    (
        "a surrogate",
        b"'evil'",
        b"'evil' # \xed\xa0\x80",
        Some("is not UTF-8 in line 2"),
    ),
    (
        "UTF-16",
        b"",
        b"\xff\xfev\0e\0r\0",
        Some("is not UTF-8 in line 1"),
    ),
    (
        "Latin-1 in a name",
        b"'up'",
        b"'\xe9'",
        Some("is not UTF-8"),
    ),
];

/// `text` with the first `from` replaced by `to`.
fn with(text: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut windows = (0..=bytes.len() - from.len()).map(|at| &bytes[at..at + from.len()]);
    let at = windows.position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn bytes_that_are_no_scenario_are_told_at_their_line() {
    let valid = naming("networkd", "host");
    for (what, from, to, words) in BYTES {
        let root = library("");
        let file = root.path().join("scenarios/evil/scenario.toml");
        fs::write(&file, with(&valid, from, to)).unwrap();
        match words {
            Some(words) => refused(what, root.path(), words),
            None => {
                let (code, said) = bridgelab(root.path(), &["check", "evil"]);
                assert_eq!(code, Some(0), "{what}: {said}");
            }
        }
    }
    // Line ends of Windows, in all files that are read, and the place of a fault in such a file.
    let root = library(&valid.replace('\n', "\r\n"));
    let evil = root.path().join("scenarios/evil");
    let unit = "[NetDev]\r\nName=br0\r\nKind=bridge\r\n";
    fs::write(evil.join("host/br0.netdev"), unit).unwrap();
    let (code, said) = bridgelab(root.path(), &["check", "evil"]);
    assert_eq!(code, Some(0), "{said}");
    let bad = valid.replace("'evil'\n", "'evil'\nbad = 1\n");
    refused(
        "CRLF",
        library(&bad.replace('\n', "\r\n")).path(),
        "scenario.toml:3:1",
    );
}

#[test]
fn what_is_too_long_or_too_deep_is_told_at_its_place() {
    let valid = naming("networkd", "host");
    let long = "n".repeat(300);
    for (what, from, to, words) in [
        (
            "a guest",
            "guests.g",
            format!("guests.{long}"),
            "at most 32",
        ),
        (
            "a machine",
            "machines.host",
            format!("machines.{long}"),
            "at most 32",
        ),
        (
            "an interface",
            "vm-g",
            long.clone(),
            "Linux takes at most 15",
        ),
        ("a check", "'up'", format!("'{long}'"), "at most 64"),
        (
            "a file",
            "'host'",
            format!("'{long}'"),
            "File name too long",
        ),
        ("a key", "summary", long.clone(), "unknown key `nnn"),
    ] {
        refused(what, library(&valid.replace(from, &to)).path(), words);
    }
    let line = valid.lines().count() + 1;
    // Texts just below the limit of words are as deep as the stack must bear.
    for (deep, bound) in [(20_000, None), (100_000, Some("more than 65536 words"))] {
        for (what, text, words) in [
            ("brackets", format!("x = {}", "[".repeat(deep)), "recurse"),
            (
                "closed brackets",
                format!("x = {}{}", "[".repeat(deep), "]".repeat(deep)),
                "recurse",
            ),
            ("tables", format!("x = {}", "{a=".repeat(deep)), "recurse"),
            ("a key", format!("a{} = 1", ".a".repeat(deep)), "recursion"),
            ("a header", format!("[a{}]", ".a".repeat(deep)), "recursion"),
        ] {
            let root = library(&format!("{valid}{text}\n"));
            refused(what, root.path(), bound.unwrap_or(words));
            refused(what, root.path(), &format!("scenario.toml:{line}:"));
        }
    }
}
