//! Which links a `[Match]` finds: as networkd does it (`net_match_config` of systemd), as far as it is known beforehand.

use std::collections::BTreeMap;

use glob::Pattern;

use super::link::{Link, LinkName, Links};
use super::unit::{Setting, Unit};

/// Whether a unit matches a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matches {
    /// It does not.
    No,
    /// It depends on what only the running system knows.
    Perhaps,
    /// It does.
    Yes,
}

/// Keys of `[Match]` that are about the system and not about a link.
const CONDITIONS: [&str; 10] = [
    "Architecture",
    "Credential",
    "Firmware",
    "Host",
    "KernelCommandLine",
    "KernelVersion",
    "MachineTag",
    "MachineID",
    "Version",
    "Virtualization",
];

/// What udev alone knows of a link.
const OF_UDEV: [&str; 2] = ["Path", "Property"];

/// What is known of a wireless link alone; a lab has none.
const WIRELESS: [&str; 3] = ["BSSID", "SSID", "WLANInterfaceType"];

/// Whether udev alone knows what a key is compared with.
pub(super) fn is_of_udev(key: &str) -> bool {
    OF_UDEV.contains(&key)
}

/// Whether a key is about wireless links.
pub(super) fn is_wireless(key: &str) -> bool {
    WIRELESS.contains(&key)
}

/// The first line whose key no link fits, a name before all others: what else there is in `[Match]`, the unit finds nothing.
pub(super) fn decisive<'u>(settings: &[&'u Setting], links: &Links) -> Option<&'u Setting> {
    let fits_none = |one: &&Setting| {
        let same = settings.iter().filter(|other| other.key == one.key);
        let same: Vec<&Setting> = same.copied().collect();
        let mut all = links.all.iter();
        all.all(|link| by_key(&one.key, &same, links, link) == Matches::No)
    };
    let mut fitting = settings.iter().copied().filter(fits_none);
    let first = fitting.next()?;
    let is_name = |one: &&Setting| matches!(one.key.as_str(), "Name" | "OriginalName");
    let named = [first].into_iter().chain(fitting).find(is_name);
    Some(named.unwrap_or(first))
}

/// What the lines of one key of `[Match]` say of a link.
#[derive(Debug, Clone)]
pub struct KeyMatch<'u> {
    /// The lines, each with its place.
    pub settings: Vec<&'u Setting>,
    /// Whether they match it.
    pub matches: Matches,
}

impl Unit {
    /// Whether it matches a link of these: every key of `[Match]` must.
    pub fn matches(&self, links: &Links, link: &Link) -> Matches {
        let keys = self.match_by_key(links, link).into_iter();
        keys.map(|key| key.matches).min().unwrap_or(Matches::No)
    }

    /// The same for each key, by its name.
    pub fn match_by_key(&self, links: &Links, link: &Link) -> Vec<KeyMatch<'_>> {
        let mut keys: BTreeMap<&str, Vec<&Setting>> = BTreeMap::new();
        for setting in self.match_settings() {
            keys.entry(&setting.key).or_default().push(setting);
        }
        let verdict = |(key, settings): (&str, Vec<_>)| KeyMatch {
            matches: by_key(key, &settings, links, link),
            settings,
        };
        keys.into_iter().map(verdict).collect()
    }
}

fn by_key(key: &str, settings: &[&Setting], links: &Links, link: &Link) -> Matches {
    let words = || settings.iter().flat_map(|one| one.value.split_whitespace());
    match key {
        "Name" | "OriginalName" => by_list(settings, |word| by_pattern(word, &link.name)),
        "MACAddress" | "PermanentMACAddress" => {
            let digits = |text: &str| -> String {
                let digits = text.chars().filter(char::is_ascii_hexdigit);
                digits.collect::<String>().to_ascii_lowercase()
            };
            match link.mac.as_deref().map(digits) {
                Some(mac) if words().any(|word| digits(word) == mac) => Matches::Yes,
                None if links.chosen_mac => Matches::Perhaps,
                _ => Matches::No,
            }
        }
        // These are never more than likely: versions of the kernel and of udev differ.
        "Type" => by_list(settings, |word| match link.kind.types() {
            Some(types) => one_of(word, &types),
            None => Matches::Perhaps,
        })
        .min(Matches::Perhaps),
        "Kind" => by_list(settings, |word| by_word(word, link.kind.kind())).min(Matches::Perhaps),
        "Driver" => {
            by_list(settings, |word| by_word(word, link.kind.driver())).min(Matches::Perhaps)
        }
        // A set of addresses, of which none is excluded.
        "BSSID" => Matches::No,
        key if is_wireless(key) => by_list(settings, |_| Matches::No),
        key if is_of_udev(key) && !links.udev => by_list(settings, |_| Matches::No),
        _ => Matches::Perhaps,
    }
}

/// A pattern, and what it is compared with, if that is known; a link that has nothing there is matched by none.
fn by_word(word: &str, known: Option<Option<&str>>) -> Matches {
    match known {
        Some(Some(text)) => one_of(word, &[text]),
        Some(None) => Matches::No,
        None => Matches::Perhaps,
    }
}

/// A pattern, and what it may be compared with.
fn one_of(word: &str, texts: &[&str]) -> Matches {
    let Ok(pattern) = Pattern::new(word) else {
        return Matches::Perhaps;
    };
    let matching = texts.iter().filter(|text| pattern.matches(text)).count();
    match matching {
        0 => Matches::No,
        some if some == texts.len() => Matches::Yes,
        _ => Matches::Perhaps,
    }
}

/// One of the patterns must match, and none of those behind a `!`; that stands before a whole list (`net_condition_test_strv`).
fn by_list(settings: &[&Setting], by_pattern: impl Fn(&str) -> Matches) -> Matches {
    let mut best = None;
    let mut excluded = Matches::No;
    for setting in settings {
        let (not, list) = match setting.value.strip_prefix('!') {
            Some(list) => (true, list),
            None => (false, setting.value.as_str()),
        };
        for word in list.split_whitespace() {
            let is = by_pattern(word);
            if not {
                excluded = excluded.max(is);
            } else {
                best = best.max(Some(is));
            }
        }
    }
    let allowed = match excluded {
        Matches::Yes => Matches::No,
        Matches::Perhaps => Matches::Perhaps,
        Matches::No => Matches::Yes,
    };
    best.unwrap_or(Matches::Yes).min(allowed)
}

fn by_pattern(word: &str, name: &LinkName) -> Matches {
    let exactly = |name: &str| match Pattern::new(word) {
        Ok(pattern) if pattern.matches(name) => Matches::Yes,
        Ok(_) => Matches::No,
        Err(_) => Matches::Perhaps,
    };
    match name {
        LinkName::Exactly(name) => exactly(name),
        LinkName::Beginning(beginning) => beginning_with(word, beginning),
        LinkName::Nic(index) => {
            let kernel = exactly(&format!("eth{index}"));
            match (kernel, beginning_with(word, "en")) {
                (Matches::Yes, Matches::Yes) => Matches::Yes,
                (Matches::No, Matches::No) => Matches::No,
                _ => Matches::Perhaps,
            }
        }
    }
}

/// Whether a pattern matches names that begin so.
fn beginning_with(word: &str, beginning: &str) -> Matches {
    let Some((literal, rest)) = word.find(['*', '?', '[']).map(|at| word.split_at(at)) else {
        return match word.starts_with(beginning) {
            true => Matches::Perhaps,
            false => Matches::No,
        };
    };
    if rest == "*" && beginning.starts_with(literal) {
        Matches::Yes
    } else if beginning.starts_with(literal) || literal.starts_with(beginning) {
        Matches::Perhaps
    } else {
        Matches::No
    }
}

/// Whether a unit is read on some systems only.
pub(super) fn is_conditional(unit: &Unit) -> bool {
    let settings = unit.match_settings();
    settings
        .iter()
        .any(|one| CONDITIONS.contains(&one.key.as_str()))
}

/// The place where a unit names a link without any pattern.
pub(super) fn names<'u>(unit: &'u Unit, link: &str) -> Option<&'u Setting> {
    let names = |one: &&Setting| {
        matches!(one.key.as_str(), "Name" | "OriginalName")
            && one.value.split_whitespace().any(|word| word == link)
    };
    unit.match_settings().into_iter().find(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networkd::{LinkKind, UnitFile};

    fn name(text: &str, link: LinkName) -> Matches {
        let file = UnitFile {
            name: "a.network".to_owned(),
            shown: "a.network".into(),
            bytes: format!("[Match]\n{text}\n").into_bytes().into(),
        };
        let unit = Unit::all([&file]).remove(0);
        let mac = Some("02:00:00:00:00:0a".to_owned());
        let kind = LinkKind::made("veth");
        let link = Link {
            name: link,
            mac,
            kind,
        };
        unit.matches(&Links::default(), &link)
    }

    #[test]
    fn names_are_matched_as_by_fnmatch() {
        use Matches::{No, Perhaps, Yes};
        let eno1 = || LinkName::Exactly("eno1".to_owned());
        for (text, wanted) in [
            ("Name=eno1", Yes),
            ("Name=en*", Yes),
            ("Name=enp3s0", No),
            ("Name=enp3s0 eno1", Yes),
            ("Name=enp3s0\nName=eno[0-9]", Yes),
            ("Name=eno1\nName=", No),
            ("Name=!eno1", No),
            ("Name=!vm-* lo", Yes),
            ("Name=!vm-* eno1", No),
            ("Name=eno1\nType=ether", Perhaps),
            ("Name=eno1\nType=wlan", No),
            ("Type=ethr", No),
            ("Type=eth*", Perhaps),
            ("Type=wlan ether", Perhaps),
            ("Type=!ether", No),
            ("Type=!wlan", Perhaps),
            ("Kind=veth", Perhaps),
            ("Kind=bridge", No),
            ("Kind=!bridge", Perhaps),
            ("Driver=e1000e", No),
            ("SSID=home", No),
            ("WLANInterfaceType=!ap", Yes),
            ("BSSID=02:00:00:00:00:0a", No),
            ("Name=eno1\nPath=pci-*", No),
            ("Name=eno1\nPath=!pci-*", Yes),
            ("MACAddress=02-00-00-00-00-0A", Yes),
            ("MACAddress=02:00:00:00:00:0b", No),
            ("Nmae=eno1", No),
        ] {
            assert_eq!(name(text, eno1()), wanted, "{text}");
        }
    }

    #[test]
    fn a_guest_s_nic_and_docker_s_links_have_names_that_are_not_known() {
        use Matches::{No, Perhaps, Yes};
        for (text, wanted) in [
            ("Name=eth0", Perhaps),
            ("Name=enp1s0", Perhaps),
            ("Name=eth1", No),
            ("Name=e*", Yes),
            ("Name=*", Yes),
            ("Name=vm-test1", No),
        ] {
            assert_eq!(name(text, LinkName::Nic(0)), wanted, "{text}");
        }
        for (text, wanted) in [
            ("Name=veth*", Yes),
            ("Name=veth1234", Perhaps),
            ("Name=ve?h*", Perhaps),
            ("Name=vm-*", No),
            ("Name=!veth*", No),
        ] {
            let veth = LinkName::Beginning("veth");
            assert_eq!(name(text, veth), wanted, "{text}");
        }
    }

    #[test]
    fn the_line_that_decides_is_told_with_its_place() {
        let file = UnitFile {
            name: "a.network".to_owned(),
            shown: "a.network".into(),
            bytes: b"[Match]\nName=eno* lo\nMACAddress=02:00:00:00:00:0b\n"[..].into(),
        };
        let unit = Unit::all([&file]).remove(0);
        let mut links = Links::default();
        let mac = Some("02:00:00:00:00:0a".to_owned());
        links.add("eno1", LinkKind::made("veth"), mac);
        let told: Vec<_> = unit
            .match_by_key(&links, &links.all[0])
            .iter()
            .map(|key| (key.settings[0].value_place.position(), key.matches))
            .collect();
        assert_eq!(told, [((3, 12), Matches::No), ((2, 6), Matches::Yes)]);
    }
}
