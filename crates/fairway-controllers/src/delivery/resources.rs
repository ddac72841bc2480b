//! What a Release needs: a Resource for each, made before the rollout and awaited. None is ever removed here.

use std::collections::BTreeMap;

use fairway_api::conditions::{STALLED, is_true};
use fairway_api::names::ANNOTATION_CAUSE;
use fairway_api::v1alpha1::{BoundResource, Delivery, DeliveryReason, Release, Resource};
use fairway_plan::render::Binding;
use fairway_plan::resource;
use fairway_plan::score::{self, Need};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::NAME;
use super::validate::{Problem, Valid};
use crate::{Context, Error};

/// What a workload is told, by the name in its score file.
pub(super) type Bindings = BTreeMap<String, Binding>;

/// How far what a Release needs is.
pub(super) enum Provided {
    /// All of it can be used.
    Ready(Bindings),
    /// Something of it is on its way, or cannot be had.
    Waiting(Waiting),
    /// It cannot be as the score file says.
    Refused(Problem),
}

/// What a Delivery waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) message: String,
    /// Whether somebody has to change something.
    pub(super) stalled: bool,
    pub(super) next_step: Option<String>,
    /// The Resources that it needs.
    pub(super) names: Vec<String>,
}

/// Sees to it that there is what the wanted Release needs.
pub(super) async fn provide(delivery: &Delivery, valid: &Valid, ctx: &Context) -> Result<Provided, Error> {
    let needs = needs(&valid.release);
    if needs.is_empty() {
        return Ok(Provided::Ready(Bindings::new()));
    }
    let api: Api<Resource> = Api::namespaced(ctx.kit.client.clone(), &valid.namespace);
    let mut there = observe(&needs, valid, &api).await?;
    if let Some(problem) = taken(&needs, &there, valid) {
        return Ok(Provided::Refused(problem));
    }
    for (need, wanted) in &needs {
        let name = resource::name(valid.component.as_str(), need);
        if there.get(need).is_none_or(|it| differs(it, wanted, valid)) {
            let object = Patch::Apply(object(&name, wanted, delivery, valid));
            let applied = api.patch(&name, &PatchParams::apply(NAME).force(), &object).await;
            there.insert(need.clone(), applied.map_err(Error::write("a resource"))?);
        }
    }
    Ok(verdict(&needs, &there, valid))
}

/// Whether it has another plan or version than the score file names: it is on its way to it, or cannot be brought there.
fn lacks(it: &Resource, wanted: &Need) -> bool {
    let has = it.status.clone().unwrap_or_default();
    let other = |wanted: &Option<String>, has: &Option<String>| wanted.is_some() && wanted != has;
    other(&wanted.plan, &has.plan) || other(&wanted.version, &has.version)
}

/// What is known of what a Release needs, without making anything.
pub(super) async fn bindings(release: &Release, valid: &Valid, ctx: &Context) -> Result<Bindings, Error> {
    let needs = needs(release);
    let api: Api<Resource> = Api::namespaced(ctx.kit.client.clone(), &valid.namespace);
    let there = observe(&needs, valid, &api).await?;
    Ok(there.iter().filter_map(|(need, it)| Some((need.clone(), binding(it)?))).collect())
}

fn needs(release: &Release) -> BTreeMap<String, Need> {
    score::workload(&release.spec.workload).0.resources
}

async fn observe(
    needs: &BTreeMap<String, Need>,
    valid: &Valid,
    api: &Api<Resource>,
) -> Result<BTreeMap<String, Resource>, Error> {
    let mut there = BTreeMap::new();
    for need in needs.keys() {
        let found = api.get_opt(&resource::name(valid.component.as_str(), need)).await;
        there.extend(found.map_err(Error::read("a resource"))?.map(|it| (need.clone(), it)));
    }
    Ok(there)
}

/// A Resource of that name that is another's, or another thing.
fn taken(needs: &BTreeMap<String, Need>, there: &BTreeMap<String, Resource>, valid: &Valid) -> Option<Problem> {
    there.iter().find_map(|(need, it)| {
        let (name, class) = (it.name_any(), &it.spec.class_name);
        let wanted = needs.get(need)?.class_name();
        let other = it.spec.component_name.as_ref().filter(|it| *it != valid.component.as_str());
        let message = if let Some(other) = other {
            format!("resource {name} is component {other}'s; give {need:?} another name in score.yaml")
        } else if class != wanted {
            format!("resource {name} is of class {class}, which does not change; give the {wanted} another name than {need:?}")
        } else {
            return None;
        };
        Some(Problem { reason: DeliveryReason::ObjectTaken, message, next_step: None })
    })
}

/// Whether something that the score file says is not so yet.
fn differs(it: &Resource, wanted: &Need, valid: &Valid) -> bool {
    let other = |has: &Option<String>, wanted: &Option<String>| has != wanted;
    it.spec.component_name.as_deref() != Some(valid.component.as_str())
        || other(&it.spec.version, &wanted.version)
        || other(&it.spec.plan, &wanted.plan)
}

/// Only what the score file decides: the rest is that of people.
fn object(name: &str, need: &Need, delivery: &Delivery, valid: &Valid) -> Value {
    let mut object = json!({
        "apiVersion": "fairway.dev/v1alpha1", "kind": "Resource",
        "metadata": { "name": name, "namespace": valid.namespace },
        "spec": { "className": need.class_name(), "componentName": valid.component.as_str() },
    });
    for (field, value) in [("version", &need.version), ("plan", &need.plan)] {
        if let Some(value) = value {
            object["spec"][field] = json!(value);
        }
    }
    if let Some(cause) = delivery.annotations().get(ANNOTATION_CAUSE) {
        object["metadata"]["annotations"][ANNOTATION_CAUSE] = json!(cause);
    }
    object
}

/// What a workload is told, once that is known. One that was ready once stays bound: what is wrong with it now shows in
/// the workload, and a rollout does not make it worse.
fn binding(it: &Resource) -> Option<Binding> {
    let status = it.status.as_ref()?;
    Some(Binding {
        secret_name: status.secret_name.clone()?,
        outputs: status.outputs.clone(),
        connection: status.connection.clone()?,
    })
}

fn verdict(needs: &BTreeMap<String, Need>, there: &BTreeMap<String, Resource>, valid: &Valid) -> Provided {
    let mut bound = Bindings::new();
    let mut waiting: Vec<(String, String, bool, Option<String>)> = Vec::new();
    for (need, wanted) in needs {
        let Some(it) = there.get(need) else { continue };
        let leaving = it.metadata.deletion_timestamp.is_some();
        match binding(it).filter(|_| !leaving && !lacks(it, wanted)) {
            Some(binding) => drop(bound.insert(need.clone(), binding)),
            None => {
                let status = it.status.clone().unwrap_or_default();
                let said = Some(status.explanation.summary).filter(|it| !it.is_empty());
                let said = said.unwrap_or_else(|| "it is being made".to_owned());
                let stalled = is_true(&status.conditions, STALLED);
                waiting.push((it.name_any(), said, stalled, status.explanation.next_step));
            }
        }
    }
    let Some((name, said, stalled, next)) = waiting.iter().find(|it| it.2).or(waiting.first()).cloned() else {
        return Provided::Ready(bound);
    };
    let more = match waiting.len() {
        1 => String::new(),
        many => format!(" (and for {} more)", many - 1),
    };
    let names = needs.keys().map(|it| resource::name(valid.component.as_str(), it)).collect();
    let next = next.or_else(|| Some(format!("platform resource show {name} --env={}", valid.environment)));
    Provided::Waiting(Waiting {
        message: format!("waits for resource {name}: {said}{more}"),
        stalled,
        next_step: next,
        names,
    })
}

/// What a Delivery says that it uses: what is wanted, and what it used before until that is over.
pub(super) fn used(
    before: &[BoundResource],
    component: &str,
    wanted: &Bindings,
    names: &[String],
    serving: bool,
) -> Vec<BoundResource> {
    let mut used: BTreeMap<String, Option<String>> = BTreeMap::new();
    if !serving {
        used.extend(before.iter().map(|it| (it.name.clone(), it.connection.clone())));
    }
    for name in names {
        used.entry(name.clone()).or_insert(None);
    }
    for (need, binding) in wanted {
        let entry = used.entry(resource::name(component, need)).or_insert(None);
        if serving {
            *entry = Some(binding.connection.clone());
        }
    }
    used.into_iter().map(|(name, connection)| BoundResource { name, connection }).collect()
}

/// Remembers what the version is told of that serves in the place of the wanted one.
pub(super) fn told(used: &mut [BoundResource], component: &str, serving: &Bindings) {
    for (need, binding) in serving {
        let name = resource::name(component, need);
        for it in used.iter_mut().filter(|it| it.name == name) {
            it.connection = Some(binding.connection.clone());
        }
    }
}

#[cfg(test)]
mod tests;
