use super::*;

fn size(name: &str, replicas: i32, available: i32) -> Size {
    Size { name: name.to_owned(), replicas, available }
}

fn limits(desired: i32, surge: i32, unavailable: i32) -> Limits {
    Limits { desired, surge, unavailable }
}

#[test]
fn percentages_round_surge_up_and_unavailable_down() {
    let percent = |it: &str| IntOrString::String(it.to_owned());
    for (desired, surge, unavailable, expected) in [
        (4, percent("25%"), percent("25%"), (1, 1)),
        (3, percent("25%"), percent("25%"), (1, 0)),
        (1, percent("0%"), percent("25%"), (0, 1)),
        (10, IntOrString::Int(2), IntOrString::Int(0), (2, 0)),
        (0, IntOrString::Int(0), IntOrString::Int(0), (0, 1)),
        (2, IntOrString::Int(0), IntOrString::Int(9), (0, 2)),
    ] {
        let it = Limits::of(desired, Some(&surge), Some(&unavailable));
        assert_eq!((it.surge, it.unavailable), expected, "{desired} {surge:?} {unavailable:?}");
    }
}

#[test]
fn the_new_grows_only_into_the_room_that_surge_leaves() {
    let old = [size("old", 3, 3)];
    assert_eq!(grow(limits(3, 1, 0), &size("new", 0, 0), &old), 1);
    assert_eq!(grow(limits(3, 1, 0), &size("new", 1, 0), &old), 1);
    assert_eq!(grow(limits(3, 1, 0), &size("new", 5, 5), &[]), 3);
    assert_eq!(grow(limits(3, 0, 1), &size("new", 0, 0), &[size("old", 2, 2)]), 1);
}

#[test]
fn the_old_shrinks_only_as_the_new_becomes_available() {
    let old = [size("old", 3, 3)];
    assert_eq!(shrink(limits(3, 1, 0), &size("new", 1, 0), &old), [("old".to_owned(), 3)]);
    assert_eq!(shrink(limits(3, 1, 0), &size("new", 1, 1), &old), [("old".to_owned(), 2)]);
    assert_eq!(shrink(limits(3, 1, 0), &size("new", 3, 3), &old), [("old".to_owned(), 0)]);
}

#[test]
fn what_never_became_available_goes_first() {
    let old = [size("older", 1, 0), size("old", 3, 3)];
    let sizes = shrink(limits(3, 1, 0), &size("new", 0, 0), &old);
    assert_eq!(sizes, [("older".to_owned(), 0), ("old".to_owned(), 3)]);
}

#[test]
fn a_rollout_simulated_to_its_end_never_leaves_the_limits() {
    for desired in 0..7 {
        for (surge, unavailable) in [(1, 0), (0, 1), (2, 1), (3, 3)] {
            let limits = limits(desired, surge, unavailable.min(desired.max(1)));
            let (mut new, mut old) = (size("new", 0, 0), vec![size("old", desired, desired)]);
            for _ in 0..50 {
                new.replicas = grow(limits, &new, &old);
                assert!(new.replicas + old[0].replicas <= desired + surge);
                let shrunk = shrink(limits, &new, &old)[0].1;
                old[0].replicas = shrunk;
                old[0].available = old[0].available.min(shrunk);
                assert!(new.available + old[0].available >= desired - limits.unavailable);
                // One more of the new becomes ready.
                new.available = (new.available + 1).min(new.replicas);
            }
            assert_eq!((new.replicas, new.available, old[0].replicas), (desired, desired, 0), "{limits:?}");
        }
    }
}

#[test]
fn a_scaling_in_a_rollout_keeps_each_set_its_part() {
    let share = |(replicas, most): (i32, i32)| Share { replicas, most };
    for (limits, before, expected) in [
        // The example of the Kubernetes documentation: 10 wanted with a surge of 3, scaled to 15.
        (limits(15, 3, 2), vec![(8, 13), (5, 13)], vec![11, 7]),
        (limits(5, 3, 2), vec![(8, 13), (5, 13)], vec![5, 3]),
        (limits(10, 3, 2), vec![(8, 13), (5, 13)], vec![8, 5]),
        // What rounding leaves is the first one's.
        (limits(7, 1, 0), vec![(2, 4), (1, 4), (1, 4)], vec![4, 2, 2]),
        (limits(6, 0, 1), vec![(1, 2), (1, 2)], vec![3, 3]),
        (limits(5, 0, 1), vec![(1, 2), (1, 2)], vec![3, 2]),
        // To nothing, surge or not; and from sizes that nobody noted.
        (limits(0, 3, 0), vec![(8, 13), (5, 13)], vec![0, 0]),
        (limits(4, 0, 1), vec![(2, 0), (0, 0)], vec![4, 0]),
    ] {
        let shares: Vec<Share> = before.iter().copied().map(share).collect();
        assert_eq!(proportions(limits, &shares), expected, "{limits:?} {before:?}");
    }
    assert_eq!(proportions(limits(3, 1, 0), &[]), Vec::<i32>::new());
}
