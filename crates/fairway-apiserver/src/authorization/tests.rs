use super::*;

fn list_pods(namespace: &str) -> Attributes<'_> {
    Attributes { verb: "list", version: "v1", resource: "pods", namespace, is_resource: true, ..Attributes::default() }
}

#[test]
fn a_refusal_says_who_wanted_what_where_in_the_words_of_kubernetes() {
    let user = Identity { user: "u".into(), ..Identity::default() };
    let pods = list_pods("n");
    let cases = [
        (pods, "", r#"pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "n""#),
        (
            list_pods(""),
            "",
            r#"pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope"#,
        ),
        (
            Attributes {
                group: "apps",
                resource: "deployments",
                subresource: "scale",
                name: "web",
                verb: "update",
                ..pods
            },
            "",
            r#"deployments.apps "web" is forbidden: User "u" cannot update resource "deployments/scale" in API group "apps" in the namespace "n""#,
        ),
        (
            pods,
            r#"RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#,
            r#"pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "n": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#,
        ),
        (
            Attributes { verb: "get", path: "/metrics", ..Attributes::default() },
            "",
            r#"forbidden: User "u" cannot get path "/metrics""#,
        ),
    ];
    for (attributes, why, expected) in cases {
        let error = forbidden(&user, &attributes, why);
        assert_eq!((error.code, error.reason, error.message.as_str()), (403, "Forbidden", expected));
    }
}

#[test]
fn details_name_the_resource_and_are_empty_for_paths() {
    let user = Identity::anonymous();
    assert_eq!(forbidden(&user, &list_pods("n"), "").details, Some(serde_json::json!({ "kind": "pods" })));
    let path = Attributes { verb: "get", path: "/api", ..Attributes::default() };
    assert_eq!(forbidden(&user, &path, "").details, Some(serde_json::json!({})));
}
