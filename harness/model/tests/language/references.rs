use std::collections::BTreeSet;

use bridgelab_model::scenario::{references, schema};
use serde_json::Value;

/// Keys whose values are paths, by what the schema calls them.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    let is_path = |of: &Value| of["title"] == "path";
    if let Some(properties) = value["properties"].as_object() {
        let paths = properties.iter().filter(|(_, of)| {
            let either = of["anyOf"].as_array();
            is_path(of) || either.is_some_and(|either| either.iter().any(is_path))
        });
        found.extend(paths.map(|(key, _)| key.clone()));
    }
    match value {
        Value::Object(inner) => inner.values().for_each(|one| keys(one, found)),
        Value::Array(inner) => inner.iter().for_each(|one| keys(one, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_a_path_is_known_here() {
    let mut found = BTreeSet::new();
    keys(&schema(), &mut found);
    let known = "file files ip6tables iptables networkd nftables units";
    assert_eq!(
        found.iter().map(String::as_str).collect::<Vec<_>>(),
        known.split(' ').collect::<Vec<_>>()
    );
    for key in found {
        let named = references(&format!("[some.table]\n{key} = 'a'\n")).expect("TOML");
        assert_eq!(named, BTreeSet::from([(key, "a".to_owned())]));
    }
}
