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
        (0, "0 1000 1\n65536 100000 65536\n", "user 1000 with 65536 lent users from 100000"),
        (0, "0 1000 1\n65536 100000 65535\n", "user 1000 with the range of 65535 users from 100000"),
        (0, "0 1000 1\n1 200000 1\n65536 100000 65536\n", "user 1000 with the range of 65536 users from 100000"),
        (65_536, "0 1000 1\n65536 100000 65536\n", "user 100000"),
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

#[test]
fn a_folder_gets_ranges_when_no_pod_has_one_user_any_more_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("node");
    let (can, cannot) = (|| None, || Some("it cannot be mapped".to_owned()));
    fs::create_dir_all(state.join("pods/old")).unwrap();
    fs::write(state.join(MARK), "root").unwrap();
    let root = |trial: &dyn Fn() -> Option<String>| Owner::Root.claim(&state, trial).map_err(|it| it.to_string());
    assert_eq!(root(&can), Ok(false), "its pods go on as they are");
    assert!(image_owners(&state) == Owners::Unpacker);
    fs::remove_dir(state.join("pods/old")).unwrap();
    assert_eq!(root(&cannot), Ok(false));
    assert_eq!(root(&can), Ok(true));
    assert_eq!(image_owners(&state), Owners::AsStored);
    assert_eq!(root(&cannot), Ok(true), "files of many users are there");
    let refused = Owner::Single { user: 1000 }.claim(&state, can).unwrap_err().to_string();
    assert!(
        refused.ends_with(
            "was made by root with a range of users for every pod and this is user 1000, who cannot have its files; \
         run as the one who made it, or use another folder"
        ),
        "{refused}"
    );
}

#[test]
fn without_root_there_are_no_ranges() {
    let folder = tempfile::tempdir().unwrap();
    for (owner, other) in [
        (Owner::Single { user: 1000 }, Owner::Root),
        (Owner::Range { user: 1000, first: 100_000, count: 65_536 }, Owner::Single { user: 1000 }),
    ] {
        let state = folder.path().join(owner.to_string());
        fs::create_dir(&state).unwrap();
        assert!(!owner.claim(&state, || None).unwrap());
        assert!(!owner.claim(&state, || None).unwrap());
        assert!(other.claim(&state, || None).is_err());
    }
}

#[test]
fn a_folder_of_one_user_gets_what_is_lent_when_no_pod_is_there_and_only_that_map_has_it_then() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (alone, lent) = (Owner::Single { user: 1000 }, Owner::Person { user: 1000, first: 100_000 });
    let can = || None;
    assert!(!alone.claim(state, can).unwrap());
    assert!(!lent.claim(state, || Some("files cannot be given away".to_owned())).unwrap());
    assert!(!alone.claim(state, can).unwrap(), "nothing has changed");
    fs::create_dir_all(state.join("pods/old")).unwrap();
    assert!(!lent.claim(state, can).unwrap(), "its pods go on as they are");
    fs::remove_dir(state.join("pods/old")).unwrap();
    assert!(lent.claim(state, can).unwrap());
    assert_eq!(image_owners(state), Owners::From(ranges::SHARED));
    for other in
        [alone, Owner::Root, Owner::Person { user: 1000, first: 165_536 }, Owner::Person { user: 1001, first: 100_000 }]
    {
        let refused = other.claim(state, can).unwrap_err().to_string();
        assert!(refused.contains("made by user 1000 with 65536 lent users from 100000 for all pods"), "{refused}");
    }
    assert!(lent.claim(state, can).unwrap());
}
