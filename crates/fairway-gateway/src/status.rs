//! Tells each route what became of it: `status.parents`, written only when it says something new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairway_clock::Clock;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::route;
use crate::table::{Problem, Verdict};

/// How long to wait after a write failed.
const RETRY: Duration = Duration::from_secs(2);

/// Writes until dropped.
pub(crate) async fn run(
    client: kube::Client,
    controller: String,
    clock: Arc<dyn Clock>,
    mut news: tokio::sync::watch::Receiver<Arc<Vec<Verdict>>>,
) {
    // What was written last, until the watch shows it: a second write of the same would be noise.
    let mut written: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    while news.changed().await.is_ok() {
        let verdicts = news.borrow_and_update().clone();
        let mut failed = false;
        for verdict in verdicts.iter() {
            let key = (verdict.namespace.clone(), verdict.name.clone());
            let now = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let Some(parents) = parents(verdict, &controller, &now) else {
                written.remove(&key);
                continue;
            };
            if written.get(&key).is_some_and(|it| same(it, &parents)) {
                continue;
            }
            match write(&client, verdict, &controller, &parents).await {
                Ok(()) => drop(written.insert(key, parents)),
                Err(kube::Error::Api(why)) if why.code == 404 => {}
                Err(why) => {
                    tracing::warn!(route.namespace = verdict.namespace, route.name = verdict.name, error = %why, "status not written");
                    failed = true;
                }
            }
        }
        if failed {
            tokio::time::sleep(RETRY).await;
            news.mark_changed();
        }
    }
}

async fn write(
    client: &kube::Client,
    verdict: &Verdict,
    controller: &str,
    parents: &[Value],
) -> Result<(), kube::Error> {
    let resource = route::http_routes();
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &verdict.namespace, &resource);
    let patch = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": { "name": verdict.name },
        "status": { "parents": parents },
    });
    // The list is atomic: whoever writes it owns it whole and keeps the entries of others.
    let manager = controller.replace('/', "-");
    api.patch_status(&verdict.name, &PatchParams::apply(&manager).force(), &Patch::Apply(patch)).await.map(drop)
}

/// The whole list as it should be; `None` if it is so already. Entries of other controllers stay.
pub(crate) fn parents(verdict: &Verdict, controller: &str, now: &str) -> Option<Vec<Value>> {
    let ours = |it: &&Value| it["controllerName"] == controller;
    let stored: Vec<&Value> = verdict.stored.iter().filter(ours).collect();
    let mut wanted: Vec<Value> = verdict.stored.iter().filter(|it| !ours(it)).cloned().collect();
    for attachment in &verdict.attachments {
        let parent = serde_json::to_value(&attachment.parent).unwrap_or_default();
        let before = stored.iter().find(|it| it["parentRef"] == parent);
        let condition = |kind: &str, good: &str, message: &str, problem: Option<&Problem>| {
            let (status, reason, message) = match problem {
                Some(it) => ("False", it.reason, it.message.as_str()),
                None => ("True", good, message),
            };
            let was =
                before.and_then(|it| it["conditions"].as_array()).into_iter().flatten().find(|it| it["type"] == kind);
            let since = was.filter(|it| it["status"] == status).and_then(|it| it["lastTransitionTime"].as_str());
            json!({
                "type": kind, "status": status, "reason": reason, "message": message,
                "observedGeneration": verdict.generation, "lastTransitionTime": since.unwrap_or(now),
            })
        };
        wanted.push(json!({
            "parentRef": parent,
            "controllerName": controller,
            "conditions": [
                condition("Accepted", "Accepted", "the route is served", attachment.refused.as_ref()),
                condition("ResolvedRefs", "ResolvedRefs", "all backends exist", verdict.unresolved.as_ref()),
            ],
        }));
    }
    (!same(&verdict.stored, &wanted)).then_some(wanted)
}

/// Whether two lists say the same, whatever the time.
fn same(a: &[Value], b: &[Value]) -> bool {
    let timeless = |list: &[Value]| {
        let mut list = list.to_vec();
        for condition in list.iter_mut().filter_map(|it| it["conditions"].as_array_mut()).flatten() {
            if let Some(fields) = condition.as_object_mut() {
                fields.remove("lastTransitionTime");
            }
        }
        list
    };
    timeless(a) == timeless(b)
}

#[cfg(test)]
mod tests;
