//! The connection to a cluster of a kubeconfig where a proxy leads to it: `HTTPS_PROXY` and `NO_PROXY` mean the same as for
//! every other part.

use std::sync::Arc;

use fairway_outside::proxies::Proxies;
use fairway_outside::{Outside, ReachOutside};
use http::Uri;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::ConfigExt as _;
use kube::{Client, Config};
use tokio::net::TcpStream;
use tower::{BoxError, ServiceBuilder, service_fn};

use crate::failure::Failure;

/// The client for a configuration, past the proxy or through it.
pub(super) fn client(mut config: Config, proxies: Proxies) -> Result<Client, Failure> {
    let failed = Failure::api("set up the connection to the platform");
    let host = config.cluster_url.host().unwrap_or_default().to_owned();
    let port = port(&config.cluster_url);
    // The library took the same variable, but does not know how to use it.
    config.proxy_url = None;
    let proxy =
        proxies.of(&host, port).map_err(|it| Failure::failed(it.to_string()).hint("set HTTPS_PROXY or NO_PROXY"))?;
    if proxy.is_none() {
        return Client::try_from(config).map_err(failed);
    }
    // Whoever named the cluster may reach it wherever it is.
    let outside = Outside::anywhere(proxies);
    let connector = service_fn(move |uri: Uri| dial(outside.clone(), uri));
    let made = || -> Result<Client, kube::Error> {
        let https = config.rustls_https_connector_with_connector(connector)?;
        let http = HttpClient::builder(TokioExecutor::new()).build(https);
        let service = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .option_layer(config.auth_layer()?)
            .map_err(BoxError::from)
            .service(http);
        Ok(Client::new(service, config.default_namespace.clone()))
    };
    made().map_err(failed)
}

async fn dial(outside: Outside, uri: Uri) -> Result<TokioIo<TcpStream>, Arc<ReachOutside>> {
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    outside.connect(host, port(&uri)).await.map(TokioIo::new).map_err(Arc::new)
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 })
}

#[cfg(test)]
mod tests;
