//! A key of a table, what it takes, and the table that it stands in. They are one file because each says what it is by the
//! others: a table is a type of values, and has keys of types.

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: KeyType,
    /// What holds without the key: a TOML literal, or words such as `none`. `None`: the key must be there.
    pub(crate) default: Option<&'static str>,
    /// What it means: a fragment, without a full stop.
    pub(crate) doc: &'static str,
}

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

/// A kind of table.
#[derive(Debug, Clone, Copy)]
pub struct TableKeys {
    /// With its article, as errors say it.
    pub what: &'static str,
    /// What the table says; for a kind of check: when it holds.
    pub doc: &'static str,
    /// The keys that it takes, besides those of `added` and `one_of`.
    pub keys: &'static [Key],
    /// Keys that come from rows further to the right.
    pub added: Added,
    /// Exactly one of these stands in the table, each as a key that is named like its `what`. Asked when it runs: rows of
    /// these tables stand in modules further to the right.
    pub one_of: fn() -> &'static [TableKeys],
}

/// Keys that rows of a table in modules further to the right add to one of the format.
#[derive(Debug, Clone, Copy)]
pub struct Added {
    /// The key that they stand behind, where people are told of them.
    pub(crate) behind: &'static str,
    /// Asked when it runs, as `one_of`.
    pub(crate) keys: fn() -> &'static [&'static Key],
}

impl Added {
    pub(crate) const NONE: Self = Self {
        behind: "",
        keys: || &[],
    };
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

impl TableKeys {
    /// The same with keys that come from rows further to the right.
    pub(crate) const fn with(self, added: Added) -> Self {
        Self { added, ..self }
    }

    /// Every key, those of `one_of` aside.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        let behind = |key: &Key| key.name == self.added.behind;
        let at = self.keys.iter().position(behind);
        let (before, after) = self.keys.split_at(at.map_or(self.keys.len(), |at| at + 1));
        let added = (self.added.keys)().iter().copied();
        before.iter().chain(added).chain(after)
    }

    /// The key of that name, those of `one_of` aside.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.all().find(|key| key.name == name)
    }

    /// The name of every key.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        let keys = self.all().map(|key| key.name);
        keys.chain((self.one_of)().iter().map(|table_keys| table_keys.what))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Whether the table takes the key, and with values for which `fits` holds.
    pub(crate) fn takes(&self, name: &str, fits: impl Fn(&KeyType) -> bool) -> bool {
        match self.key(name) {
            Some(key) => fits(&key.kind),
            None => self.has(name),
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
