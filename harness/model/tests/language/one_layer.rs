use std::path::Path;

use bridgelab_model::scenario::load_text;

const HEAD: &str = "version = 1\nsummary = 'x'\n";

/// The underlined text and message of each fault.
fn told(text: &str) -> Vec<(String, String)> {
    let text = format!("{HEAD}{text}");
    match load_text(Path::new("a.toml"), text.clone()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .faults()
            .map(|fault| (text[fault.span.clone()].to_owned(), fault.message.clone()))
            .collect(),
    }
}

fn at(underlined: &str, message: &str) -> (String, String) {
    (underlined.to_owned(), message.to_owned())
}

#[test]
fn a_step_that_is_put_nowhere_is_told() {
    let step = |id| format!("{{ id = '{id}', run = {{ on = 'host', command = ['true'] }} }}");
    let file = format!("steps = [{}, {}]\n", step("a"), step("b"));
    let before = |text: String| text.replace("run", "before = 'a', run");
    let own = format!("steps = [{}, {}]\n", step("a"), before(step("b")));
    assert_eq!(
        told(&own),
        [at("before", "`before` of a step of the file itself")]
    );
    let known = format!("{file}variants.x.steps = [{}]\n", before(step("b")));
    let message = "`before` of step `b`, which the file has already";
    assert_eq!(told(&known), [at("before", message)]);
    let new = format!("{file}variants.x.steps = [{}]\n", before(step("c")));
    assert_eq!(told(&new), []);
}
