//! The format as a JSON Schema, for editors that complete and check TOML by one.
//!
//! It says what can be said of one file's structure: keys, types, words, ranges. What a key refers to, what
//! contradicts what, and what is missing after all layers are laid over each other is left to the reader, which
//! is never less strict.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::keys::{
    BASED, FILE, GUEST, GUEST_INTERFACE, INTERFACE, Key, KeyType, MACHINE, TableKeys, VARIANT,
};

/// The JSON Schema (draft 7, which editors' TOML plugins read) of a scenario file, as `scenarios/schema.json` has
/// it.
pub fn schema() -> Value {
    let mut definitions = Definitions::default();
    let mut schema = definitions.table(&FILE, Layer::Whole);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("bridgelab scenario");
    schema["definitions"] = json!(definitions.0);
    schema
}

/// Whether a table stands alone or is laid over another, which may have what this one leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Whole,
    Over,
}

/// Tables by name; `None` while one is being made, so that a table may hold its own kind.
#[derive(Default)]
struct Definitions(BTreeMap<String, Option<Value>>);

impl Definitions {
    fn reference(&mut self, table_keys: &TableKeys, layer: Layer) -> Value {
        let mut name = slug(table_keys.what);
        if layer == Layer::Over {
            name.push_str("-over-another");
        }
        if !self.0.contains_key(&name) {
            self.0.insert(name.clone(), None);
            let table = self.table(table_keys, layer);
            self.0.insert(name.clone(), Some(table));
        }
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    fn table(&mut self, table_keys: &TableKeys, layer: Layer) -> Value {
        let mut properties = Map::new();
        for key in table_keys.all() {
            let layer = match () {
                () if table_keys.what == VARIANT.what => Layer::Over,
                () if table_keys.what == FILE.what && !BASED.contains(&key.name) => Layer::Whole,
                () if table_keys.what == FILE.what => Layer::Over,
                () => layer,
            };
            properties.insert(key.name.to_owned(), self.key(key, layer));
        }
        for one in (table_keys.one_of)() {
            properties.insert(one.what.to_owned(), self.table(one, layer));
        }
        let mut table = json!({
            "type": "object",
            "description": table_keys.doc,
            "properties": properties,
            "additionalProperties": false,
        });
        let needed = |key: &&'static Key| {
            key.default.is_none() && (layer == Layer::Whole || key.name == "id")
        };
        let required: Vec<&str> = table_keys
            .all()
            .filter(needed)
            .map(|key| key.name)
            .collect();
        if !required.is_empty() {
            table["required"] = json!(required);
        }
        let one_of = (table_keys.one_of)();
        if !one_of.is_empty() {
            let mut choices: Vec<Value> = one_of
                .iter()
                .map(|one| json!({ "required": [one.what] }))
                .collect();
            if layer == Layer::Over {
                choices.push(json!({ "not": { "anyOf": choices.clone() } }));
            }
            table["oneOf"] = json!(choices);
        }
        table
    }

    fn key(&mut self, key: &Key, layer: Layer) -> Value {
        let mut value = self.kind(&key.kind, layer);
        let mut description = key.doc.to_owned();
        if let Some(default) = key.default {
            match serde_json::from_str::<Value>(default) {
                Ok(literal) => value["default"] = literal,
                Err(_) => description = format!("{description} (without it: {default})"),
            }
        }
        value["description"] = json!(description);
        value
    }

    /// Under a key of guests or of their interfaces: its values; under any other name, which is then a guest's or a machine's: its
    /// keys, those of its interfaces, and names of these with their keys.
    fn matrix(&mut self) -> Value {
        let table = |properties: Map<String, Value>| json!({ "type": "object", "properties": properties, "minProperties": 1 });
        let mut interface = table(self.many(&[&GUEST_INTERFACE, &INTERFACE]));
        interface["additionalProperties"] = json!(false);
        // A name may be that of a key, too: then its value is a table.
        let named = |properties: Map<String, Value>, below: &Value| {
            let both =
                |(key, values): (String, Value)| (key, json!({ "anyOf": [values, below.clone()] }));
            let mut all = table(properties.into_iter().map(both).collect());
            all["additionalProperties"] = below.clone();
            all
        };
        let all = self.many(&[&GUEST, &GUEST_INTERFACE, &MACHINE, &INTERFACE]);
        let mut defined = |name: &str, table: Value| {
            self.0.insert(name.to_owned(), Some(table));
            json!({ "$ref": format!("#/definitions/{name}") })
        };
        let below = defined("matrix-of-interface", interface);
        let below = defined("matrix-of-one", named(all, &below));
        let mut whole = named(self.many(&[&GUEST, &GUEST_INTERFACE]), &below);
        // It may be empty, as any table of the file.
        if let Some(whole) = whole.as_object_mut() {
            whole.remove("minProperties");
        }
        whole
    }

    /// The keys of these tables that take single values, each with an array of them. One that several of the tables have takes
    /// what any of them takes.
    fn many(&mut self, all_keys: &[&'static TableKeys]) -> Map<String, Value> {
        let mut kinds: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for table_keys in all_keys {
            for key in table_keys.all().filter(|key| key.kind.is_single()) {
                let kind = self.kind(&key.kind, Layer::Whole);
                let known = kinds.entry(key.name).or_default();
                if !known.contains(&kind) {
                    known.push(kind);
                }
            }
        }
        let many = kinds.into_iter().map(|(name, mut kinds)| {
            let items = match kinds.len() {
                1 => kinds.remove(0),
                _ => json!({ "anyOf": kinds }),
            };
            let values =
                json!({ "type": "array", "items": items, "minItems": 1, "uniqueItems": true });
            (name.to_owned(), values)
        });
        many.collect()
    }

    fn kind(&mut self, kind: &KeyType, layer: Layer) -> Value {
        match *kind {
            KeyType::Text => json!({ "type": "string" }),
            KeyType::Like(what, "") => json!({ "type": "string", "title": what }),
            KeyType::Like(what, pattern) => {
                json!({ "type": "string", "title": what, "pattern": pattern })
            }
            KeyType::Words(words) => json!({ "enum": words }),
            KeyType::Names(names) => json!({ "enum": names() }),
            KeyType::Integer(low, high) => {
                json!({ "type": "integer", "minimum": low, "maximum": high })
            }
            KeyType::Range(low, high) => {
                let number = json!({ "type": "integer", "minimum": low, "maximum": high });
                let pair =
                    json!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2 });
                json!({ "anyOf": [number, pair] })
            }
            KeyType::Flag => json!({ "type": "boolean" }),
            // An array of an upper layer takes the place of the lower one's.
            KeyType::List(element) => {
                json!({ "type": "array", "items": self.kind(element, Layer::Whole) })
            }
            KeyType::Map(value) => {
                json!({ "type": "object", "additionalProperties": self.kind(value, layer) })
            }
            KeyType::Matrix => self.matrix(),
            KeyType::Table(table_keys) => self.reference(table_keys, layer),
            KeyType::TextOr(table_keys) => {
                json!({ "anyOf": [{ "type": "string" }, self.reference(table_keys, layer)] })
            }
            KeyType::Free => {
                let free = json!({ "$ref": "#/definitions/free" });
                // Floats and dates are in none of our values.
                let any = json!({
                    "type": ["string", "integer", "boolean", "array", "object"],
                    "items": free,
                    "additionalProperties": free,
                });
                self.0.insert("free".to_owned(), Some(any));
                json!({ "type": "object", "additionalProperties": free })
            }
            KeyType::ById(table_keys) => {
                json!({ "type": "array", "items": self.reference(table_keys, layer) })
            }
        }
    }
}

/// `a machine's interface`: `machine-interface`.
fn slug(what: &str) -> String {
    let words = what.replace("'s", "").replace('`', "");
    let words = words.split(' ').filter(|word| !matches!(*word, "a" | "an"));
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_layer_may_leave_out_must_be_there_in_a_table_of_its_own() {
        let schema = schema();
        let required = |name: &str| schema["definitions"][name]["required"].clone();
        assert_eq!(required("check"), json!(["id"]));
        assert_eq!(required("check-over-another"), json!(["id"]));
        assert_eq!(required("dnsmasq-over-another"), Value::Null);
        assert_eq!(required("machine-interface"), json!(["name", "segment"]));
        assert_eq!(schema["required"], json!(["version", "summary"]));
    }
}
