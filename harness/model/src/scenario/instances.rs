//! The forms of a scenario file: the file as it stands and each variant, each once for every combination of the
//! matrix.

use thiserror::Error;

use super::names::{CheckId, VariantName};
use super::{Fault, Scenario};
use crate::diagnostic::Diagnose;
use crate::did_you_mean::suggest;

/// What the form without a variant is called.
pub const GREEN: &str = "green";

impl Scenario {
    /// The form's name: `green` or the variant, the matrix' values, and those that are imposed: `no-19-docker,vcpu=2`.
    pub fn form(&self) -> String {
        let values = self.overrides.iter().map(|value| format!(",{value}"));
        std::iter::once(self.own_form()).chain(values).collect()
    }

    /// The checks of which at least one must fail, this one among them; none where it is in no such set.
    pub fn any_of(&self, check: &CheckId) -> &[CheckId] {
        let mut sets = self.any_of.iter();
        let set = sets.find(|set| set.contains(check));
        set.map_or(&[], Vec::as_slice)
    }

    /// [`form`](Self::form) as the file alone has it.
    pub fn own_form(&self) -> String {
        let variant = self.variant.as_ref().map_or(GREEN, VariantName::as_str);
        let values = self.matrix.iter().map(|value| format!(",{value}"));
        std::iter::once(variant.to_owned()).chain(values).collect()
    }

    /// [`form`](Self::form), or nothing for the one form that needs no name: the file as it stands.
    pub fn form_if_any(&self) -> Option<String> {
        let plain = self.variant.is_none() && self.matrix.is_empty() && self.overrides.is_empty();
        (!plain).then(|| self.form())
    }

    /// The name of its test: `simple-network::no-19-docker::qemu`, and behind it the matrix' values.
    ///
    /// `scenario` is the path below `scenarios/`.
    pub fn test_name(&self, scenario: &str) -> String {
        let variant = self.variant.as_ref().map_or(GREEN, VariantName::as_str);
        let mut hypervisors: Vec<&str> = self
            .guests
            .values()
            .map(|guest| guest.hypervisor.row().name)
            .collect();
        hypervisors.sort_unstable();
        hypervisors.dedup();
        let hypervisors = match hypervisors.as_slice() {
            [] => "no-guest".to_owned(),
            some => some.join("+"),
        };
        let values = self.matrix.iter().filter(|value| value.key != "hypervisor");
        let values: String = values.map(|value| format!("::{value}")).collect();
        format!("{scenario}::{variant}::{hypervisors}{values}")
    }
}

/// A scenario file in which everything is right: all its forms.
#[derive(Debug, Clone)]
pub struct LoadedScenario {
    pub(super) first: Box<Scenario>,
    pub(super) rest: Vec<Scenario>,
    pub(super) warnings: Vec<Fault>,
    pub(super) text: String,
}

/// A form that the scenario does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("scenario `{scenario}` has no form `{form}`")]
pub struct UnknownForm {
    /// The scenario's name.
    pub scenario: String,
    /// The form asked for.
    pub form: String,
    help: String,
}

impl Diagnose for UnknownForm {
    fn code(&self) -> &'static str {
        "scenario.unknown-form"
    }

    fn help(&self) -> Option<String> {
        Some(self.help.clone())
    }
}

impl LoadedScenario {
    /// Folder or file stem.
    pub fn name(&self) -> &str {
        &self.first.name
    }

    /// One line for people.
    pub fn summary(&self) -> &str {
        &self.first.summary
    }

    /// Free labels to filter by.
    pub fn tags(&self) -> &[String] {
        &self.first.tags
    }

    /// The text of its file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is doubtful about its unit files, in any of its forms, each once; file by file.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Every form: green first, then the variants by name; of each, the combinations of the matrix in the file's
    /// order.
    pub fn forms(&self) -> impl Iterator<Item = &Scenario> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// The variants' names.
    pub fn variants(&self) -> impl Iterator<Item = &VariantName> {
        let mut last = None;
        let named = self.forms().filter_map(|form| form.variant.as_ref());
        named.filter(move |name| last.replace(*name) != Some(*name))
    }

    /// The green form, or a variant; of a matrix, the first combination.
    ///
    /// # Errors
    ///
    /// When there is no such variant; everything else was found by [`load`](super::load).
    pub fn scenario(&self, variant: Option<&VariantName>) -> Result<Scenario, UnknownForm> {
        let mut forms = self.forms().filter(|form| form.variant.as_ref() == variant);
        let found = forms.next().cloned();
        found.ok_or_else(|| self.unknown(variant.map_or(GREEN, VariantName::as_str)))
    }

    /// The forms that a name means: one of them by its whole name, or every combination of `green` or of a variant.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn named(&self, name: &str) -> Result<Vec<&Scenario>, UnknownForm> {
        let is_it = |form: &&Scenario| form.form() == name || form.own_form() == name;
        // Without a matrix, the name of a variant is its whole name.
        let whole = self.forms().find(is_it);
        if let Some(form) = whole {
            return Ok(vec![form]);
        }
        let variant = |form: &&Scenario| {
            let variant = form.variant.as_ref();
            variant.map_or(GREEN, VariantName::as_str) == name
        };
        let forms: Vec<_> = self.forms().filter(variant).collect();
        if forms.is_empty() {
            return Err(self.unknown(name));
        }
        Ok(forms)
    }

    fn unknown(&self, wanted: &str) -> UnknownForm {
        let forms: Vec<String> = self.forms().map(Scenario::form).collect();
        UnknownForm {
            scenario: self.name().to_owned(),
            form: wanted.to_owned(),
            help: suggest(wanted, "forms", forms.iter().map(String::as_str)),
        }
    }
}
