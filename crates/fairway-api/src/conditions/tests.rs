use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn a_report_of_an_unchanged_world_is_equal_to_the_one_before() {
    let wanted = [Wanted::yes(READY, "Serving", "it serves")];
    let first = merge(&[], &wanted, Some(3), at(10));
    let second = merge(&first, &wanted, Some(3), at(999));
    assert_eq!(first, second);
}

#[test]
fn the_transition_time_moves_only_when_the_status_flips() {
    let first = merge(&[], &[Wanted::no(READY, "Waiting", "a")], Some(1), at(10));
    let second = merge(&first, &[Wanted::no(READY, "StillWaiting", "b")], Some(1), at(20));
    assert_eq!(second[0].last_transition_time, Time(at(10)));
    let third = merge(&second, &[Wanted::yes(READY, "Serving", "c")], Some(1), at(30));
    assert_eq!(third[0].last_transition_time, Time(at(30)));
    assert!(is_true(&third, READY));
}

#[test]
fn conditions_of_others_are_kept() {
    let others = merge(&[], &[Wanted::yes("Audited", "Done", "x")], None, at(1));
    let merged = merge(&others, &[Wanted::unknown(READY, "Starting", "y")], None, at(2));
    let types: Vec<_> = merged.iter().map(|it| it.type_.as_str()).collect();
    assert_eq!(types, ["Audited", "Ready"]);
}
