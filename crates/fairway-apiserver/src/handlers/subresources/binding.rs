//! Where a pod runs, decided by a scheduler; and that it shall leave, decided by an operator.

use fairway_store::{CommitError, Expect};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::delete::{DeleteOptions, remove};
use crate::ApiError;
use crate::object::text_at;
use crate::pipeline::{self, Kept, Origin};
use crate::server::{Call, Reply};

/// How often a binding that races with other writes is tried again.
const ATTEMPTS: usize = 16;

pub(super) async fn bind(call: &Call) -> Result<Reply, ApiError> {
    let options = call.write_options("CreateOptions")?;
    let binding = pipeline::decode_options(call, "Binding")?;
    let node = text_at(&binding, "/target/name");
    let (group, plural, name) = ("", "pods/binding", call.info.name.as_str());
    if node.is_empty() {
        let cause = fairway_schema::Cause::required("target.name", "");
        return Err(ApiError::invalid(group, "Binding", name, &[cause]));
    }
    for _ in 0..ATTEMPTS {
        let live = super::super::get::read(call)?;
        let mut pod = call.served.decode(&live);
        let uid = text_at(&binding, "/metadata/uid");
        if !uid.is_empty() && uid != text_at(&pod, "/metadata/uid") {
            return Err(ApiError::conflict(group, plural, name, "the pod was deleted and made anew"));
        }
        let bound = text_at(&pod, "/spec/nodeName");
        if !bound.is_empty() {
            let why = format!("pod {name} is already assigned to node {bound:?}");
            return Err(ApiError::conflict(group, plural, name, &why));
        }
        if pod.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(ApiError::conflict(
                group,
                plural,
                name,
                &format!("pod {name} is being deleted, cannot be assigned to a host"),
            ));
        }
        pod["spec"]["nodeName"] = json!(node);
        set_scheduled(&mut pod, &pipeline::now_text(call.shared.world.clock.now()));
        if options.dry_run {
            return Ok(success());
        }
        let origin = Origin { note: call.note(&options.field_manager) };
        match pipeline::commit_put(
            &call.shared,
            live.key.clone(),
            Expect::At(live.revision),
            Kept::of(&call.served, &pod),
            origin,
        )
        .await
        {
            Ok(_) => return Ok(success()),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(pipeline::refused(&error)),
        }
    }
    Err(pipeline::modified(&call.served, name))
}

fn set_scheduled(pod: &mut Value, now: &str) {
    let condition =
        json!({ "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now });
    let conditions = &mut pod["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|it| it["type"] != "PodScheduled");
        conditions.push(condition);
    }
}

/// Deletes the pod; there are no disruption budgets that could object yet.
pub(super) async fn evict(call: &Call) -> Result<Reply, ApiError> {
    let eviction = pipeline::decode_options(call, "Eviction")?;
    let options = &eviction["deleteOptions"];
    let live = super::super::get::read(call)?;
    let options = DeleteOptions {
        grace: options["gracePeriodSeconds"].as_i64(),
        uid: options.pointer("/preconditions/uid").and_then(Value::as_str).map(ToOwned::to_owned),
        dry_run: !call.query.all("dryRun").is_empty(),
        ..DeleteOptions::default()
    };
    remove(&call.shared, &call.served, live, &options, &call.note("")).await?;
    Ok(success())
}

fn success() -> Reply {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Reply::tree(StatusCode::CREATED, status)
}
