//! Migrations of the wanted Release: whether they may run here, the Job that runs them, and what became of it.
//!
//! The Job's name follows from what it runs, so a pass that is cut short finds it again, done or not. What has run is
//! remembered in the Delivery's status, from which the next Release is judged.

use fairway_api::names::{ANNOTATION_CAUSE, LABEL_MIGRATION};
use fairway_api::v1alpha1::{AppliedMigration, Delivery, DeliveryReason, Migration, ReleaseMigrations, SchemaStatus};
use fairway_plan::health::Health;
use fairway_plan::migration::job::{self, job};
use fairway_plan::migration::plan::{Now, Plan, plan};
use fairway_plan::migration::{WITHIN, migrations};
use fairway_plan::{digest_of, resource};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::Value;

use super::plan::Rendered;
use super::validate::{self, Problem, Valid};
use crate::last_words::{last_words, newest};
use crate::target::{TargetBundle, TargetError};
use crate::{Context, Error};

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
    match plan(&schema.applied, steps, now(delivery)) {
        Plan::Nothing => Ok(Schema::Fits(Some(SchemaStatus { job: None, failed: None, ..schema }))),
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
    match plan(applied, &[], now(delivery)) {
        Plan::Refuse(refusal) => Schema::Refused(refused(&refusal, valid)),
        Plan::Nothing | Plan::Run(_) => Schema::Fits(before),
    }
}

/// Who serves while the schema changes. Nobody is harmed by what the serving Release itself brings again.
fn now(delivery: &Delivery) -> Now<'_> {
    let serving = delivery.status.as_ref().and_then(|it| it.current.as_ref());
    let serving = serving.filter(|it| it.release_name != delivery.spec.release_name);
    let accepted = delivery.spec.migrations.as_ref().and_then(|it| it.allow_breaking.as_deref());
    Now { serving: serving.map(|it| it.version.as_str()), accepted }
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
    let binding = wanted.bindings.get(&brings.resource);
    let again = delivery.spec.migrations.as_ref().and_then(|it| it.run.as_deref());
    let rendered = binding.and_then(|binding| {
        job(&job::Input {
            component,
            bundle: &wanted.bundle,
            migrations: brings,
            pending,
            resource: &schema.resource,
            secret: &binding.secret_name,
            outputs: &binding.outputs,
            again,
        })
    });
    let Some(rendered) = rendered else {
        let (resource, container) = (&brings.resource, &brings.container);
        return Ok(Schema::Refused(Problem {
            reason: DeliveryReason::RenderFailed,
            message: format!(
                "migrations name resource {resource:?} and container {container:?}; one is not in score.yaml"
            ),
            next_step: Some("correct score.yaml, and push again".to_owned()),
        }));
    };
    let name = rendered["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let objects = [rendered];
    let (inventory, digest) = (inventory(component), digest_of(&objects[..]).to_string());
    let cause = delivery.annotations().get(ANNOTATION_CAUSE).map(String::as_str);
    let bundle =
        TargetBundle { namespace: &valid.namespace, name: &inventory, objects: &objects, digest: &digest, cause };
    match ctx.target.apply(&bundle).await {
        Ok(()) => {}
        Err(TargetError::Taken(message)) => return Ok(Schema::Refused(validate::taken(message))),
        Err(TargetError::Refused(message)) => return Ok(Schema::Refused(validate::refused(message))),
        Err(source) => return Err(Error::Target { what: "make the job of migrations", source }),
    }
    let view = ctx.target.look(&bundle, (LABEL_MIGRATION, component)).await;
    let view = view.map_err(|source| Error::Target { what: "look at the job of migrations", source })?;
    let seen: Vec<(&Value, Option<Value>)> = objects.iter().zip(view.objects).collect();
    let unhealthy = |pod: &Pod| view.unhealthy.get(&pod.uid().unwrap_or_default()).cloned();
    let judged = resource::judge(&seen, &view.pods, &unhealthy).prepared;
    // What has run is remembered though the jobs before it cannot be removed: failed tries may be more than go at once.
    if judged == Health::Healthy
        && let Err(error) = ctx.target.prune(&bundle).await
    {
        tracing::warn!(%error, delivery.namespace = valid.namespace, delivery.name = component, "jobs of migrations stay");
    }
    let ids: Vec<&str> = pending.iter().map(|it| it.id.as_str()).collect();
    let what = format!("{} {}", if ids.len() == 1 { "migration" } else { "migrations" }, ids.join(", "));
    Ok(outcome(schema, &name, &what, judged, &view.pods, || ran(pending, delivery, ctx.kit.world.clock.now()), valid))
}

/// The inventory of a Component's migrations: no Component's has a point in its name.
pub(super) fn inventory(component: &str) -> String {
    format!("migration.{component}")
}

fn ran(pending: &[&Migration], delivery: &Delivery, now: Timestamp) -> Vec<AppliedMigration> {
    let one = |it: &&Migration| AppliedMigration {
        id: it.id.clone(),
        name: it.name.clone(),
        digest: it.digest.clone(),
        kind: it.kind,
        release_name: delivery.spec.release_name.clone(),
        since: Time(now),
    };
    pending.iter().map(one).collect()
}

fn outcome(
    mut schema: SchemaStatus,
    job: &str,
    what: &str,
    judged: Health,
    pods: &[Pod],
    ran: impl FnOnce() -> Vec<AppliedMigration>,
    valid: &Valid,
) -> Schema {
    schema.failed = None;
    match judged {
        Health::Healthy => {
            schema.applied.extend(ran());
            schema.job = None;
            Schema::Fits(Some(schema))
        }
        Health::Progressing(how) => {
            schema.job = Some(job.to_owned());
            Schema::Changing(schema, format!("{what} on its way: {how}"))
        }
        Health::Failed(why) => {
            let pod = newest(pods, |it| it == job);
            let said = pod.and_then(|it| late(it).or_else(|| last_words(it))).unwrap_or(why);
            schema.job = Some(job.to_owned());
            schema.failed = Some(said.clone());
            let (component, environment) = (&valid.component, &valid.environment);
            let problem = Problem {
                reason: DeliveryReason::MigrationFailed,
                message: format!("{what} failed: {said}"),
                next_step: Some(format!("platform logs {component} --env={environment} --migration")),
            };
            Schema::Failed(schema, problem)
        }
    }
}

/// Whether it was ended because it took too long.
fn late(pod: &Pod) -> Option<String> {
    pod.status.as_ref().filter(|it| it.reason.as_deref() == Some("DeadlineExceeded"))?;
    let within = pod.spec.as_ref()?.active_deadline_seconds?;
    Some(format!(
        "it took longer than {within} s and was ended; what it had not committed is undone \
         (more time: annotation {WITHIN} in score.yaml)"
    ))
}

#[cfg(test)]
mod tests;
