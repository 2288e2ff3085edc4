use bridgelab_model::scenario::machine_link::MachineLinks;
use bridgelab_model::scenario::schema;

#[test]
fn there_is_one_table_and_it_has_rows() {
    let tables: Vec<_> = inventory::iter::<MachineLinks>.into_iter().collect();
    assert_eq!(tables.len(), 1);
    assert!(!tables[0].0.is_empty());
    assert!(schema().to_string().contains("\"macvlans\":"));
}
