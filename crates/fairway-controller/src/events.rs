//! Events: what happened to an object, for people who `describe` it. Best effort: a lost event harms nobody.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fairway_clock::World;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;

/// The same thing said again within this time raises a count instead of making another Event.
const SAME_WITHIN: Duration = Duration::from_secs(600);

/// Writes Events of one component.
pub struct Events {
    client: Client,
    component: &'static str,
    world: World,
    recent: Mutex<HashMap<String, Recent>>,
}

struct Recent {
    name: String,
    count: i32,
    last: Duration,
}

/// One thing that is said about an object.
struct Said<'a> {
    r#type: &'static str,
    reason: &'a str,
    message: &'a str,
    times: u32,
}

impl Events {
    /// Events that name `component` as their source.
    pub fn new(client: Client, component: &'static str, world: World) -> Self {
        Self { client, component, world, recent: Mutex::default() }
    }

    /// Says that something went as it should.
    pub async fn normal<K: Resource<DynamicType = ()>>(&self, object: &K, reason: &str, message: &str) {
        self.say(object, Said { r#type: "Normal", reason, message, times: 1 }).await;
    }

    /// Says that something did not.
    pub async fn warning<K: Resource<DynamicType = ()>>(&self, object: &K, reason: &str, message: &str) {
        self.say(object, Said { r#type: "Warning", reason, message, times: 1 }).await;
    }

    /// Says that something did not go as it should, this many times.
    pub async fn warning_again<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        reason: &str,
        message: &str,
        times: u32,
    ) {
        self.say(object, Said { r#type: "Warning", reason, message, times }).await;
    }

    async fn say<K: Resource<DynamicType = ()>>(&self, object: &K, said: Said<'_>) {
        let message = &said.message[..said.message.floor_char_boundary(1024)];
        let said = Said { message, ..said };
        let reason = said.reason;
        let reference = object.object_ref(&());
        let key = format!("{}/{reason}/{message}", reference.uid.as_deref().unwrap_or_default());
        let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let result = match self.again(&key, said.times) {
            Some((name, count)) => {
                let patch = json!({ "count": count, "lastTimestamp": Time(self.world.clock.now()) });
                api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await
            }
            None => {
                let event = self.make(&key, object.name_any(), namespace, reference, &said);
                api.create(&PostParams::default(), &event).await
            }
        };
        if let Err(error) = result {
            self.recent.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            tracing::debug!(event.reason = reason, error = %error, "an event was not written");
        }
    }

    /// Whether this was said lately: the name of that Event and the new count.
    fn again(&self, key: &str, times: u32) -> Option<(String, i32)> {
        let now = self.world.clock.monotonic();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, it| now.saturating_sub(it.last) < SAME_WITHIN);
        let it = recent.get_mut(key)?;
        it.count = it.count.saturating_add(times.try_into().unwrap_or(i32::MAX));
        it.last = now;
        Some((it.name.clone(), it.count))
    }

    fn make(&self, key: &str, object: String, namespace: String, reference: ObjectReference, said: &Said<'_>) -> Event {
        let count = said.times.try_into().unwrap_or(i32::MAX);
        let now = Time(self.world.clock.now());
        let name = format!("{object}.{}", self.world.entropy.hex(8));
        let last = self.world.clock.monotonic();
        let recent = Recent { name: name.clone(), count, last };
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), recent);
        Event {
            metadata: ObjectMeta { name: Some(name), namespace: Some(namespace), ..ObjectMeta::default() },
            involved_object: reference,
            type_: Some(said.r#type.to_owned()),
            reason: Some(said.reason.to_owned()),
            message: Some(said.message.to_owned()),
            count: Some(count),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            source: Some(EventSource { component: Some(self.component.to_owned()), host: None }),
            reporting_component: Some(self.component.to_owned()),
            ..Event::default()
        }
    }
}
