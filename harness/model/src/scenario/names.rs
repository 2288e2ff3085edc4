//! Names as newtypes: one that has been parsed need never be checked again.

use std::borrow::Borrow;
use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// Most bytes Linux takes in the name of a network interface (`IFNAMSIZ` less the closing NUL).
const IF_NAME_MAX: usize = 15;

/// Why a text is not the name of a network interface.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IfNameError {
    /// Nothing at all.
    #[error("an interface name is empty")]
    Empty,
    /// More than 15 bytes.
    #[error("interface name `{name}` is too long: {} bytes, Linux takes at most 15", name.len())]
    TooLong {
        /// The name as given.
        name: String,
        /// A shorter one; empty where none can be cut from it.
        shorter: String,
    },
    /// `.` and `..` would be folders under `/sys/class/net`.
    #[error("interface name `{0}` is a folder's name")]
    Dots(String),
    /// `/`, `:` or NUL.
    #[error("interface name {name:?} holds {found:?}")]
    Forbidden {
        /// The name as given.
        name: String,
        /// The character that Linux refuses.
        found: char,
    },
    /// Linux takes it, and a shell, or a tool's configuration, takes it for something else.
    #[error(
        "interface name {name:?} holds {found:?}, which shells and tools may take for something else"
    )]
    Special {
        /// The name as given.
        name: String,
        /// The first such character.
        found: char,
    },
    /// Linux takes it, and tools take it for an option.
    #[error("interface name `{0}` begins with `-`, as the option of a tool does")]
    Option(String),
    /// White space, by the kernel's count: that includes the byte 0xa0, hence `à`.
    #[error("interface name {0:?} holds white space")]
    WhiteSpace(String),
}

impl IfNameError {
    /// A name near the refused one that Linux does take.
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::TooLong { shorter, .. } if !shorter.is_empty() => Some(shorter),
            _ => None,
        }
    }
}

/// The rules of `dev_valid_name` in `net/core/dev.c`.
fn check_if_name(name: &str) -> Result<(), IfNameError> {
    if name.is_empty() {
        return Err(IfNameError::Empty);
    }
    if matches!(name, "." | "..") {
        return Err(IfNameError::Dots(name.to_owned()));
    }
    if let Some(found) = name.chars().find(|c| matches!(c, '/' | ':' | '\0')) {
        return Err(IfNameError::Forbidden {
            name: name.to_owned(),
            found,
        });
    }
    if name.bytes().any(|b| matches!(b, 9..=13 | 32 | 0xa0)) {
        return Err(IfNameError::WhiteSpace(name.to_owned()));
    }
    if name.starts_with('-') {
        return Err(IfNameError::Option(name.to_owned()));
    }
    // A name is a word of many command lines, and part of a few scripts and configuration files.
    let plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "._-+@".contains(c);
    if let Some(found) = name.chars().find(|&c| !plain(c)) {
        return Err(IfNameError::Special {
            name: name.to_owned(),
            found,
        });
    }
    if name.len() > IF_NAME_MAX {
        let cut = (0..=IF_NAME_MAX)
            .rev()
            .find(|&at| name.is_char_boundary(at));
        let shorter = name[..cut.unwrap_or(0)].trim_end_matches(['-', '_', '.']);
        return Err(IfNameError::TooLong {
            name: name.to_owned(),
            shorter: shorter.to_owned(),
        });
    }
    Ok(())
}

/// Why a text is not one of our own names (machines, variants, checks).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing at all.
    #[error("{what} is empty")]
    Empty {
        /// What was being named.
        what: &'static str,
    },
    /// More than the kind of name allows.
    #[error("{what} `{name}` is too long: {} bytes, at most {most}", name.len())]
    TooLong {
        /// What was being named.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The limit in bytes.
        most: usize,
    },
    /// A character outside the kind's alphabet.
    #[error("{what} {name:?} holds {found:?}; it takes {alphabet}")]
    Forbidden {
        /// What was being named.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The first character that is not allowed.
        found: char,
        /// What is allowed, in words.
        alphabet: &'static str,
    },
    /// A first character that the kind does not allow.
    #[error("{what} `{name}` starts with `{found}`; it must start with {first}")]
    Start {
        /// What was being named.
        what: &'static str,
        /// The name as given.
        name: String,
        /// Its first character.
        found: char,
        /// What it may start with, in words.
        first: &'static str,
    },
}

/// Lowercase letters, digits, and `signs` behind the first character, which may be a digit where `digit` says so.
fn check_name(
    text: &str,
    what: &'static str,
    most: usize,
    (signs, alphabet): (&str, &'static str),
    (digit, first): (bool, &'static str),
) -> Result<(), NameError> {
    let name = text.to_owned();
    let Some(found) = text.chars().next() else {
        return Err(NameError::Empty { what });
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if let Some(found) = text.chars().find(|&c| !plain(c) && !signs.contains(c)) {
        return Err(NameError::Forbidden {
            what,
            name,
            found,
            alphabet,
        });
    }
    if !plain(found) || (found.is_ascii_digit() && !digit) {
        return Err(NameError::Start {
            what,
            name,
            found,
            first,
        });
    }
    match name.len() > most {
        true => Err(NameError::TooLong { what, name, most }),
        false => Ok(()),
    }
}

const WITH_DASH: (&str, &str) = ("-", "lowercase letters, digits and `-`");
const WITH_DOT: (&str, &str) = ("-.", "lowercase letters, digits, `-` and `.`");
const LETTER: (bool, &str) = (false, "a lowercase letter");
const LETTER_OR_DIGIT: (bool, &str) = (true, "a lowercase letter or a digit");

/// Declares a name type whose only constructors run its check.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $error:ty, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                let check: fn(&str) -> Result<(), $error> = $check;
                check(&text).map(|()| Self(text))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::try_from(text.to_owned())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// So that maps keyed by the name can be asked with plain text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name_type! {
    /// Name of a network interface: 1 to 15 bytes of letters, digits and `._-+@`, no `-` first, neither `.` nor `..`.
    IfName, IfNameError, check_if_name
}

name_type! {
    /// Name of a machine, guest, container or segment: 1 to 32 lowercase letters, digits and `-`; a letter
    /// first.
    MachineName, NameError, |text| check_name(text, "name", 32, WITH_DASH, LETTER)
}

name_type! {
    /// Name of a variant: 1 to 64 lowercase letters, digits and `-`; a letter or digit first.
    VariantName, NameError, |text| check_name(text, "variant name", 64, WITH_DASH, LETTER_OR_DIGIT)
}

name_type! {
    /// Id of a check: 1 to 64 lowercase letters, digits, `-` and `.`; a letter or digit first.
    CheckId, NameError, |text| check_name(text, "check id", 64, WITH_DOT, LETTER_OR_DIGIT)
}

name_type! {
    /// Id of a step: 1 to 64 lowercase letters, digits, `-` and `.`; a letter or digit first.
    StepId, NameError, |text| check_name(text, "step id", 64, WITH_DOT, LETTER_OR_DIGIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_takes_what_if_name_takes() {
        for good in [
            "eno1",
            "vm-test1",
            "a",
            "veth0.100",
            "fifteen-bytes-x",
            "br\u{e4}",
        ] {
            assert_eq!(IfName::try_from(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn every_rule_of_if_name_has_its_variant() {
        use IfNameError as E;
        assert_eq!(IfName::try_from(""), Err(E::Empty));
        for dots in [".", ".."] {
            assert_eq!(IfName::try_from(dots), Err(E::Dots(dots.into())));
        }
        for found in ['/', ':', '\0'] {
            let name = format!("a{found}b");
            assert_eq!(
                IfName::try_from(name.as_str()),
                Err(E::Forbidden { name, found })
            );
        }
        for name in ["a b", "a\tb", "a\u{b}", "\u{e0}"] {
            assert_eq!(IfName::try_from(name), Err(E::WhiteSpace(name.into())));
        }
        for name in ["-f", "--host=x", "-"] {
            assert_eq!(IfName::try_from(name), Err(E::Option(name.into())));
        }
        for found in "$`;&|<>()'\"\\*?[]{}!#~^=,%\u{1b}\u{7f}".chars() {
            let name = format!("a{found}b");
            assert_eq!(
                IfName::try_from(name.as_str()),
                Err(E::Special { name, found })
            );
        }
        assert!(matches!(
            IfName::try_from("sixteen-bytes-xx"),
            Err(E::TooLong { .. })
        ));
    }

    #[test]
    fn a_long_interface_name_comes_with_one_that_fits() {
        for (long, short) in [
            ("vm-nextcloud-test1", "vm-nextcloud-te"),
            ("vm-production-1-a", "vm-production-1"),
            (
                "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
                "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            ),
        ] {
            let error = IfName::try_from(long).unwrap_err();
            assert_eq!(error.suggestion(), Some(short));
            assert!(IfName::try_from(short).is_ok());
        }
        assert_eq!(
            IfName::try_from("-".repeat(16)).unwrap_err().suggestion(),
            None
        );
    }

    #[test]
    fn our_own_names_have_an_alphabet_a_start_and_a_length() {
        assert!(MachineName::try_from("test1").is_ok());
        assert!(MachineName::try_from("a".repeat(32)).is_ok());
        assert!(VariantName::try_from("19-docker").is_ok());
        assert!(CheckId::try_from("host.ping-v4").is_ok());
        assert!(matches!(
            MachineName::try_from(""),
            Err(NameError::Empty { .. })
        ));
        assert!(matches!(
            MachineName::try_from("a".repeat(33)),
            Err(NameError::TooLong { most: 32, .. })
        ));
        assert!(matches!(
            MachineName::try_from("1a"),
            Err(NameError::Start { found: '1', .. })
        ));
        assert!(matches!(
            MachineName::try_from("a.b"),
            Err(NameError::Forbidden { found: '.', .. })
        ));
        assert!(matches!(
            CheckId::try_from("-a"),
            Err(NameError::Start { found: '-', .. })
        ));
        assert!(matches!(
            VariantName::try_from("No"),
            Err(NameError::Forbidden { found: 'N', .. })
        ));
    }
}
