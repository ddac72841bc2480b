use std::sync::Arc;

use tokio::sync::Notify;

use super::*;

#[tokio::test]
async fn stopping_waits_until_each_has_ended_in_its_own_way() {
    let ended = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut controllers = Controllers::default();
    for name in ["one", "other"] {
        let ended = Arc::clone(&ended);
        controllers.spawn(|stop| async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            ended.lock().unwrap().push(name);
        });
    }
    controllers.stop().await;
    let mut ended = ended.lock().unwrap().clone();
    ended.sort_unstable();
    assert_eq!(ended, ["one", "other"]);
}

#[tokio::test]
async fn dropping_ends_those_that_would_never_stop() {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (begun, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut controllers = Controllers::default();
    let (tell, begins) = (Tell(Arc::clone(&gone)), Arc::clone(&begun));
    controllers.spawn(|_| async move {
        let _tell = tell;
        begins.notify_one();
        std::future::pending::<()>().await;
    });
    begun.notified().await;
    drop(controllers);
    gone.notified().await;
}
