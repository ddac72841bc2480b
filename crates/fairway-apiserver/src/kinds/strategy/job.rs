//! Jobs find their pods by the uid of the Job, unless the writer insists on an own selector.

use serde_json::{Value, json};

use crate::kinds::tree::{child, fill, text};

pub(super) fn create(object: &mut Value) {
    if object["spec"]["manualSelector"] == true {
        return;
    }
    let uid = text(&object["metadata"]["uid"]).to_owned();
    let name = text(&object["metadata"]["name"]).to_owned();
    let spec = child(object, "spec");
    let labels = child(child(child(spec, "template"), "metadata"), "labels");
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        fill(labels, key, value.as_str());
    }
    let labels = labels.clone();
    spec["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    fill(child(object, "metadata"), "labels", labels);
}
