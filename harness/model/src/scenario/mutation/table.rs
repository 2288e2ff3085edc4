//! All operators.

use super::layers::{
    address, autoconf, bridge, docker, file, firewall, link, matching, nic, service, sysctl,
};
use super::row::Operator;

/// The rows of each layer.
const LAYERS: [&[Operator]; 11] = [
    file::ROWS,
    matching::ROWS,
    link::ROWS,
    bridge::ROWS,
    address::ROWS,
    autoconf::ROWS,
    sysctl::ROWS,
    firewall::ROWS,
    service::ROWS,
    nic::ROWS,
    docker::ROWS,
];

/// All operators, layer by layer.
pub fn all() -> impl Iterator<Item = &'static Operator> {
    LAYERS.into_iter().flatten()
}

/// The operators of that name, of that layer, or whose name begins so up to a dot: `bridge`, `unit.delete-line`.
pub fn named(name: &str) -> Vec<&'static Operator> {
    let is_named = |one: &&Operator| {
        let group = one.name.split_once('.').map(|(group, _)| group);
        one.name == name || one.layer.name() == name || group == Some(name)
    };
    all().filter(is_named).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_operator_has_a_name_of_its_own_and_says_what_it_does() {
        let names: BTreeSet<&str> = all().map(|one| one.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(names.len() >= 40, "{}", names.len());
        for one in all() {
            assert!(
                one.says.ends_with('.') && one.name.contains('.'),
                "{}",
                one.name
            );
            assert!(named(one.name).iter().any(|known| known.name == one.name));
            assert!(
                named(one.layer.name())
                    .iter()
                    .any(|known| known.name == one.name)
            );
        }
        assert!(named("nothing").is_empty());
    }
}
