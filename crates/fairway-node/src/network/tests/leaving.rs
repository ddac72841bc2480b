//! A pod that is being deleted: others are asked, what is on its way is waited for.

use std::pin::pin;
use std::task::Poll;

use super::*;

/// Whether a future is not over yet, asked a few times over.
async fn waits(it: &mut std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
    for _ in 0..20 {
        if futures::poll!(it.as_mut()) == Poll::Ready(()) {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

impl Bench {
    /// Makes the endpoint at `index` of the Service one that leaves.
    fn leaves(&mut self, index: usize) {
        let mut slice = EndpointSlice::clone(&self.objects.slices[index]);
        slice.endpoints[0].conditions =
            serde_json::from_value(json!({ "ready": false, "serving": true, "terminating": true })).unwrap();
        self.objects.slices[index] = Arc::new(slice);
    }
}

#[tokio::test]
async fn a_pod_that_leaves_is_withdrawn_before_it_is_quiet_and_gets_nothing_new() {
    let mut bench = Bench::new(21, 3).await;
    let (one, two) = (Server::start(bench.ip(1)).await, Server::start(bench.ip(2)).await);
    bench.service("shop", "web", 20, &[one.address, two.address]);
    bench.publish();
    let mut open = bench.network.dial(one.address).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    let network = bench.network.clone();
    let mut leaving = pin!(network.withdraw("uid-b"));
    assert!(waits(&mut leaving).await, "its Service still sends to it");
    bench.leaves(0);
    bench.publish();
    assert!(waits(&mut leaving).await, "somebody is talking to it");
    assert_eq!(bench.network.dial(one.address).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    for _ in 0..10 {
        let mut stream = bench.call(0, 20).await.unwrap();
        caller_seen(&mut stream).await.unwrap();
    }
    open.write_all(b"last words").await.unwrap();
    let mut heard = [0; 10];
    open.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"last words");
    drop(open);
    leaving.await;
    bench.network.stop().await;
}

#[tokio::test]
async fn the_last_one_of_a_service_is_called_until_it_is_gone() {
    let mut bench = Bench::new(22, 2).await;
    let one = Server::start(bench.ip(1)).await;
    bench.service("shop", "web", 20, &[one.address]);
    bench.leaves(0);
    bench.publish();
    bench.network.withdraw("uid-b").await;
    assert!(bench.network.dial(one.address).await.is_ok());
    let mut stream = bench.call(0, 20).await.unwrap();
    caller_seen(&mut stream).await.unwrap();
    bench.network.stop().await;
}

#[tokio::test]
async fn a_pod_of_no_service_leaves_at_once_and_so_does_one_that_is_not_there() {
    let bench = Bench::new(23, 1).await;
    let (mut stranger, mut own) = (pin!(bench.network.withdraw("nobody")), pin!(bench.network.withdraw("uid-a")));
    assert!(!waits(&mut stranger).await);
    assert!(!waits(&mut own).await);
    bench.network.stop().await;
}
