//! What a controller looks at beside its own objects. One that cannot be read is left out: a watch or a list that fails
//! because of one object would harm all the others.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::ListParams;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::Guarded;

/// All objects of a kind, to be watched.
pub fn related<O>(client: &Client) -> Api<Guarded<O>>
where
    O: Resource<DynamicType = ()>,
{
    Api::all(client.clone())
}

/// Which objects of a controller one of [`related`] concerns, as `Controller::watches` wants to know it.
pub fn concerns<O, K, I>(
    map: impl Fn(O) -> I + Send + Sync + 'static,
) -> impl Fn(Guarded<O>) -> Vec<ObjectRef<Guarded<K>>> + Send + Sync + 'static
where
    O: 'static,
    K: Resource<DynamicType = ()>,
    I: IntoIterator<Item = ObjectRef<Guarded<K>>>,
{
    move |it| it.0.map(|it| map(it).into_iter().collect()).unwrap_or_default()
}

/// Those of a controller's own objects for which this holds.
pub fn among<K>(own: &Store<Guarded<K>>, holds: impl Fn(&K) -> bool) -> Vec<ObjectRef<Guarded<K>>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let all = own.state().into_iter();
    let concerned = all.filter(|it| it.0.as_ref().is_ok_and(&holds));
    concerned.map(|it| ObjectRef::from_obj(it.as_ref())).collect()
}

/// The objects of a kind in a namespace, as far as they can be read.
pub async fn list<K>(client: &Client, namespace: &str, parameters: &ListParams) -> Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    readable(&Api::namespaced(client.clone(), namespace), parameters).await
}

/// The objects of a kind in all namespaces, as far as they can be read.
pub async fn list_all<K>(client: &Client, parameters: &ListParams) -> Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    readable(&Api::all(client.clone()), parameters).await
}

async fn readable<K>(api: &Api<Guarded<K>>, parameters: &ListParams) -> Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let all = api.list(parameters).await?.items;
    Ok(all.into_iter().filter_map(|it| it.0.ok()).collect())
}
