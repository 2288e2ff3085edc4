//! The line that networkd means where it names none: `br1 NetDev could not be found` is said of `Bridge=br1`.

use super::syntax::{What, lines};
use super::text::Text;
use crate::place::Place;

/// Values that stand in many lines.
const COMMON: [&str; 8] = ["0", "1", "yes", "no", "true", "false", "on", "off"];

/// The first line whose key stands in networkd's words, as `Bridge=`; or else the first one with a value that does. `[Match]`
/// has its links' names, which are not what is wrong.
pub(super) fn named(text: &Text, words: &str) -> Option<Place> {
    let around = |c: char| !c.is_alphanumeric() && c != '=';
    let words: Vec<&str> = match netdev(words) {
        Some(name) => vec![name],
        None => {
            let words = words.split_whitespace();
            words.map(|word| word.trim_matches(around)).collect()
        }
    };
    let mut section = "";
    let mut by_value = None;
    for line in lines(text.as_str()) {
        match line.what {
            What::Section(name) => section = name,
            What::Assignment {
                key,
                ref value,
                ref value_at,
            } if section != "Match" => {
                let place = || text.place(line.at.start..value_at.end);
                let is_key = |word: &&str| word.split_once('=').is_some_and(|(one, _)| one == key);
                if words.iter().any(is_key) {
                    return Some(place());
                }
                let mut values = value.split_whitespace();
                if by_value.is_none()
                    && values.any(|value| !COMMON.contains(&value) && words.contains(&value))
                {
                    by_value = Some(place());
                }
            }
            _ => {}
        }
    }
    by_value
}

/// The netdev that is not there: `br1 NetDev could not be found, ignoring assignment.`
pub(super) fn missing_netdev(words: &str) -> Option<&str> {
    let (name, rest) = words.split_once(' ')?;
    rest.starts_with("NetDev could not be found")
        .then_some(name)
}

/// That, or the one of `NetDev br0 is not a bond, ignoring assignment` (`network_resolve_netdev_one` of systemd).
fn netdev(words: &str) -> Option<&str> {
    let of_another_kind = || {
        let (name, rest) = words.strip_prefix("NetDev ")?.split_once(' ')?;
        rest.starts_with("is not a").then_some(name)
    };
    missing_netdev(words).or_else(of_another_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, words: &str) -> Option<usize> {
        let text = Text::new("x".into(), text.to_owned());
        let place = named(&text, words)?;
        Some(place.source.position(place.span.start).0)
    }

    #[test]
    fn a_line_is_found_by_its_key_or_its_value() {
        let text = "[Match]\nName=br1\n[Network]\nDHCP=no\nVLAN=a\nVLAN=br1 b\nBond=bond1\n";
        for (words, wanted) in [
            ("br1 NetDev could not be found, ignoring assignment.", 6),
            ("NetDev bond1 is not a bond, ignoring assignment", 7),
            (
                "Cannot set routes when Bond= is specified, ignoring routes.",
                7,
            ),
            ("a: Bond= is used", 7),
        ] {
            assert_eq!(line(text, words), Some(wanted), "{words}");
        }
        for words in [
            "there is no such thing",
            "br7 NetDev could not be found",
            "DHCP",
        ] {
            assert_eq!(line(text, words), None, "{words}");
        }
    }
}
