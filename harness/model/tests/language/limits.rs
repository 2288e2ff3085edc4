use std::fmt::Write as _;
use std::path::Path;

use bridgelab_model::scenario::{LoadedScenario, ScenarioErrors, load_text};

const HEAD: &str = "version = 1\nsummary = 'x'\n";
const GUEST: &str =
    "[guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n";

fn loaded(text: &str) -> Result<LoadedScenario, ScenarioErrors> {
    load_text(Path::new("a.toml"), text.to_owned())
}

/// A fault of a limit alone, with its line and the text that is underlined.
#[track_caller]
fn refused(text: &str, message: &str, line: usize, underlined: &str) {
    let errors = loaded(text).unwrap_err();
    let faults: Vec<_> = errors.faults().collect();
    let [fault] = faults.as_slice() else {
        panic!("{}", errors.render(false));
    };
    assert_eq!(
        (fault.code, fault.message.as_str()),
        ("scenario.limit", message)
    );
    assert_eq!((fault.line, &text[fault.span.clone()]), (line, underlined));
}

fn each(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, number| text + &one(number))
}

#[test]
fn things_of_a_form_are_counted_in_the_order_of_the_file() {
    let machines = |count: usize| {
        // Named so that the last by name is not the last in the file.
        let one = |number: usize| format!("[machines.m{}]\n", 9999 - number);
        format!("{HEAD}{}", each(count, one))
    };
    // Four are of the base.
    assert!(loaded(&machines(1020)).is_ok());
    let message = "there are more than 1024 machines";
    refused(&machines(1021), message, 2 + 1021, "m8979");
    let steps = |count: usize| {
        let one = |number| {
            format!(
                "[[steps]]\nid = 's{number}'\nlink_down = {{ on = 'host', interface = 'eno1' }}\n"
            )
        };
        format!("{HEAD}{}", each(count, one))
    };
    assert!(loaded(&steps(1024)).is_ok());
    let errors = loaded(&steps(1025)).unwrap_err();
    let faults: Vec<_> = errors
        .faults()
        .map(|fault| (fault.line, &*fault.message))
        .collect();
    assert_eq!(faults, [(3 + 3 * 1024, "there are more than 1024 steps")]);
}

#[test]
fn values_and_keys_of_a_matrix_are_counted_before_they_are_compared() {
    let mut values = String::new();
    for value in 1..=65 {
        let _ = write!(values, "{value},");
    }
    let text = format!("{HEAD}[matrix]\nvcpu = [{values}]\n{GUEST}");
    refused(
        &text,
        "`vcpu` has more than 64 values in the matrix",
        4,
        "65",
    );
    let text = text.replace("65,", "");
    assert_eq!(loaded(&text).unwrap().forms().count(), 64);
    let again = text.replace("64,", "63,");
    let errors = loaded(&again).unwrap_err();
    assert_eq!(errors.faults().next().unwrap().code, "scenario.duplicate");
    let one = |number| format!("g{number}.vcpu = [1]\n");
    let text = format!("{HEAD}[matrix]\n{}", each(65, one));
    refused(&text, "the matrix has more than 64 keys", 4, "g0");
}
