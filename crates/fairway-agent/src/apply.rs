//! Apply, prune, remove: each leaves an inventory that tells the truth, wherever it is interrupted.

use fairway_api::names::ANNOTATION_CAUSE;
use fairway_plan::digest_of;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::inventory::{Entry, intended, surplus};
use crate::{Agent, Applied, Bundle, DELETION_BUDGET, Error, MANAGER};

impl Agent {
    /// Applies every object. What the bundle no longer has stays until [`Agent::prune`]: the version before may need
    /// it for as long as it serves.
    pub async fn apply(&self, bundle: &Bundle<'_>) -> Result<Applied, Error> {
        let _one_at_a_time = self.lock(bundle.namespace, bundle.name).await;
        let wanted: Vec<Entry> = bundle.objects.iter().map(|it| Entry::of(it, bundle.namespace)).collect();
        let before = self.read_inventory(bundle.namespace, bundle.name).await?;
        let mut inventory = intended(&before, &wanted);
        self.check_taken(&before, &wanted).await?;
        if inventory != before {
            self.write_inventory(bundle.namespace, bundle.name, &inventory).await?;
        }
        let mut applied = Applied { total: wanted.len(), ..Applied::default() };
        let started = inventory.clone();
        let mut outcome = Ok(());
        for (object, entry) in bundle.objects.iter().zip(&wanted) {
            let Some(known) = inventory.iter_mut().find(|it| it.names(entry)) else { continue };
            let digest = digest_of(object).to_string();
            let unchanged = known.digest.as_deref() == Some(digest.as_str());
            let cause = if unchanged { known.cause.clone() } else { bundle.cause.map(str::to_owned) };
            match self.apply_one(object, entry, known.uid.as_deref(), cause.as_deref()).await {
                Ok(uid) => {
                    if !unchanged || known.uid.as_deref() != Some(uid.as_str()) {
                        applied.changed.push(entry.shown());
                    }
                    (known.uid, known.digest, known.cause) = (Some(uid), Some(digest), cause);
                    known.api_version.clone_from(&entry.api_version);
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        // What was applied is remembered even if a later object was refused.
        if inventory != started {
            self.write_inventory(bundle.namespace, bundle.name, &inventory).await?;
        }
        outcome.map(|()| applied)
    }

    /// What the inventory names and the bundle no longer has, as far as it is still there: what [`Agent::prune`] deletes.
    pub async fn left_over(&self, bundle: &Bundle<'_>) -> Result<Vec<Value>, Error> {
        let wanted: Vec<Entry> = bundle.objects.iter().map(|it| Entry::of(it, bundle.namespace)).collect();
        let inventory = self.read_inventory(bundle.namespace, bundle.name).await?;
        let mut found = Vec::new();
        for entry in surplus(&inventory, &wanted) {
            let is_it = |it: &Value| entry.uid.is_none() || it["metadata"]["uid"].as_str() == entry.uid.as_deref();
            found.extend(self.read(&entry).await?.filter(is_it));
        }
        Ok(found)
    }

    /// Deletes what the inventory names and the bundle no longer has, by UID, within the deletion budget.
    pub async fn prune(&self, bundle: &Bundle<'_>) -> Result<Vec<String>, Error> {
        let _one_at_a_time = self.lock(bundle.namespace, bundle.name).await;
        let wanted: Vec<Entry> = bundle.objects.iter().map(|it| Entry::of(it, bundle.namespace)).collect();
        let inventory = self.read_inventory(bundle.namespace, bundle.name).await?;
        let surplus = surplus(&inventory, &wanted);
        if surplus.len() > DELETION_BUDGET {
            return Err(Error::OverBudget { count: surplus.len(), budget: DELETION_BUDGET });
        }
        if surplus.is_empty() {
            return Ok(Vec::new());
        }
        for entry in &surplus {
            self.delete(entry).await?;
        }
        let kept: Vec<Entry> = inventory.into_iter().filter(|it| !surplus.contains(it)).collect();
        self.write_inventory(bundle.namespace, bundle.name, &kept).await?;
        Ok(surplus.iter().map(Entry::shown).collect())
    }

    /// Deletes everything the inventory names, then the inventory. Being asked to remove all is the confirmation.
    pub async fn remove(&self, namespace: &str, name: &str) -> Result<Vec<String>, Error> {
        let _one_at_a_time = self.lock(namespace, name).await;
        let inventory = self.read_inventory(namespace, name).await?;
        for entry in inventory.iter().rev() {
            self.delete(entry).await?;
        }
        self.forget_inventory(namespace, name).await?;
        Ok(inventory.iter().map(Entry::shown).collect())
    }

    /// An object that is new to the inventory must not exist yet: else it is somebody else's. One that the inventory
    /// names and never saw applied may have been, by a pass that was cut short: then it carries our field manager.
    async fn check_taken(&self, before: &[Entry], wanted: &[Entry]) -> Result<(), Error> {
        for entry in wanted {
            let known = before.iter().find(|it| it.names(entry));
            if known.is_some_and(|it| it.uid.is_some()) {
                continue;
            }
            let found = self.reach(entry).await?.get_opt(&entry.name).await;
            let found = found.map_err(|source| Error::Apply { object: entry.shown(), source })?;
            if found.is_some_and(|it| known.is_none() || !is_ours(&it)) {
                return Err(Error::Taken { object: entry.shown(), namespace: entry.namespace.clone() });
            }
        }
        Ok(())
    }

    /// Applies the very object that the inventory knows, or a new one. One that somebody else made under the same name
    /// after ours was deleted is theirs.
    async fn apply_one(
        &self,
        object: &Value,
        entry: &Entry,
        uid: Option<&str>,
        cause: Option<&str>,
    ) -> Result<String, Error> {
        let failed = |source| Error::Apply { object: entry.shown(), source };
        let mut object = object.clone();
        if let Some(cause) = cause {
            object["metadata"]["annotations"][ANNOTATION_CAUSE] = json!(cause);
        }
        let api = self.reach(entry).await?;
        let parameters = PatchParams::apply(MANAGER).force();
        if let Some(uid) = uid {
            let mut same = object.clone();
            same["metadata"]["uid"] = json!(uid);
            match api.patch(&entry.name, &parameters, &Patch::Apply(&same)).await {
                Ok(_) => return Ok(uid.to_owned()),
                Err(kube::Error::Api(error)) if error.code == 409 => {}
                Err(source) => return Err(failed(source)),
            }
            if api.get_opt(&entry.name).await.map_err(failed)?.is_some_and(|it| !is_ours(&it)) {
                return Err(Error::Taken { object: entry.shown(), namespace: entry.namespace.clone() });
            }
        }
        let applied = api.patch(&entry.name, &parameters, &Patch::Apply(&object)).await.map_err(failed)?;
        Ok(applied.uid().unwrap_or_default())
    }

    /// Deletes exactly the object the inventory knows. Without a UID it was never seen applied: then it is only ours
    /// if it carries our field manager.
    async fn delete(&self, entry: &Entry) -> Result<(), Error> {
        let failed = |source| Error::Prune { object: entry.shown(), source };
        let api = self.reach(entry).await?;
        let uid = match &entry.uid {
            Some(uid) => uid.clone(),
            None => match api.get_opt(&entry.name).await.map_err(failed)? {
                Some(found) if is_ours(&found) => found.uid().unwrap_or_default(),
                _ => return Ok(()),
            },
        };
        let parameters = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(uid), resource_version: None }),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        match api.delete(&entry.name, &parameters).await {
            Ok(_) => Ok(()),
            // Gone already, or another object under the same name, which is not ours to delete.
            Err(kube::Error::Api(error)) if error.code == 404 || error.code == 409 => Ok(()),
            Err(source) => Err(failed(source)),
        }
    }

    /// One object as it is.
    pub(crate) async fn read(&self, entry: &Entry) -> Result<Option<Value>, Error> {
        let failed = |source| Error::Read { what: "an object of the bundle", source };
        let found = self.reach(entry).await?.get_opt(&entry.name).await.map_err(failed)?;
        found.map(|it| serde_json::to_value(it).map_err(|it| failed(kube::Error::SerdeError(it)))).transpose()
    }

    async fn reach(&self, entry: &Entry) -> Result<Api<DynamicObject>, Error> {
        let resource = self.kinds.resource(&entry.api_version, &entry.kind).await;
        let resource = resource.map_err(|source| Error::FindKind { object: entry.shown(), source })?;
        let client: Client = self.client.clone();
        Ok(Api::namespaced_with(client, &entry.namespace, &resource))
    }
}

fn is_ours(object: &DynamicObject) -> bool {
    object.managed_fields().iter().any(|it| it.manager.as_deref() == Some(MANAGER))
}
