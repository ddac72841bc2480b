use fairway_clock::SeededEntropy;

use super::*;

#[test]
fn waits_grow_to_five_minutes_and_never_beyond() {
    let backoffs = Backoffs::default();
    let entropy = SeededEntropy::new(1);
    let waits: Vec<Duration> = (0..40).map(|_| backoffs.failed("a", &entropy)).collect();
    assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2);
    assert!(waits[5] >= FIRST * 16, "{:?}", waits[5]);
    assert!(waits.iter().all(|it| *it <= LONGEST));
    assert!(waits[39] >= LONGEST / 2);
}

#[test]
fn a_success_starts_over_and_objects_do_not_share() {
    let backoffs = Backoffs::default();
    let entropy = SeededEntropy::new(2);
    for _ in 0..10 {
        backoffs.failed("a", &entropy);
    }
    assert!(backoffs.failed("b", &entropy) <= FIRST);
    backoffs.succeeded("a");
    assert!(backoffs.failed("a", &entropy) <= FIRST);
}
