//! What a scenario has become by what a held lab was asked for. Pure.

use toml::{Table, Value};

/// A scenario's text with the checks and steps that were added, and which step came last.
#[derive(Debug, Clone)]
pub(super) struct AskedFor {
    text: String,
    last: Option<String>,
}

impl AskedFor {
    /// Nothing yet.
    pub(super) fn new(scenario: &str) -> Self {
        Self {
            text: scenario.to_owned(),
            last: None,
        }
    }

    /// The scenario with all of it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// With a check of these keys, which comes after the last step unless they say otherwise.
    ///
    /// # Errors
    /// Why the keys are no TOML.
    pub(super) fn with_check(&self, id: &str, keys: &str) -> Result<Self, toml::de::Error> {
        let mut keys = table(keys)?;
        if let Some(last) = &self.last {
            keys.entry("after").or_insert_with(|| last.as_str().into());
        }
        Ok(Self {
            text: self.with("checks", id, keys),
            last: self.last.clone(),
        })
    }

    /// With a step of these keys.
    ///
    /// # Errors
    /// Why the keys are no TOML.
    pub(super) fn with_step(&self, id: &str, keys: &str) -> Result<Self, toml::de::Error> {
        Ok(Self {
            text: self.with("steps", id, table(keys)?),
            last: Some(id.to_owned()),
        })
    }

    /// That id, or the first of `ID-2`, `ID-3`, ... that no step of the scenario has.
    pub(super) fn unused(&self, id: &str) -> String {
        let tree = self.tree();
        let steps = tree.get("steps").and_then(Value::as_array);
        let taken = |id: &str| {
            let mut steps = steps.into_iter().flatten();
            steps.any(|step| step.get("id").and_then(Value::as_str) == Some(id))
        };
        let mut free = id.to_owned();
        let mut number = 1;
        while taken(&free) {
            number += 1;
            free = format!("{id}-{number}");
        }
        free
    }

    fn with(&self, list: &str, id: &str, mut keys: Table) -> String {
        keys.insert("id".to_owned(), id.into());
        let mut tree = self.tree();
        let known = tree.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(known) = known {
            known.push(keys.into());
        }
        toml::to_string(&tree).unwrap_or_default()
    }

    /// The lab stands, so its scenario is TOML.
    fn tree(&self) -> Table {
        self.text.parse().unwrap_or_default()
    }
}

fn table(keys: &str) -> Result<Table, toml::de::Error> {
    keys.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> AskedFor {
        AskedFor::new("version = 1\n# a comment\n[[checks]]\nid = 'a'\n")
    }

    #[test]
    fn a_step_id_that_is_taken_gets_a_number() {
        let one = scenario().with_step("stop", "").expect("TOML");
        let two = one.with_step("stop-2", "").expect("TOML");
        assert_eq!(scenario().unused("stop"), "stop");
        assert_eq!(one.unused("stop"), "stop-2");
        assert_eq!(two.unused("stop"), "stop-3");
        assert_eq!(two.unused("start"), "start");
    }

    #[test]
    fn a_check_comes_after_the_last_step_unless_it_says_otherwise() {
        let after = |asked: &AskedFor, keys| {
            let more = asked.with_check("b", keys).expect("TOML");
            let tree: Table = more.text().parse().expect("TOML");
            let check = tree["checks"][1].clone();
            assert_eq!(check["id"].as_str(), Some("b"));
            check
                .get("after")
                .map(|step| step.as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(after(&scenario(), ""), None);
        let stepped = scenario().with_step("down", "[link_down]\non = 'host'");
        let stepped = stepped.expect("TOML");
        assert_eq!(after(&stepped, "").as_deref(), Some("down"));
        assert_eq!(after(&stepped, "after = 'x'").as_deref(), Some("x"));
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let error = scenario().with_check("b", "from = ").expect_err("no TOML");
        let error = error.to_string();
        assert!(error.contains("line 1, column"), "{error}");
    }
}
