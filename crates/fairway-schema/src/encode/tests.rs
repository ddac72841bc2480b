use serde_json::json;

use super::*;

#[test]
fn metadata_comes_first_and_the_rest_is_sorted() {
    let object = json!({ "spec": { "b": 1, "a": 2 }, "data": {}, "metadata": { "name": "x" } });
    assert_eq!(canonical(&object), br#"{"metadata":{"name":"x"},"data":{},"spec":{"a":2,"b":1}}"#);
    assert_eq!(canonical(&json!({ "a": 1 })), br#"{"a":1}"#);
    assert_eq!(canonical(&json!([1])), b"[1]");
}
