use super::*;

#[test]
fn the_map_says_who_somebody_is() {
    const ALL: &str = "         0          0 4294967295\n";
    for (user, map, expected) in [
        (0, ALL, "root"),
        (1000, ALL, "user 1000"),
        (0, "", "root"),
        (1000, "", "user 1000"),
        (0, "0 1000 1\n", "user 1000"),
        (1000, "1000 1000 1\n", "user 1000"),
        (0, "0 1000 1\n1 100000 65536\n", "user 1000 with the range of 65536 users from 100000"),
        (0, "0 100000 65536\n", "user 100000 with the range of 65536 users from 100000"),
        (7, "0 100000 65536\n", "user 100007"),
        (0, "not a map\n-1 x 9999999999999\n", "root"),
    ] {
        assert_eq!(Owner::of(user, map).to_string(), expected, "{user} in {map:?}");
    }
}

#[test]
fn only_who_can_give_every_pod_a_user_is_root() {
    assert!(Owner::of(0, "0 0 4294967295").is_root());
    assert!(!Owner::of(0, "0 100000 65536").is_root());
    assert!(!Owner::of(1, "0 0 4294967295").is_root());
}
