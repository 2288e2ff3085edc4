//! Types of values.

use super::TableKeys;

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum KeyType {
    /// A string.
    Text,
    /// A string of a certain form: what it is, and a pattern (ECMA 262) that all of them match, or nothing.
    Like(&'static str, &'static str),
    /// One of these strings.
    Words(&'static [&'static str]),
    /// One of the names of a table whose rows stand in modules further to the right.
    Names(fn() -> Vec<&'static str>),
    /// An integer in this range, both ends included.
    Integer(i64, i64),
    /// An integer in this range, or an array of two: the least and the most.
    Range(i64, i64),
    /// `true` or `false`.
    Flag,
    /// An array of such values.
    List(&'static KeyType),
    /// A table of such values, whose keys the scenario chooses.
    Map(&'static KeyType),
    /// A table.
    Table(&'static TableKeys),
    /// A table of those keys of guests and of their interfaces that take single values, each with an array of values here; or of
    /// names of guests and machines, each with such a table, in which names of interfaces may stand in turn.
    Matrix,
    /// A string, or a table that says more.
    TextOr(&'static TableKeys),
    /// A table whose keys and values are somebody else's.
    Free,
    /// An array of tables with an `id` each, by which a layer changes those of the layer below.
    ById(&'static TableKeys),
}

impl KeyType {
    /// The name of a machine, guest, container, segment.
    pub const NAME: Self = Self::Like("name", "^[a-z][a-z0-9-]{0,31}$");
    /// The name of a network interface.
    pub const INTERFACE: Self = Self::Like("interface name", "^[^/:\\s]{1,15}$");
    /// The id of a check.
    pub const ID: Self = Self::Like("id", "^[a-z0-9][a-z0-9.-]{0,63}$");
    /// A MAC address, in any case of its letters.
    pub const MAC: Self = Self::Like("MAC address", "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$");
    /// An IPv4 or IPv6 address.
    pub const IP: Self = Self::Like("IP address", "");
    pub(crate) const IPV4: Self = Self::Like("IPv4 address", "");
    /// An IPv6 address.
    pub const IPV6: Self = Self::Like("IPv6 address", "");
    /// `192.168.1.2/24`.
    pub const ADDRESS: Self = Self::Like("address with prefix length", "/[0-9]+$");
    /// `192.168.1.0/24`.
    pub const PREFIX: Self = Self::Like("prefix", "/[0-9]+$");
    /// An IPv6 prefix.
    pub const IPV6_PREFIX: Self = Self::Like("IPv6 prefix", "/[0-9]+$");
    /// `1m 30s`.
    pub const TIME: Self = Self::Like("duration", "");
    /// What is wrong with the answer to a name.
    pub(crate) const DNS_FAULT: Self = Self::Like(
        "DNS fault",
        "^(nxdomain|servfail|refused|no-answer|[0-9].*)$",
    );
    /// A TCP or UDP port.
    pub const PORT: Self = Self::Integer(1, 65_535);
    /// A path relative to the scenario's file.
    pub const PATH: Self = Self::Like("path", "");

    /// Whether it takes strings.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Like(..)) || self.words().is_some()
    }

    /// The only strings that it takes; `None`: others too, or none.
    pub(crate) fn words(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Words(words) => Some(words.to_vec()),
            Self::Names(names) => Some(names()),
            _ => None,
        }
    }

    /// Whether it takes arrays, of elements for which `fits` holds.
    pub(crate) fn is_list(&self, fits: impl Fn(&Self) -> bool) -> bool {
        match self {
            Self::List(element) => fits(element),
            Self::ById(table_keys) => fits(&Self::Table(table_keys)),
            _ => false,
        }
    }

    /// Whether it takes what is neither array nor table.
    pub(crate) fn is_single(&self) -> bool {
        self.is_text() || matches!(self, Self::Integer(..) | Self::Flag)
    }

    /// Whether it is a table of that kind.
    pub(crate) fn is_table(&self, of: &TableKeys) -> bool {
        matches!(self, Self::Table(table_keys) if table_keys.what == of.what)
    }

    /// The keys of the tables in it.
    pub(crate) fn table_keys(&self) -> Option<&'static TableKeys> {
        match self {
            Self::Table(table_keys) | Self::TextOr(table_keys) | Self::ById(table_keys) => {
                Some(table_keys)
            }
            Self::List(inner) | Self::Map(inner) => inner.table_keys(),
            _ => None,
        }
    }
}

/// The words of a table that says what each means.
pub const fn first_of_each<T, const N: usize>(table: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut at = 0;
    while at < N {
        words[at] = table[at].0;
        at += 1;
    }
    words
}
