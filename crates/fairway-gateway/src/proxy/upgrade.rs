//! Switching protocols: once the endpoint agrees, the gateway only copies bytes.

use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::body::GatewayBody;
use super::{Proxy, headers};
use crate::answer::Refusal;
use crate::table::Rule;

/// The client's wish to go on in another protocol.
pub(super) struct Wanted {
    protocol: HeaderValue,
    client: OnUpgrade,
}

/// Takes the wish out of a request. HTTP/2 is never offered on: it would tunnel requests past the routing table.
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<Wanted> {
    let says_upgrade = |it: &HeaderValue| {
        it.to_str().is_ok_and(|it| it.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")))
    };
    let asked = request.headers().get_all(header::CONNECTION).iter().any(says_upgrade);
    let protocol = request.headers().get(header::UPGRADE).cloned()?;
    let text = protocol.to_str().ok()?.to_ascii_lowercase();
    if !asked || !headers::can_upgrade(request.version()) || text.split(',').any(|it| it.trim().starts_with("h2")) {
        return None;
    }
    Some(Wanted { protocol, client: hyper::upgrade::on(request) })
}

impl Wanted {
    /// Asks the endpoint the same.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, self.protocol.clone());
    }
}

impl Proxy {
    /// Ties the two ends together as soon as both have switched.
    pub(super) fn join(
        &self,
        wanted: Option<Wanted>,
        response: &mut Response<GatewayBody>,
        rule: &Arc<Rule>,
    ) -> Result<(), Refusal> {
        let Some(wanted) = wanted else {
            return Err(Refusal::Broken {
                route: rule.route.clone(),
                backend: "the endpoint switched protocols unasked and".into(),
            });
        };
        let endpoint = hyper::upgrade::on(&mut *response);
        let in_flight = response.body_mut().take_in_flight();
        let stopped = self.stopped.clone();
        self.tasks.spawn(async move {
            let copied = async {
                let (client, endpoint) = tokio::try_join!(wanted.client, endpoint)?;
                // Either end closing, in order or not, is the end of it.
                let _ended = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(endpoint)).await;
                Ok::<_, hyper::Error>(())
            };
            tokio::select! {
                () = stopped.cancelled() => {}
                joined = copied => if let Err(why) = joined {
                    tracing::debug!(error = %why, "switch of protocols broke off");
                }
            }
            drop(in_flight);
        });
        Ok(())
    }
}
