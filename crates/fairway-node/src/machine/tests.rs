use super::*;

#[test]
fn the_facts_of_this_machine_are_there() {
    let machine = inspect();
    assert!(!machine.kernel.is_empty());
    assert!(machine.cpus >= 1);
    assert!(machine.memory_bytes > 64 << 20);
    assert!(!machine.user_reason.is_empty());
    assert_eq!(machine.cgroups == "none", machine.cgroups_reason.is_some());
}

#[test]
fn facts_are_data_too() {
    let value = serde_json::to_value(inspect()).unwrap();
    assert!(value["userMode"].is_string());
}
