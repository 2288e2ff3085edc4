//! Which distribution this is, from `/etc/os-release`.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

/// How software is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Debian, Ubuntu and what is made from them.
    Apt,
    /// Fedora and its relatives.
    Dnf,
    /// Arch and its relatives.
    Pacman,
    /// NixOS.
    Nix,
    /// Something this project knows no package names of.
    Unknown,
}

/// The distribution of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// `ID`, for example `debian`; `linux` when the file does not say.
    pub id: String,
    /// `VERSION_ID`, for example `24.04`; rolling distributions have none.
    pub version: Option<String>,
    /// The name for people.
    pub name: String,
    /// How software is installed.
    pub family: Family,
}

impl Distribution {
    /// The one this machine runs.
    pub fn detect() -> Self {
        let text = ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| fs::read_to_string(path).ok());
        Self::parse(&text.unwrap_or_default())
    }

    /// Reads the text of an `os-release` file.
    pub fn parse(text: &str) -> Self {
        let fields: BTreeMap<&str, String> = text.lines().filter_map(field).collect();
        let get = |key: &str| fields.get(key).filter(|value| !value.is_empty()).cloned();
        let id = get("ID").unwrap_or_else(|| "linux".to_owned());
        let like = get("ID_LIKE").unwrap_or_default();
        let family = std::iter::once(id.as_str())
            .chain(like.split_whitespace())
            .find_map(family_of)
            .unwrap_or(Family::Unknown);
        Self {
            family,
            version: get("VERSION_ID"),
            name: get("PRETTY_NAME").unwrap_or_else(|| id.clone()),
            id,
        }
    }
}

fn family_of(id: &str) -> Option<Family> {
    match id {
        "debian" | "ubuntu" => Some(Family::Apt),
        "fedora" | "rhel" | "centos" => Some(Family::Dnf),
        "arch" => Some(Family::Pacman),
        "nixos" => Some(Family::Nix),
        _ => None,
    }
}

/// `KEY=value`, `KEY="value"` or `KEY='value'`, with the shell's backslashes.
fn field(line: &str) -> Option<(&str, String)> {
    let (key, value) = line.trim().split_once('=')?;
    if key.starts_with('#') {
        return None;
    }
    let quoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let mut plain = String::new();
    let mut letters = quoted.unwrap_or(value).chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' {
            letters.next().unwrap_or(letter)
        } else {
            letter
        });
    }
    Some((key, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (String, Option<String>, Family) {
        let seen = Distribution::parse(text);
        (seen.id, seen.version, seen.family)
    }

    fn is(id: &str, version: Option<&str>, family: Family) -> (String, Option<String>, Family) {
        (id.to_owned(), version.map(str::to_owned), family)
    }

    #[test]
    fn known_distributions_are_recognised() {
        let debian12 =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(seen(debian12), is("debian", Some("12"), Family::Apt));
        assert_eq!(
            Distribution::parse(debian12).name,
            "Debian GNU/Linux 12 (bookworm)"
        );
        let debian13 =
            "VERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nDEBIAN_VERSION_FULL=13.2\nID=debian\n";
        assert_eq!(seen(debian13), is("debian", Some("13"), Family::Apt));
        let ubuntu = "NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(seen(ubuntu), is("ubuntu", Some("24.04"), Family::Apt));
        let nixos =
            "ANSI_COLOR=\"0;38;2;126;186;228\"\nID=nixos\nID_LIKE=\"\"\nVERSION_ID=\"25.11\"\n";
        assert_eq!(seen(nixos), is("nixos", Some("25.11"), Family::Nix));
        let fedora = "ID=fedora\nVERSION_ID=43\nPRETTY_NAME='Fedora Linux 43'\n";
        assert_eq!(seen(fedora), is("fedora", Some("43"), Family::Dnf));
        let arch = "NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n";
        assert_eq!(seen(arch), is("arch", None, Family::Pacman));
    }

    #[test]
    fn relatives_and_strangers() {
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22\"\n";
        assert_eq!(seen(mint), is("linuxmint", Some("22"), Family::Apt));
        assert_eq!(seen("# nothing\n"), is("linux", None, Family::Unknown));
        assert_eq!(
            Distribution::parse("NAME=x\nPRETTY_NAME=\"a \\\"b\\\"\"").name,
            "a \"b\""
        );
    }
}
