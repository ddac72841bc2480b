use super::*;

fn claim(storage: &str) -> Value {
    json!({
        "kind": "PersistentVolumeClaim", "metadata": { "name": "db-data" },
        "spec": { "resources": { "requests": { "storage": storage } } },
    })
}

#[test]
fn room_grows_with_a_plan_and_never_shrinks() {
    let shrinks = || Err(Shrinks { claim: "db-data".to_owned(), wanted: "1Gi".to_owned(), has: "10Gi".to_owned() });
    for (wanted, has, another_plan, outcome, then) in [
        ("1Gi", None, true, Ok(()), "1Gi"),
        ("10Gi", Some("1Gi"), true, Ok(()), "10Gi"),
        ("1Gi", Some("1024Mi"), true, Ok(()), "1Gi"),
        ("1Gi", Some("10Gi"), true, shrinks(), "1Gi"),
        // Given more by hand, or by a plan of the class that has less since.
        ("1Gi", Some("10Gi"), false, Ok(()), "10Gi"),
        ("1Gi", Some("much"), true, Ok(()), "1Gi"),
    ] {
        let mut objects = [json!({ "kind": "ConfigMap", "metadata": { "name": "db-data" } }), claim(wanted)];
        let has = has.map(|it| ("db-data".to_owned(), it.to_owned())).into_iter().collect();
        assert_eq!(keep_room(&mut objects, &has, another_plan), outcome, "{wanted} {has:?}");
        assert_eq!(objects[1], claim(then), "{wanted} {has:?}");
    }
}
