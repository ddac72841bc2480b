//! A client that dies after some of its writes: what comes after it must end where nobody died.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use fairway_store::Store;
use kube::Client;
use kube::client::Body;
use tower::Service;

use crate::{TestPlane, administrator};

/// The process whose connection ends with its `left`th write.
#[derive(Clone)]
struct Mortal<S> {
    inner: S,
    store: Store,
    left: Arc<AtomicUsize>,
    dead: Arc<AtomicBool>,
}

impl<S> Service<http::Request<Body>> for Mortal<S>
where
    S: Service<http::Request<Body>, Error = std::convert::Infallible> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut it = self.clone();
        Box::pin(async move {
            let gone = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            if it.dead.load(Ordering::SeqCst) {
                return Err(gone());
            }
            let before = it.store.revision();
            let writes = request.method() != http::Method::GET;
            let Ok(answer) = it.inner.call(request).await;
            // A write that changed nothing costs no life. One that did took place; who asked for it never learns of it.
            if writes && it.store.revision() != before {
                let left = it.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if left.is_ok_and(|left| left > 1) {
                    return Ok(answer);
                }
                it.dead.store(true, Ordering::SeqCst);
                return Err(gone());
            }
            Ok(answer)
        })
    }
}

/// A client that dies after so many writes, and how to see that it did.
pub fn mortal(plane: &TestPlane, writes: usize) -> (Client, Arc<AtomicBool>) {
    let dead = Arc::new(AtomicBool::new(false));
    let inner = plane.server().service().with_identity(administrator());
    let service = Mortal {
        inner,
        store: plane.store().clone(),
        left: Arc::new(AtomicUsize::new(writes)),
        dead: Arc::clone(&dead),
    };
    (Client::new(service, "default"), dead)
}
