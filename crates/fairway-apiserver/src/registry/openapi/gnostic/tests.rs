use serde_json::json;

use super::*;

#[test]
fn fields_stand_under_the_numbers_of_the_definition() {
    let document = json!({ "swagger": "2.0", "info": { "title": "t", "version": "v" } });
    assert_eq!(encode(&document), b"\x0a\x032.0\x12\x06\x0a\x01t\x12\x01v");
    let schema = json!({ "type": "string", "maxLength": 300, "x-a": [1] });
    assert_eq!(
        message(&SCHEMA, &schema),
        b"\x58\xac\x02\xb2\x01\x08\x0a\x06string\xfa\x01\x0c\x0a\x03x-a\x12\x05\x12\x03[1]"
    );
    let anything = json!({ "additionalProperties": true });
    assert_eq!(message(&SCHEMA, &anything), b"\xaa\x01\x02\x10\x01");
    let parameters = json!({ "parameters": [{ "in": "query", "name": "q" }] });
    assert_eq!(message(&PATH_ITEM, &parameters), b"\x4a\x10\x0a\x0e\x12\x0c\x1a\x0a\x12\x05query\x22\x01q");
}
