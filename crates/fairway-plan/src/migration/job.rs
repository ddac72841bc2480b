//! The Job that runs migrations: the Release's own image and settings, and the role of the database that may change it.

use fairway_api::names::{LABEL_CLIENT_OF, LABEL_COMPONENT, LABEL_MIGRATION};
use fairway_api::v1alpha1::{Migration, ReleaseMigrations};
use serde_json::{Map, Value, json};

use super::WITHIN_DEFAULT;
use crate::digest_of;
use crate::render::Bundle;

/// How many seconds more it may take until its pod runs.
const MARGIN: u32 = 300;

/// All that a Job depends on.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The Component.
    pub component: &'a str,
    /// What the Release becomes here.
    pub bundle: &'a Bundle,
    /// What it brings.
    pub migrations: &'a ReleaseMigrations,
    /// What of it is to be run.
    pub pending: &'a [&'a Migration],
    /// The resource, by object name.
    pub resource: &'a str,
    /// The Secret that tells how to reach it.
    pub secret: &'a str,
    /// The keys of that Secret.
    pub outputs: &'a [String],
    /// A word that, when it changes, tries again what failed.
    pub again: Option<&'a str>,
}

/// Renders the Job. `None` where the Bundle has no such container.
///
/// Its name follows from what is run: the same migrations of the same Release are one Job, which runs once.
pub fn job(input: &Input<'_>) -> Option<Value> {
    let deployment = input.bundle.objects.iter().find(|it| it["kind"] == "Deployment")?;
    let template = &deployment["spec"]["template"];
    let containers = template["spec"]["containers"].as_array()?;
    let own = containers.iter().find(|it| it["name"] == input.migrations.container.as_str())?;
    let ids: Vec<&str> = input.pending.iter().map(|it| it.id.as_str()).collect();
    let container = json!({
        "name": "migrate",
        "image": own["image"],
        "imagePullPolicy": own["imagePullPolicy"],
        "securityContext": own["securityContext"],
        "command": input.migrations.command,
        // It waits while others work; where a quota counts what is asked for, who asks for nothing is refused.
        "resources": { "requests": { "cpu": "10m", "memory": "32Mi" } },
        "env": environment(input, own),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let labels = json!({ LABEL_MIGRATION: input.component, LABEL_CLIENT_OF: input.resource });
    let within = input.migrations.within.unwrap_or(WITHIN_DEFAULT);
    let spec = json!({
        // Never a second time by itself: whoever reads why it failed decides.
        "backoffLimit": 0,
        // Its pod ends before it, and is still there for whoever asks what it printed.
        "activeDeadlineSeconds": within + MARGIN,
        "template": {
            "metadata": { "labels": labels },
            "spec": {
                "activeDeadlineSeconds": within,
                "terminationGracePeriodSeconds": 5,
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "securityContext": template["spec"]["securityContext"],
                "containers": [container],
            },
        },
    });
    let name = format!("{}-migrate-{}", input.component, digest_of(&json!([spec, ids, input.again])).short());
    Some(json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": deployment["metadata"]["namespace"],
            "labels": { "app.kubernetes.io/managed-by": "fairway", LABEL_COMPONENT: input.component, LABEL_MIGRATION: input.component },
            "annotations": { "fairway.dev/migrations": ids.join(",") },
        },
        "spec": spec,
    }))
}

/// The variables of the container: its settings in place of the ConfigMap that only its own Bundle brings, and the
/// credentials of migrations in place of those of the workload.
fn environment(input: &Input<'_>, container: &Value) -> Vec<Value> {
    let data = |name: &Value| {
        input.bundle.objects.iter().find(|it| it["kind"] == "ConfigMap" && it["metadata"]["name"] == *name)
    };
    let config =
        container["envFrom"].as_array().into_iter().flatten().filter_map(|it| data(&it["configMapRef"]["name"]));
    let settings = config.filter_map(|it| it["data"].as_object()).flatten();
    let mut variables: Map<String, Value> =
        settings.map(|(name, value)| (name.clone(), json!({ "name": name, "value": as_it_stands(value) }))).collect();
    let mut ordered: Vec<Value> = Vec::new();
    for it in container["env"].as_array().into_iter().flatten() {
        // What is said by the workload wins over a setting of the same name, as it does there.
        variables.remove(it["name"].as_str().unwrap_or_default());
        ordered.push(with_rights(input, it.clone()));
    }
    variables.into_iter().map(|it| it.1).chain(ordered).collect()
}

/// In a variable `$(NAME)` is the value of another one and `$$` one sign; in a ConfigMap both are what they are.
fn as_it_stands(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('$', "$$")
}

fn with_rights(input: &Input<'_>, mut variable: Value) -> Value {
    if let Some(reference) = variable.pointer_mut("/valueFrom/secretKeyRef").filter(|it| it["name"] == input.secret) {
        let key = format!("migration_{}", reference["key"].as_str().unwrap_or_default());
        if input.outputs.contains(&key) {
            reference["key"] = json!(key);
        }
    }
    variable
}

#[cfg(test)]
mod tests;
