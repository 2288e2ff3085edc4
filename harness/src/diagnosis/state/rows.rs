//! Lists in JSON.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The rows of a JSON list that can be read.
pub(super) fn rows<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let read = list
        .into_iter()
        .filter_map(|row| serde_json::from_value(row).ok());
    read.collect()
}
