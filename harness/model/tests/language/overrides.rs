use std::path::Path;

use bridgelab_model::diagnostic::Diagnose;
use bridgelab_model::scenario::names::VariantName;
use bridgelab_model::scenario::{
    LoadedScenario, Overrides, Scenario, ScenarioErrors, load_text_with,
};

const TWO: &str = "version = 1\nsummary = 'two'\n\
    [matrix]\nvcpu = [1, 2]\n\
    [guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01', queues = 4 }]\n\
    [guests.b]\nmem = 256\ninterfaces = [{ type = 'tap', id = 'vm-b', mac = '02:00:00:00:00:02' }]\n\
    [variants.large.guests.b]\nmem = 512\n";

fn loaded(text: &str, imposed: &[&str]) -> Result<LoadedScenario, ScenarioErrors> {
    let imposed: Vec<Overrides> = imposed.iter().map(|text| text.parse().unwrap()).collect();
    load_text_with(Path::new("two.toml"), text.to_owned(), &imposed)
}

#[test]
fn a_value_stands_over_file_variant_and_matrix_in_every_guest() {
    let loaded = loaded(TWO, &["vcpu=3", "mem=1000", "queues=2"]).unwrap();
    let names: Vec<_> = loaded.forms().map(Scenario::form).collect();
    assert_eq!(
        names,
        [
            "green,vcpu=3,mem=1000,queues=2",
            "large,vcpu=3,mem=1000,queues=2"
        ],
        "the matrix has lost its only key"
    );
    for form in loaded.forms() {
        for guest in form.guests.values() {
            assert_eq!((guest.vcpu, guest.mem), (3, 1000));
            assert_eq!(guest.interfaces[0].nic.queues, 2);
        }
    }
}

#[test]
fn a_form_is_found_by_its_name_with_and_without_what_is_imposed() {
    let loaded = loaded(TWO, &["mem=1000"]).unwrap();
    let whole = loaded.named("large,vcpu=2,mem=1000").unwrap();
    assert_eq!(whole.len(), 1);
    assert_eq!(whole[0].own_form(), "large,vcpu=2");
    assert_eq!(loaded.named("large,vcpu=2").unwrap().len(), 1);
    assert_eq!(loaded.named("large").unwrap().len(), 2);
    let large = VariantName::try_from("large").unwrap();
    let scenario = loaded.scenario(Some(&large)).unwrap();
    assert_eq!(
        scenario.form_if_any().as_deref(),
        Some("large,vcpu=1,mem=1000")
    );
}

#[test]
fn what_does_not_go_together_is_a_fault_of_the_command_line() {
    let errors = loaded(TWO, &["machine=q35", "transport=mmio"]).unwrap_err();
    let drawn = errors.render(false);
    assert!(
        drawn.contains("machine `q35` has no virtio-mmio"),
        "{drawn}"
    );
    assert!(drawn.contains("the command line:1:11"), "{drawn}");
    assert!(drawn.contains("transport=mmio"), "{drawn}");
}

/// `type` of every guest's NICs, whose words are those of rows.
#[test]
fn what_nics_are_can_be_imposed() {
    assert!("nic=tap".parse::<Overrides>().is_ok());
    let refused = "nic=tpa".parse::<Overrides>().unwrap_err();
    let told = refused.to_string();
    assert!(told.starts_with("`nic` cannot be `tpa`"), "{told}");
    let help = refused.help().unwrap_or_default();
    assert!(help.starts_with("did you mean `tap`?"), "{help}");
}
