use super::*;

#[tokio::test(start_paused = true)]
async fn it_works_once_an_interval_until_it_is_told_to_stop() {
    let (stop, stopped) = watch::channel(false);
    let told = async {
        tokio::time::sleep(Duration::from_secs(25)).await;
        stop.send(true).expect("somebody listens");
    };
    let (rounds, ()) = tokio::join!(until_stopped(Duration::from_secs(10), stopped), told);
    assert_eq!(rounds, 3, "at once, after 10 and after 20 seconds");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_already_does_nothing() {
    let (_stop, stopped) = watch::channel(true);
    assert_eq!(until_stopped(Duration::from_secs(1), stopped).await, 0);
}
