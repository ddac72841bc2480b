//! Migrations of the wanted Release: whether they may run here, the Job that runs them, and what became of it.
//!
//! The Job's name follows from what it runs, so a pass that is cut short finds it again, done or not. It is made when no
//! other one is at work. What has run is remembered in the Delivery's status, from which the next Release is judged.

mod outcome;

use fairway_api::names::{ANNOTATION_CAUSE, LABEL_MIGRATION};
use fairway_api::v1alpha1::{Delivery, DeliveryReason, Migration, ReleaseMigrations, SchemaStatus};
use fairway_plan::health::Health;
use fairway_plan::migration::job::{self, job};
use fairway_plan::migration::migrations;
use fairway_plan::migration::older::older;
use fairway_plan::migration::plan::{Now, Plan, batch, plan};
use fairway_plan::{digest_of, resource};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::Value;

use super::plan::Rendered;
use super::validate::{self, Problem, Valid};
use crate::target::{TargetBundle, TargetError, TargetView};
use crate::{Context, Error};
use outcome::{Try, named, outcome};

/// How far the schema is.
pub(super) enum Schema {
    /// It is one that the Release can run on.
    Fits(Option<SchemaStatus>),
    /// It is being changed.
    Changing(SchemaStatus, String),
    /// A migration failed, and is not tried again by itself.
    Failed(SchemaStatus, Problem),
    /// Nothing was done, nor will be until something changes.
    Refused(Problem),
}

/// Brings the schema to where the wanted Release needs it, if that may be.
pub(super) async fn migrate(
    delivery: &Delivery,
    valid: &Valid,
    wanted: &Rendered,
    ctx: &Context,
) -> Result<Schema, Error> {
    let before = delivery.status.as_ref().and_then(|it| it.schema.clone());
    let brings = migrations(&valid.release.spec);
    let Some(resource) = brings.map(|it| it.resource.as_str()) else {
        return Ok(without(before, delivery, valid));
    };
    let name = resource::name(valid.component.as_str(), resource);
    // Another database has a schema of its own.
    let schema = before.filter(|it| it.resource == name);
    let schema = schema.unwrap_or_else(|| SchemaStatus { resource: name, ..SchemaStatus::default() });
    let steps = brings.map(|it| it.steps.as_slice()).unwrap_or_default();
    match plan(&schema.applied, steps, Now::of(delivery)) {
        Plan::Nothing => Ok(Schema::Fits(Some(SchemaStatus { job: None, failed: None, failed_step: None, ..schema }))),
        Plan::Refuse(refusal) => Ok(Schema::Refused(refused(&refusal, valid))),
        Plan::Run(pending) => match brings {
            Some(brings) => run(delivery, valid, wanted, schema, brings, &pending, ctx).await,
            None => Ok(Schema::Fits(Some(schema))),
        },
    }
}

/// A Release that brings none runs on the schema that there is, if that has not gone on without it.
fn without(before: Option<SchemaStatus>, delivery: &Delivery, valid: &Valid) -> Schema {
    let applied = before.as_ref().map(|it| it.applied.as_slice()).unwrap_or_default();
    match plan(applied, &[], Now::of(delivery)) {
        Plan::Refuse(refusal) => Schema::Refused(refused(&refusal, valid)),
        Plan::Nothing | Plan::Run(_) => Schema::Fits(before),
    }
}

fn refused(refusal: &fairway_plan::migration::plan::Refusal, valid: &Valid) -> Problem {
    Problem {
        reason: DeliveryReason::MigrationRefused,
        message: refusal.to_string(),
        next_step: Some(refusal.way_out(valid.component.as_str(), valid.environment.as_str())),
    }
}

async fn run(
    delivery: &Delivery,
    valid: &Valid,
    wanted: &Rendered,
    schema: SchemaStatus,
    brings: &ReleaseMigrations,
    pending: &[&Migration],
    ctx: &Context,
) -> Result<Schema, Error> {
    let component = valid.component.as_str();
    let release_name = delivery.spec.release_name.as_str();
    let batch = batch(&schema.applied, &brings.steps, release_name);
    let Some(rendered) = render(delivery, component, wanted, &schema, brings, &batch) else {
        return Ok(Schema::Refused(unknown(brings)));
    };
    let job = rendered["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let objects = [rendered];
    let (inventory, digest) = (inventory(component), digest_of(&objects[..]).to_string());
    let cause = delivery.annotations().get(ANNOTATION_CAUSE).map(String::as_str);
    let bundle =
        TargetBundle { namespace: &valid.namespace, name: &inventory, objects: &objects, digest: &digest, cause };
    let before = look(&bundle, component, ctx).await?;
    let was_made = before.objects.iter().any(Option::is_some);
    if !was_made && let Some((older, how)) = waits(&bundle, &before.pods, component, ctx).await? {
        let schema = SchemaStatus { job: Some(older), failed: None, failed_step: None, ..schema };
        return Ok(Schema::Changing(schema, format!("{} {how}", named(pending))));
    }
    match ctx.target.apply(&bundle).await {
        Ok(()) => {}
        Err(TargetError::Taken(message)) => return Ok(Schema::Refused(validate::taken(message))),
        Err(TargetError::Refused(message)) => return Ok(Schema::Refused(validate::refused(message))),
        Err(source) => return Err(Error::Target { what: "make the job of migrations", source }),
    }
    let view = if was_made { before } else { look(&bundle, component, ctx).await? };
    let seen: Vec<(&Value, Option<Value>)> = objects.iter().zip(view.objects).collect();
    let unhealthy = |pod: &Pod| view.unhealthy.get(&pod.uid().unwrap_or_default()).cloned();
    let judged = resource::judge(&seen, &view.pods, &unhealthy).prepared;
    // What has run is remembered though the jobs before it cannot be removed: failed tries may be more than go at once.
    if judged == Health::Healthy {
        prune(&bundle, ctx).await;
    }
    let tried = Try { job: &job, batch: &batch, pending, release_name, now: ctx.kit.world.clock.now() };
    Ok(outcome(schema, &tried, judged, &view.pods, valid))
}

/// The Job that runs them; nothing where `score.yaml` has no such resource or container.
fn render(
    delivery: &Delivery,
    component: &str,
    wanted: &Rendered,
    schema: &SchemaStatus,
    brings: &ReleaseMigrations,
    pending: &[&Migration],
) -> Option<Value> {
    let binding = wanted.bindings.get(&brings.resource)?;
    job(&job::Input {
        component,
        bundle: &wanted.bundle,
        migrations: brings,
        pending,
        resource: &schema.resource,
        secret: &binding.secret_name,
        outputs: &binding.outputs,
        again: delivery.spec.migrations.as_ref().and_then(|it| it.run.as_deref()),
    })
}

fn unknown(brings: &ReleaseMigrations) -> Problem {
    let (resource, container) = (&brings.resource, &brings.container);
    Problem {
        reason: DeliveryReason::RenderFailed,
        message: format!("migrations name resource {resource:?} and container {container:?}; one is not in score.yaml"),
        next_step: Some("correct score.yaml, and push again".to_owned()),
    }
}

/// Which Job of an earlier try is at work, and how it is waited for before the wanted one is made: one program at a time
/// changes a schema. An earlier one that has not begun, as where its image cannot be had, is taken back.
async fn waits(
    bundle: &TargetBundle<'_>,
    pods: &[Pod],
    component: &str,
    ctx: &Context,
) -> Result<Option<(String, String)>, Error> {
    let left = ctx.target.left_over(bundle).await;
    let left = left.map_err(|source| Error::Target { what: "look for earlier jobs of migrations", source })?;
    let Some(older) = older(&left, pods, component) else { return Ok(None) };
    if !older.began {
        prune(bundle, ctx).await;
    }
    let how = older.to_string();
    Ok(Some((older.job, how)))
}

async fn look(bundle: &TargetBundle<'_>, component: &str, ctx: &Context) -> Result<TargetView, Error> {
    let view = ctx.target.look(bundle, (LABEL_MIGRATION, component)).await;
    view.map_err(|source| Error::Target { what: "look at the job of migrations", source })
}

/// Removes the Jobs before.
async fn prune(bundle: &TargetBundle<'_>, ctx: &Context) {
    if let Err(error) = ctx.target.prune(bundle).await {
        let inventory = bundle.name;
        tracing::warn!(%error, delivery.namespace = bundle.namespace, inventory, "jobs of migrations stay");
    }
}

/// The inventory of a Component's migrations: no Component's has a point in its name.
pub(super) fn inventory(component: &str) -> String {
    format!("migration.{component}")
}

#[cfg(test)]
mod tests;
