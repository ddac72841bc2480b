//! What a visitor sees.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Somebody who asks the gateway.
pub(crate) struct Browser {
    client: Client<HttpConnector, Empty<Bytes>>,
    port: u16,
}

impl Browser {
    pub(crate) fn new(port: u16) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    /// How a service in staging greets, if it says anything.
    pub(crate) async fn greeting(&self, name: &str) -> Option<String> {
        let request = http::Request::get(format!("http://127.0.0.1:{}/", self.port))
            .header(http::header::HOST, format!("{name}.staging.sandbox.localhost"))
            .body(Empty::new())
            .ok()?;
        let response = self.client.request(request).await.ok()?;
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        let page: Value = serde_json::from_slice(&bytes).ok()?;
        page["greeting"].as_str().map(str::to_owned)
    }
}
