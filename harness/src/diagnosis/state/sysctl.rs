//! Sysctls below `net.`, by the paths of their files.

use std::collections::BTreeMap;

/// Sysctls, by their paths below `/proc/sys/net`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::diagnosis) struct Sysctls {
    by_path: BTreeMap<String, String>,
}

impl Sysctls {
    /// Reads lines `FILE:VALUE`. A link's name can have a colon, a value of these has none.
    pub(super) fn read(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.rsplit_once(':'));
        let by_path = lines.map(|(path, value)| (path.to_owned(), value.trim().to_owned()));
        Self {
            by_path: by_path.collect(),
        }
    }

    /// The value of a file below `/proc/sys/net`.
    pub(in crate::diagnosis) fn get(&self, path: &str) -> Option<&str> {
        self.by_path.get(path).map(String::as_str)
    }

    /// As a number.
    pub(in crate::diagnosis) fn number(&self, path: &str) -> Option<i64> {
        self.get(path)?.parse().ok()
    }

    /// The value of a dotted key below `net.`; as sysctl(8), a slash in the key stands for a dot of a name.
    pub(in crate::diagnosis) fn dotted(&self, key: &str) -> Option<&str> {
        let swapped = |letter| match letter {
            '.' => '/',
            '/' => '.',
            other => other,
        };
        self.get(
            &key.strip_prefix("net.")?
                .chars()
                .map(swapped)
                .collect::<String>(),
        )
    }

    #[cfg(test)]
    pub(in crate::diagnosis) fn set(&mut self, path: &str, value: &str) {
        self.by_path.insert(path.to_owned(), value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_path_and_by_its_key() {
        let read = Sysctls::read("ipv4/ip_forward:1\nipv4/conf/eth0.5/rp_filter:2\n");
        assert_eq!(read.number("ipv4/ip_forward"), Some(1));
        assert_eq!(read.dotted("net.ipv4.ip_forward"), Some("1"));
        assert_eq!(read.dotted("net.ipv4.conf.eth0/5.rp_filter"), Some("2"));
        assert_eq!(read.dotted("net.ipv4.conf.eth1.rp_filter"), None);
    }
}
