use super::*;

#[test]
fn schemas_are_said_in_the_older_spelling() {
    let given = json!({
        "type": "object",
        "properties": {
            "metadata": { "description": "About it.", "default": {}, "allOf": [{ "$ref": "#/components/schemas/Meta" }] },
            "oneOf": { "type": "string", "nullable": true },
            "list": { "type": "array", "items": { "$ref": "#/components/schemas/Item" } },
        },
        "anyOf": [{ "required": ["a"] }],
        "x-kubernetes-group-version-kind": [{ "group": "", "version": "v1", "kind": "Boat" }],
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "metadata": { "description": "About it.", "$ref": "#/definitions/Meta" },
            "oneOf": { "type": "string" },
            "list": { "type": "array", "items": { "$ref": "#/definitions/Item" } },
        },
        "x-kubernetes-group-version-kind": [{ "group": "", "version": "v1", "kind": "Boat" }],
    });
    assert_eq!(schema(given), expected);
}

#[test]
fn parameters_bodies_and_answers_are_too() {
    let reference = json!({ "schema": { "$ref": "#/components/schemas/Boat" } });
    let given = json!({ "post": {
        "parameters": [{ "name": "dryRun", "in": "query", "schema": { "type": "string" } }],
        "requestBody": { "content": { "application/json": reference } },
        "responses": { "200": { "description": "OK", "content": { "application/json": reference } } },
    } });
    let definition = json!({ "$ref": "#/definitions/Boat" });
    let expected = json!({ "post": {
        "parameters": [
            { "name": "dryRun", "in": "query", "type": "string" },
            { "name": "body", "in": "body", "required": true, "schema": definition },
        ],
        "consumes": ["application/json"], "produces": ["application/json", "application/yaml"],
        "responses": { "200": { "description": "OK", "schema": definition } },
    } });
    assert_eq!(path_item(given), expected);
}
