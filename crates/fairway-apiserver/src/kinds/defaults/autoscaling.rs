//! HorizontalPodAutoscalers.

use serde_json::{Value, json};

use crate::kinds::tree::{child, fill};

pub(super) fn horizontal_pod_autoscaler(object: &mut Value) {
    let spec = child(object, "spec");
    fill(spec, "minReplicas", 1);
    let cpu = json!([{
        "type": "Resource",
        "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } },
    }]);
    fill(spec, "metrics", cpu);
    if let Some(behavior) = spec.get_mut("behavior").filter(|it| it.is_object()) {
        scaling(behavior);
    }
    fill(child(object, "status"), "currentMetrics", Value::Null);
}

/// Fast up, without haste down.
fn scaling(behavior: &mut Value) {
    let up = child(behavior, "scaleUp");
    fill(up, "stabilizationWindowSeconds", 0);
    fill(up, "selectPolicy", "Max");
    let policies = json!([
        { "type": "Pods", "value": 4, "periodSeconds": 15 },
        { "type": "Percent", "value": 100, "periodSeconds": 15 },
    ]);
    fill(up, "policies", policies);
    let down = child(behavior, "scaleDown");
    fill(down, "selectPolicy", "Max");
    fill(down, "policies", json!([{ "type": "Percent", "value": 100, "periodSeconds": 15 }]));
}
