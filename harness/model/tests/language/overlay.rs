use std::path::Path;

use bridgelab_model::scenario::names::VariantName;
use bridgelab_model::scenario::{Scenario, load_text};

/// The form in which a variant with this text is laid over a file with that.
fn laid(base: &str, over: &str) -> Scenario {
    let text = format!("version = 1\nsummary = 'x'\n{base}\n[variants.over]\n{over}\n");
    let loaded = load_text(Path::new("a.toml"), text)
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let over = VariantName::try_from("over").expect("a name");
    loaded.scenario(Some(&over)).expect("its form")
}

#[test]
fn checks_merge_by_id_and_keep_their_order() {
    let ping = |to: &str| format!("from = 'host', ping = {{ to = '{to}' }}");
    let first = format!("{{ id = 'a', {} }}", ping("192.168.1.1"));
    let base = format!("checks = [{first}, {{ id = 'b', {} }}]", ping("::1"));
    let checks = |over: &str| {
        let checks = laid(&base, over).checks.into_iter();
        let checks = checks.map(|check| (check.id.to_string(), format!("{:?}", check.kind)));
        checks.collect::<Vec<_>>()
    };
    let new = format!("{{ id = 'c', {} }}", ping("::2"));
    let found = checks(&format!(
        "checks = [{new}, {{ id = 'a', ping = {{ to = '192.168.1.9' }} }}]"
    ));
    let ids: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert!(found[0].1.contains("192.168.1.9"), "{found:?}");
    // Another kind takes the old one's place.
    let found = checks("checks = [{ id = 'a', tcp = { to = '::1', port = 1 } }]");
    assert_eq!(found.len(), 2);
    assert!(found[0].1.starts_with("Tcp"), "{found:?}");
    assert!(found[1].1.starts_with("Ping"), "{found:?}");
}

#[test]
fn steps_merge_by_id_and_new_ones_go_where_they_say() {
    let link = |id: &str, more: &str| {
        format!("{{ id = '{id}'{more}, link_up = {{ on = 'host', interface = 'eno1' }} }}")
    };
    let base = format!("steps = [{}, {}]", link("a", ""), link("b", ""));
    let steps = |over: &str| {
        let steps = laid(&base, over).steps.into_iter();
        let steps = steps.map(|step| {
            let action = step.action.expect("what it does");
            format!("{} {}", step.id, action.key())
        });
        steps.collect::<Vec<_>>()
    };
    assert_eq!(
        steps("steps = [{ id = 'a', link_down = { on = 'host', interface = 'eno1' } }]"),
        ["a link_down", "b link_up"]
    );
    let new = [
        link("c", ", before = 'b'"),
        link("d", ""),
        link("e", ", before = 'c'"),
    ];
    assert_eq!(
        steps(&format!("steps = [{}]", new.join(", "))),
        [
            "a link_up",
            "e link_up",
            "c link_up",
            "b link_up",
            "d link_up"
        ]
    );
}
