use super::*;

#[test]
fn the_oldest_makes_room_and_those_that_end_are_forgotten() {
    let all = Handshakes::new(2);
    let (first, second) = (all.begin(), all.begin());
    assert!(!first.evicted.is_cancelled() && !second.evicted.is_cancelled());
    let third = all.begin();
    assert!(first.evicted.is_cancelled() && !second.evicted.is_cancelled());
    drop(second);
    let fourth = all.begin();
    assert!(!third.evicted.is_cancelled() && !fourth.evicted.is_cancelled(), "there was room");
    drop((first, third, fourth));
    assert!(all.state.lock().unwrap().under_way.is_empty());
}
