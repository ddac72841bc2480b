//! What every namespace has from the start: the ServiceAccount `default` and the cluster's certificate.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairway_controller::{Kit, Next, concerns, controller, related};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// The ConfigMap with the cluster's certificate.
const CERTIFICATE: &str = "kube-root-ca.crt";

pub(crate) async fn run(kit: Arc<Kit>, certificate: String, stop: CancellationToken) {
    let accounts = related::<ServiceAccount>(&kit.client);
    let to_namespace = concerns(|it: ServiceAccount| {
        let namespace = it.namespace().filter(|_| it.name_any() == "default");
        namespace.map(|it| kube::runtime::reflector::ObjectRef::new(&it))
    });
    let controller = controller::<Namespace>(&kit.client, watcher::Config::default()).watches(
        accounts,
        watcher::Config::default(),
        to_namespace,
    );
    let ctx = Arc::clone(&kit);
    let certificate = Arc::<str>::from(certificate);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&certificate), Arc::clone(&ctx)))
        .await;
}

async fn reconcile(namespace: Arc<Namespace>, certificate: Arc<str>, ctx: Arc<Kit>) -> Result<Next, Error> {
    if namespace.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Settled);
    }
    let name = namespace.name_any();
    let accounts: Api<ServiceAccount> = Api::namespaced(ctx.client.clone(), &name);
    if accounts.get_opt("default").await.map_err(Error::read("the service account"))?.is_none() {
        let metadata = ObjectMeta { name: Some("default".to_owned()), ..ObjectMeta::default() };
        let account = ServiceAccount { metadata, ..ServiceAccount::default() };
        let result = accounts.create(&PostParams::default(), &account).await;
        fairway_controller::gone_is_fine(result.map(|_| ())).map_err(Error::write("the service account"))?;
    }
    let maps: Api<ConfigMap> = Api::namespaced(ctx.client.clone(), &name);
    let data = BTreeMap::from([("ca.crt".to_owned(), certificate.to_string())]);
    let there = maps.get_opt(CERTIFICATE).await.map_err(Error::read("the certificate"))?;
    if there.is_none_or(|it| it.data.as_ref() != Some(&data)) {
        let metadata =
            ObjectMeta { name: Some(CERTIFICATE.to_owned()), namespace: Some(name), ..ObjectMeta::default() };
        let map = ConfigMap { metadata, data: Some(data), ..ConfigMap::default() };
        fairway_controller::apply(&maps, ctx.name, &map).await.map_err(Error::write("the certificate"))?;
    }
    Ok(Next::Settled)
}
