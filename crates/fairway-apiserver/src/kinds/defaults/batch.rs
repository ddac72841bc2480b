//! Jobs and CronJobs.

use serde_json::Value;

use super::pod::template;
use crate::kinds::tree::{child, fill};

pub(super) fn job(object: &mut Value) {
    let spec = child(object, "spec");
    template(child(spec, "template"));
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        fill(spec, "completions", 1);
    }
    fill(spec, "parallelism", 1);
    if spec["backoffLimitPerIndex"].is_null() {
        fill(spec, "backoffLimit", 6);
    }
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    fill(spec, "manualSelector", false);
    let policy = if spec["podFailurePolicy"].is_null() { "TerminatingOrFailed" } else { "Failed" };
    fill(spec, "podReplacementPolicy", policy);
}

pub(super) fn cron_job(object: &mut Value) {
    let spec = child(object, "spec");
    fill(spec, "concurrencyPolicy", "Allow");
    fill(spec, "suspend", false);
    fill(spec, "successfulJobsHistoryLimit", 3);
    fill(spec, "failedJobsHistoryLimit", 1);
    template(child(child(child(spec, "jobTemplate"), "spec"), "template"));
}
