use futures::FutureExt as _;

use super::*;

#[tokio::test]
async fn a_name_is_taken_by_one_at_a_time_and_another_name_is_free() {
    let turns = Turns::default();
    let first = turns.take("a").await;
    assert!(turns.take("a").now_or_never().is_none());
    assert!(turns.take("b").now_or_never().is_some());
    drop(first);
    assert!(turns.take("a").now_or_never().is_some());
}
