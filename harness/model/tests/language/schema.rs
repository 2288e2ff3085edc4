use bridgelab_model::scenario::schema;

#[test]
fn the_file_that_editors_read_is_this_one() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let checked_in = include_str!("../../../../scenarios/schema.json");
    assert!(
        text == checked_in,
        "write it again: `bridgelab schema >scenarios/schema.json`"
    );
}
