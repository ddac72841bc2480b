use super::*;

fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str], urls: &[&str]) -> Rule {
    let own = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    Rule {
        verbs: own(verbs),
        api_groups: own(groups),
        resources: own(resources),
        resource_names: own(names),
        non_resource_urls: own(urls),
    }
}

#[test]
fn a_resource_rule_allows_what_it_names_and_nothing_else() {
    // Resources and names of the rule; resource, subresource and name asked for; whether it is allowed.
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str, &'a str, &'a str, bool);
    let cases: &[Case<'_>] = &[
        (&["pods"], &[], "pods", "", "", true),
        (&["pods"], &[], "pods", "log", "", false),
        (&["pods/log"], &[], "pods", "log", "a", true),
        (&["pods/log"], &[], "pods", "", "a", false),
        (&["pods/log"], &[], "pods", "logs", "a", false),
        (&["*/scale"], &[], "deployments", "scale", "a", true),
        (&["*/scale"], &[], "deployments", "", "a", false),
        (&["*/scale"], &[], "deployments", "upscale", "a", false),
        (&["*"], &[], "pods", "log", "a", true),
        (&["pods/*"], &[], "pods", "log", "a", false),
        (&["pod"], &[], "pods", "", "", false),
        (&["pods"], &["a", "b"], "pods", "", "b", true),
        (&["pods"], &["a"], "pods", "", "", false),
        (&["pods"], &["a"], "pods", "", "ab", false),
        (&["components/log"], &["web"], "components", "log", "web", true),
        (&[], &[], "pods", "", "", false),
    ];
    for (resources, names, resource, subresource, name, allowed) in cases {
        let rule = rule(&["get"], &[""], resources, names, &[]);
        let asked = Attributes { verb: "get", resource, subresource, name, is_resource: true, ..Attributes::default() };
        assert_eq!(rule.allows(&asked), *allowed, "{rule} for {asked:?}");
        assert!(!rule.allows(&Attributes { verb: "list", ..asked }));
        assert!(!rule.allows(&Attributes { group: "apps", ..asked }));
        assert!(!rule.allows(&Attributes { is_resource: false, path: "/api", ..asked }));
    }
}

#[test]
fn a_path_rule_matches_whole_paths_and_trailing_stars() {
    let cases = [
        ("/healthz", "/healthz", true),
        ("/healthz", "/healthz/", false),
        ("/healthz", "/healthz/etcd", false),
        ("/api/*", "/api/v1", true),
        ("/api/*", "/api", false),
        ("/api*", "/apis", true),
        ("*", "/anything", true),
        ("/a/*/b", "/a/x/b", false),
    ];
    for (url, path, allowed) in cases {
        let rule = rule(&["get"], &[], &[], &[], &[url]);
        let asked = Attributes { verb: "get", path, ..Attributes::default() };
        assert_eq!(rule.allows(&asked), allowed, "{url} for {path}");
        let resource = Attributes { is_resource: true, resource: "pods", ..asked };
        assert!(!rule.allows(&resource), "a path rule gives no resource");
    }
}

#[test]
fn one_rule_covers_another_only_if_it_allows_all_the_other_does() {
    let all = rule(&["*"], &["*"], &["*"], &[], &[]);
    let narrow = rule(&["get"], &["apps"], &["deployments"], &[], &[]);
    let named = rule(&["get"], &["apps"], &["deployments"], &["web"], &[]);
    let any_scale = rule(&["get"], &["apps"], &["*/scale"], &[], &[]);
    let one_scale = rule(&["get"], &["apps"], &["deployments/scale"], &[], &[]);
    let paths = rule(&["get"], &[], &[], &[], &["/api/*"]);
    let path = rule(&["get"], &[], &[], &[], &["/api/v1"]);
    let covering = [(&all, &narrow), (&all, &named), (&narrow, &named), (&any_scale, &one_scale), (&paths, &path)];
    for (more, less) in covering {
        assert!(more.covers(less) && more.covers(more), "{more} covers {less}");
        assert!(!less.covers(more), "{less} does not cover {more}");
    }
    assert!(!all.covers(&path), "rights on resources are none on paths");
    assert!(!narrow.covers(&rule(&["*"], &["apps"], &["deployments"], &[], &[])), "no star without a star");
}

#[test]
fn a_rule_shows_in_the_short_form_of_kubernetes() {
    let shown = rule(&["get", "list"], &["apps"], &["deployments"], &["web"], &[]).to_string();
    assert_eq!(
        shown,
        r#"{APIGroups:["apps"], Resources:["deployments"], ResourceNames:["web"], Verbs:["get" "list"]}"#
    );
    let shown = rule(&["get"], &[], &[], &[], &["/x"]).to_string();
    assert_eq!(shown, r#"{NonResourceURLs:["/x"], Verbs:["get"]}"#);
}

#[test]
fn nulls_in_a_rule_are_empty_lists_and_wrong_types_are_errors() {
    let read: Rule = serde_json::from_str(r#"{"verbs":null,"apiGroups":null,"resources":["pods"]}"#).unwrap();
    assert_eq!(read, rule(&[], &[], &["pods"], &[], &[]));
    assert!(serde_json::from_str::<Rule>(r#"{"verbs":"get"}"#).is_err());
    assert!(serde_json::from_str::<Rule>(r#"{"verbs":[1]}"#).is_err());
}
