//! Whether a Resource can be used, judged from the objects that there are.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::Value;

use crate::health::{Health, explain};

/// How a Resource does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What runs all the time: StatefulSets and Deployments.
    pub serving: Health,
    /// What is done once: Jobs.
    pub prepared: Health,
}

/// Judges. `objects` are those wanted, each with what there is of it; `pods` are all of the Resource.
pub fn judge(objects: &[(&Value, Option<Value>)], pods: &[Pod], unhealthy: &dyn Fn(&Pod) -> Option<String>) -> State {
    let mut state = State { serving: Health::Healthy, prepared: Health::Healthy };
    for (wanted, live) in objects {
        let kind = wanted["kind"].as_str().unwrap_or_default();
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
        match kind {
            "StatefulSet" | "Deployment" => {
                worsen(&mut state.serving, runs(name, live.as_ref(), pods, unhealthy));
            }
            "Job" => worsen(&mut state.prepared, done(name, live.as_ref(), pods, unhealthy)),
            _ => {}
        }
    }
    state
}

/// The first thing that is not well is what is told, and a failure before what is on its way.
fn worsen(state: &mut Health, other: Health) {
    match (&*state, &other) {
        (Health::Healthy, _) | (Health::Progressing(_), Health::Failed(_)) => *state = other,
        _ => {}
    }
}

fn runs(name: &str, live: Option<&Value>, pods: &[Pod], unhealthy: &dyn Fn(&Pod) -> Option<String>) -> Health {
    let Some(live) = live else { return Health::Progressing(format!("{name} is being made")) };
    let number = |it: &Value| it.as_i64().unwrap_or(0);
    let wanted = live["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &live["status"];
    let seen = number(&status["observedGeneration"]) >= number(&live["metadata"]["generation"]);
    let ready = number(&status["readyReplicas"]);
    if seen && ready >= wanted && number(&status["updatedReplicas"]) >= wanted {
        return Health::Healthy;
    }
    let belongs = |it: &&Pod| of(it, name);
    let why = pods.iter().filter(belongs).find_map(|it| explain(it, unhealthy));
    let mut sentence = format!("{ready} of {wanted} instances of {name} are ready");
    if let Some(why) = why {
        sentence = format!("{sentence}: {why}");
    }
    Health::Progressing(sentence)
}

fn done(name: &str, live: Option<&Value>, pods: &[Pod], unhealthy: &dyn Fn(&Pod) -> Option<String>) -> Health {
    let Some(live) = live else { return Health::Progressing(format!("job {name} is being made")) };
    let conditions = live["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let holds = |kind: &str| conditions.iter().find(|it| it["type"] == kind && it["status"] == "True");
    if holds("Complete").is_some() {
        return Health::Healthy;
    }
    let why = pods.iter().filter(|it| of(it, name)).find_map(|it| explain(it, unhealthy));
    if let Some(failed) = holds("Failed") {
        let said = failed["message"].as_str().unwrap_or_default();
        let why = why.map(|it| format!(" ({it})")).unwrap_or_default();
        return Health::Failed(format!("job {name} failed: {said}{why}"));
    }
    let why = why.map(|it| format!(": {it}")).unwrap_or_default();
    Health::Progressing(format!("job {name} is at work{why}"))
}

/// Whether a Pod was made for an object of that name. A Deployment's are made by a ReplicaSet with one word more; other
/// objects of the Resource have names that begin so too.
fn of(pod: &Pod, name: &str) -> bool {
    let by_set = |it: &OwnerReference| {
        let word = it.name.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        it.kind == "ReplicaSet" && word.is_some_and(|it| !it.contains('-'))
    };
    let owned = pod.metadata.owner_references.iter().flatten().any(|it| it.name == name || by_set(it));
    owned && pod.metadata.deletion_timestamp.is_none()
}
