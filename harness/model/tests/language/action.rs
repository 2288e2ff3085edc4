use bridgelab_model::scenario::action_kinds;
use bridgelab_model::scenario::declare::Actions;

#[test]
fn there_is_one_table_and_it_has_rows() {
    let tables: Vec<_> = inventory::iter::<Actions>.into_iter().collect();
    assert_eq!(tables.len(), 1);
    let actions = action_kinds();
    assert_eq!(actions.len(), tables[0].0.len());
    assert!(actions.iter().any(|action| action.name == "start"));
}
