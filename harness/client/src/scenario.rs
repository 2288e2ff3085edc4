//! A scenario put together by code, and written as the folder that a person would have written.
//!
//! There is no second way into the model. What it holds is the tree of a `scenario.toml`, so every key of the
//! format can be set the day it exists, mistakes come with the line of the written file, and a test's scenario can be
//! run again by `bridgelab run FOLDER`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::NoLab;

/// The file in a scenario's folder.
const FILE_NAME: &str = "scenario.toml";

/// Version of the format.
const FORMAT: i64 = 1;

/// A scenario of code.
///
/// ```
/// use bridgelab_client::{Scenario, toml::toml};
///
/// let scenario = Scenario::new("a MicroVM on br0 is reached from the LAN")
///     .networkd("host", [
///         ("br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n"),
///         ("10-lan.network", "[Match]\nName=eno1\nName=vm-*\n\n[Network]\nBridge=br0\n"),
///         ("10-br0.network", "[Match]\nName=br0\n\n[Network]\nAddress=192.168.1.2/24\n"),
///     ])
///     .guest("test1", toml! {
///         image = "tiny"
///         interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01", addresses = ["192.168.1.3/24"] }]
///     })
///     .check("desktop-ping-guest", toml! {
///         from = "desktop"
///         ping = { to = "192.168.1.3" }
///     });
/// let folder = tempfile::tempdir()?;
/// scenario.write(folder.path())?; // what is wrong in it: `bridgelab check FOLDER`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scenario {
    tree: Table,
    /// Files beside the scenario's, by path relative to it.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Scenario {
    /// Begins one on the base topology; `summary` is one line for people.
    pub fn new(summary: &str) -> Self {
        let tree = Table::from_iter([
            ("version".to_owned(), Value::Integer(FORMAT)),
            ("summary".to_owned(), Value::String(summary.to_owned())),
        ]);
        let files = BTreeMap::new();
        Self { tree, files }
    }

    /// Sets any key of the format, by the names of the tables on the way to it:
    /// `set(["machines", "router", "dnsmasq", "ra", "lifetime"], 0)`.
    #[must_use]
    pub fn set<'k>(
        mut self,
        keys: impl IntoIterator<Item = &'k str>,
        value: impl Into<Value>,
    ) -> Self {
        let mut keys: Vec<&str> = keys.into_iter().collect();
        let Some(last) = keys.pop() else { return self };
        let mut table = &mut self.tree;
        for key in keys {
            let inner = table
                .entry(key)
                .or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            match inner {
                Value::Table(inner) => table = inner,
                _ => return self,
            }
        }
        table.insert(last.to_owned(), value.into());
        self
    }

    /// `[machines.NAME]`.
    #[must_use]
    pub fn machine(self, name: &str, keys: Table) -> Self {
        self.over(&["machines", name], keys)
    }

    /// `[guests.NAME]`.
    #[must_use]
    pub fn guest(self, name: &str, keys: Table) -> Self {
        self.over(&["guests", name], keys)
    }

    /// A systemd-networkd in a machine, with these unit files.
    #[must_use]
    pub fn networkd<'f>(
        self,
        machine: &str,
        units: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Self {
        let folder = format!("machine-{machine}");
        self.units(&folder, units)
            .set(["machines", machine, "networkd"], folder)
    }

    /// These unit files in a guest.
    #[must_use]
    pub fn guest_units<'f>(
        self,
        guest: &str,
        units: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Self {
        let folder = format!("guest-{guest}");
        self.units(&folder, units)
            .set(["guests", guest, "units"], folder)
    }

    /// `[[checks]]` with this id.
    #[must_use]
    pub fn check(mut self, id: &str, mut keys: Table) -> Self {
        keys.insert("id".to_owned(), id.into());
        let checks = self
            .tree
            .entry("checks")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(checks) = checks {
            checks.push(keys.into());
        }
        self
    }

    fn over(self, keys: &[&str], table: Table) -> Self {
        table.into_iter().fold(self, |scenario, (key, value)| {
            let keys = keys.iter().copied().chain([key.as_str()]);
            scenario.set(keys.collect::<Vec<_>>(), value)
        })
    }

    fn units<'f>(
        mut self,
        folder: &str,
        units: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Self {
        for (name, text) in units {
            let path = Path::new(folder).join(name);
            self.files.insert(path, text.as_bytes().to_vec());
        }
        self
    }

    /// The text of its `scenario.toml`.
    pub fn to_toml(&self) -> String {
        // A table of TOML's own values has nothing that TOML cannot say.
        toml::to_string(&self.tree).unwrap_or_default()
    }

    /// Writes it into a folder, which is made if it is not there; the scenario is named like the folder.
    ///
    /// # Errors
    /// [`NoLab::Written`] when a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), NoLab> {
        let write = |path: PathBuf, bytes: &[u8]| {
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            let written = made.and_then(|()| fs::write(&path, bytes));
            written.map_err(|source| NoLab::Written { path, source })
        };
        for (path, bytes) in &self.files {
            write(folder.join(path), bytes)?;
        }
        write(folder.join(FILE_NAME), self.to_toml().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::toml;

    #[test]
    fn later_keys_replace_earlier_ones_and_leave_the_others() {
        let scenario = Scenario::new("x")
            .guest("a", toml! { vcpu = 1 })
            .guest("a", toml! { mem = 256 })
            .set(["guests", "a", "vcpu"], 2)
            .set(
                ["machines", "router", "sysctls", "net.ipv4.ip_forward"],
                "0",
            );
        let tree = scenario.tree;
        assert_eq!(
            tree["guests"]["a"],
            Value::Table(toml! { vcpu = 2 mem = 256 })
        );
        assert_eq!(
            tree["machines"]["router"]["sysctls"]["net.ipv4.ip_forward"],
            "0".into()
        );
    }
}
