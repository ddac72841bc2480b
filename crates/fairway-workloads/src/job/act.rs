//! The writes of a plan, and the Pod that a Job makes.

use fairway_controller::{Kit, delete_exact, gone_is_fine};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::indexes::INDEX;
use super::plan::Action;
use super::tally::TRACKING;
use crate::Error;
use crate::pod::from_template;

pub(super) async fn act(job: &Job, action: &Action, ctx: &Kit) -> Result<(), Error> {
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    match action {
        Action::Create(index) => create(&pods, job, *index, ctx).await,
        Action::Delete(pod) => delete(&pods, job, pod, ctx).await,
        Action::Withdraw(pod) => {
            release(&pods, pod).await?;
            delete(&pods, job, pod, ctx).await
        }
    }
}

async fn create(pods: &Api<Pod>, job: &Job, index: Option<i32>, ctx: &Kit) -> Result<(), Error> {
    let parameters = PostParams { field_manager: Some(ctx.name.to_owned()), ..PostParams::default() };
    match pods.create(&parameters, &pod(job, index, &ctx.world.entropy.suffix(5))).await {
        Ok(made) => {
            ctx.events.normal(job, "SuccessfulCreate", &format!("Created pod: {}", made.name_any())).await;
            Ok(())
        }
        Err(source) => {
            ctx.events.warning(job, "FailedCreate", &format!("Error creating: {source}")).await;
            Err(Error::Write { what: "a pod", source })
        }
    }
}

async fn delete(pods: &Api<Pod>, job: &Job, pod: &Pod, ctx: &Kit) -> Result<(), Error> {
    delete_exact(pods, &pod.name_any(), pod.uid()).await.map_err(Error::write("a surplus pod"))?;
    ctx.events.normal(job, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name_any())).await;
    Ok(())
}

/// Lets a Pod go that is counted, or never will be.
pub(super) async fn release(pods: &Api<Pod>, pod: &Pod) -> Result<(), Error> {
    let others: Vec<&String> = pod.finalizers().iter().filter(|it| *it != TRACKING).collect();
    let metadata = json!({ "uid": pod.uid(), "resourceVersion": pod.resource_version(), "finalizers": others });
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let result = pods.patch_metadata(&pod.name_any(), &PatchParams::default(), &patch).await;
    // One that somebody changed meanwhile is looked at again for that change.
    gone_is_fine(result.map(|_| ())).map_err(Error::write("a counted pod"))
}

/// Removes a Job whose time after the end is over, its Pods before it.
pub(super) async fn expire(job: &Job, ctx: &Kit) -> Result<(), Error> {
    let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    let preconditions = Some(Preconditions { uid: job.uid(), resource_version: None });
    let parameters = DeleteParams { preconditions, ..DeleteParams::foreground() };
    let result = jobs.delete(&job.name_any(), &parameters).await;
    gone_is_fine(result.map(|_| ())).map_err(Error::write("a job that is over"))
}

/// A Pod of this Job.
fn pod(job: &Job, index: Option<i32>, suffix: &str) -> Pod {
    let template = job.spec.as_ref().map(|it| it.template.clone()).unwrap_or_default();
    let mut pod = from_template(&template, job);
    pod.finalizers_mut().push(TRACKING.to_owned());
    let number = index.map(|it| format!("-{it}")).unwrap_or_default();
    let mut base = job.name_any();
    base.truncate(57 - number.len());
    pod.metadata.generate_name = Some(format!("{base}{number}-"));
    pod.metadata.name = Some(format!("{base}{number}-{suffix}"));
    let Some(index) = index else { return pod };
    pod.labels_mut().insert(INDEX.to_owned(), index.to_string());
    pod.annotations_mut().insert(INDEX.to_owned(), index.to_string());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(format!("{base}{number}"));
    let field = ObjectFieldSelector { field_path: format!("metadata.annotations['{INDEX}']"), api_version: None };
    let source = EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() };
    let variable = EnvVar { name: "JOB_COMPLETION_INDEX".to_owned(), value: None, value_from: Some(source) };
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        let variables = container.env.get_or_insert_default();
        if variables.iter().all(|it| it.name != variable.name) {
            variables.push(variable.clone());
        }
    }
    pod
}
