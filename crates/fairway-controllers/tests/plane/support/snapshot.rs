//! What is there, in a form that two runs can be compared by.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use serde_json::{Value, json};

use super::World;

/// Kinds whose objects come and go by themselves or have names of chance.
const FLEETING: [&str; 6] = ["Event", "Pod", "ReplicaSet", "EndpointSlice", "Endpoints", "Lease"];

async fn all(world: &World) -> Result<Vec<(String, DynamicObject)>> {
    let discovery = Discovery::new(world.client.clone()).run().await?;
    let mut found = Vec::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            if !capabilities.supports_operation(verbs::LIST) {
                continue;
            }
            let api: Api<DynamicObject> = Api::all_with(world.client.clone(), &resource);
            let listed = api.list(&ListParams::default()).await?.items;
            found.extend(listed.into_iter().map(|it| (resource.kind.clone(), it)));
        }
    }
    Ok(found)
}

/// `Kind namespace/name` of everything but Events.
pub(crate) async fn objects(world: &World) -> Result<BTreeSet<String>> {
    let all = all(world).await?.into_iter().filter(|(kind, _)| kind != "Event");
    Ok(all.map(|(kind, it)| key(&kind, &it)).collect())
}

fn key(kind: &str, it: &DynamicObject) -> String {
    format!("{kind} {}/{}", it.namespace().unwrap_or_default(), it.name_any())
}

/// Everything that has a name of its own, without what chance and time put into it.
pub(crate) async fn settled_state(world: &World) -> Result<BTreeMap<String, Value>> {
    let mut state = BTreeMap::new();
    for (kind, it) in all(world).await? {
        if FLEETING.contains(&kind.as_str()) || kind == "Node" || kind == "CustomResourceDefinition" {
            continue;
        }
        let mut tree = serde_json::to_value(&it)?;
        for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            tree["metadata"][field] = json!(null);
        }
        forget_chance(&mut tree);
        state.insert(key(&kind, &it), tree);
    }
    Ok(state)
}

/// Times, addresses and UIDs give way to the fact that there was one.
fn forget_chance(tree: &mut Value) {
    match tree {
        Value::Object(map) => map.values_mut().for_each(forget_chance),
        Value::Array(list) => list.iter_mut().for_each(forget_chance),
        Value::String(text) => {
            if text.parse::<jiff::Timestamp>().is_ok() {
                *tree = json!("a time");
            } else if text.parse::<std::net::IpAddr>().is_ok() {
                *tree = json!("an address");
            } else if is_uid(text) {
                *tree = json!("a uid");
            } else if text.starts_with("[{") {
                // An inventory.
                if let Ok(mut inner) = serde_json::from_str(text) {
                    forget_chance(&mut inner);
                    *tree = inner;
                }
            }
        }
        _ => {}
    }
}

fn is_uid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-')
}
