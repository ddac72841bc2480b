use std::os::unix::fs::chown;

use super::*;

#[test]
fn every_pod_has_a_range_and_nobody_elses() {
    let ranges = Ranges::Each(Mutex::default());
    let (one, two) = (ranges.take("one").unwrap(), ranges.take("two").unwrap());
    assert_eq!((one, two), (FIRST, FIRST + USERS));
    assert_eq!(ranges.take("one"), Some(one), "asking again changes nothing");
    ranges.free("one");
    assert_eq!(ranges.take("three"), Some(FIRST + 2 * USERS), "what was freed is not given again at once");
    let rest = (FIRST_OF_NAMESPACES - FIRST) / USERS - 2;
    let given: std::collections::BTreeSet<_> = (0..rest).map(|it| ranges.take(&it.to_string()).unwrap()).collect();
    assert_eq!(u32::try_from(given.len()).unwrap(), rest);
    assert!(given.contains(&one) && !given.contains(&two));
    assert_eq!(ranges.take("one more"), None);
    ranges.free("two");
    assert_eq!(ranges.take("one more"), Some(two));
}

#[test]
fn the_owners_of_folders_tell_who_has_which() {
    if !rustix::process::geteuid().is_root() {
        use std::io::Write as _;
        let _nobody_listens = writeln!(std::io::stderr(), "skipped: only root gives files away");
        return;
    }
    let pods = tempfile::tempdir().unwrap();
    for (pod, owner) in
        [("before", FIRST + 7 * USERS), ("shared", FIRST_OF_NAMESPACES), ("single", FIRST - 1), ("new", 0)]
    {
        std::fs::create_dir(pods.path().join(pod)).unwrap();
        chown(pods.path().join(pod), Some(owner), Some(owner)).unwrap();
    }
    let ranges = Ranges::of(pods.path());
    assert_eq!(ranges.take("before"), Some(FIRST + 7 * USERS));
    assert_eq!(ranges.take("new"), Some(FIRST + 8 * USERS));
    let Ranges::Each(given) = ranges else { unreachable!("they are many") };
    assert_eq!(given.lock().unwrap().by_pod.len(), 2);
}

#[test]
fn ranges_lie_where_nobody_else_has_users() {
    // systemd: 0x0008_0000 to 0x6fff_ffff for its containers, 0x7fff_fffe and more for itself. shadow: to 600,100,000.
    const { assert!(FIRST > 0x7000_0000 && FIRST > 600_100_000 && END + USERS - 1 <= 0x7fff_ffff) };
    assert_eq!((FIRST % USERS, FIRST_OF_NAMESPACES % USERS, END % USERS), (0, 0, 0));
    assert!(is_of_namespace(FIRST_OF_NAMESPACES) && is_of_namespace(last()));
    assert!(!is_of_namespace(FIRST_OF_NAMESPACES + 1) && !is_of_namespace(FIRST) && !is_of_namespace(END));
    assert_eq!(for_namespace(&[FIRST_OF_NAMESPACES].into()), Some(FIRST_OF_NAMESPACES + USERS));
    assert_eq!(
        [0, 999, 65_534, 65_535, 1_000_650_000].map(|it| outside(FIRST, it) - FIRST),
        [0, 999, 65_534, 65_535, 65_535]
    );
    assert!(
        holds(FIRST, FIRST) && holds(FIRST, FIRST + 65_535) && !holds(FIRST, FIRST - 1) && !holds(FIRST, FIRST + USERS)
    );
}

#[test]
fn without_root_all_pods_have_one_and_it_is_none_that_root_gives() {
    let ranges = Ranges::One;
    assert_eq!((ranges.take("one"), ranges.take("two")), (Some(SHARED), Some(SHARED)));
    assert!(!holds(SHARED, 0) && !holds(SHARED, 65_534), "neither the person nor whoever is not there");
    const { assert!(SHARED + USERS <= FIRST) };
}
