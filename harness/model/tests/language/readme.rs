use bridgelab_model::scenario::{action_kinds, check_kinds, readme};

const README: &str = include_str!("../../../../scenarios/README.md");

#[test]
fn the_tables_that_people_read_are_these() {
    assert!(
        readme(README) == README,
        "write them again: `bridgelab schema --readme scenarios/README.md`"
    );
    for kind in check_kinds().into_iter().chain(action_kinds()) {
        let row = format!("\n| `{}` | `", kind.name);
        assert!(README.contains(&row), "{row}");
    }
}
