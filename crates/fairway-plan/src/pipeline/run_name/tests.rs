use super::*;

#[test]
fn the_name_follows_from_what_the_run_is_of() {
    let name = run_name("orders", "refs/heads/main", "a1", "");
    assert_eq!(name, run_name("orders", "refs/heads/main", "a1", ""));
    assert_eq!(name.len(), "orders-".len() + 10);
    let others = [
        run_name("order", "refs/heads/main", "a1", ""),
        run_name("orders", "refs/heads/other", "a1", ""),
        run_name("orders", "refs/heads/main", "a2", ""),
        run_name("orders", "refs/heads/main", "a1", "a0"),
    ];
    assert!(others.iter().all(|it| *it != name), "{others:?}");
}
