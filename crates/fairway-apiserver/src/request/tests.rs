use http::HeaderMap;
use http::header::{ACCEPT, USER_AGENT};

use super::*;

fn parse(method: &str, target: &str) -> Result<RequestInfo, ApiError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    RequestInfo::parse(&method.parse().unwrap(), path, &Query::parse(Some(query)).unwrap())
}

/// `verb group/version namespace/resource/name/subresource`.
fn read(method: &str, target: &str) -> String {
    let it = parse(method, target).unwrap();
    if !it.is_resource {
        return format!("{} {}", it.verb, it.path);
    }
    format!("{} {}/{} {}/{}/{}/{}", it.verb, it.group, it.version, it.namespace, it.resource, it.name, it.subresource)
}

#[test]
fn a_selector_of_one_name_asks_for_the_right_to_that_one() {
    let cases = [
        ("GET", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name%3Dx", "x"),
        ("GET", "/api/v1/namespaces/n/configmaps?watch=1&fieldSelector=metadata.name%3D%3Dx", "x"),
        ("GET", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name!%3Dx", ""),
        ("GET", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name%3Dx%2Cmetadata.name%3Dy", ""),
        ("GET", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.namespace%3Dx", ""),
        ("GET", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name%3D", ""),
        ("GET", "/api/v1/namespaces/n/configmaps/y?fieldSelector=metadata.name%3Dx", "y"),
        ("DELETE", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name%3Dx", ""),
        ("POST", "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name%3Dx", ""),
    ];
    for (method, target, name) in cases {
        let it = parse(method, target).unwrap();
        assert_eq!(it.attributes().name, name, "{method} {target}");
    }
}

#[test]
fn a_path_is_read_as_kubernetes_reads_it() {
    let cases = [
        ("GET", "/api/v1/pods", "list /v1 /pods//"),
        ("GET", "/api/v1/pods?watch=1", "watch /v1 /pods//"),
        ("GET", "/api/v1/pods?watch=false", "list /v1 /pods//"),
        ("GET", "/api/v1/watch/pods", "watch /v1 /pods//"),
        ("GET", "/api/v1/namespaces/n/pods/p?watch=1", "get /v1 n/pods/p/"),
        ("GET", "/api/v1/namespaces/n/pods/p/log", "get /v1 n/pods/p/log"),
        ("POST", "/apis/apps/v1/namespaces/n/deployments", "create apps/v1 n/deployments//"),
        ("PUT", "/apis/apps/v1/namespaces/n/deployments/d/scale", "update apps/v1 n/deployments/d/scale"),
        ("PATCH", "/api/v1/namespaces/n", "patch /v1 /namespaces/n/"),
        ("PUT", "/api/v1/namespaces/n/finalize", "update /v1 /namespaces/n/finalize"),
        ("GET", "/api/v1/namespaces/n/status", "get /v1 /namespaces/n/status"),
        ("DELETE", "/api/v1/namespaces/n/pods", "deletecollection /v1 n/pods//"),
        ("DELETE", "/api/v1/nodes/system%3Anode", "delete /v1 /nodes/system:node/"),
        ("GET", "/apis/", "get /apis"),
        ("GET", "/apis/apps/v1/", "get /apis/apps/v1"),
        ("GET", "/", "get /"),
        ("GET", "/healthz", "get /healthz"),
    ];
    for (method, target, expected) in cases {
        assert_eq!(read(method, target), expected, "{method} {target}");
    }
}

#[test]
fn a_path_that_could_be_read_in_two_ways_is_refused() {
    let long = format!("/api/v1/{}", "x".repeat(5000));
    let paths = [
        "/api/v1/namespaces/../secrets",
        "/api/v1/namespaces/%2e%2e/secrets",
        "/api/v1/./pods",
        "/api/v1//pods",
        "//api/v1/pods",
        "/api/v1/pods/a%2fb",
        "/api/v1/pods/a%5cb",
        "/api/v1/pods/a%00",
        "/api/v1/pods/a%0a",
        "/api/v1/pods/a%252e",
        "/api/v1/pods/%zz",
        "/api/v1/pods/%ff",
        long.as_str(),
    ];
    for path in paths {
        let error = parse("GET", path).unwrap_err();
        assert!(matches!(error.code, 400 | 414), "{path}: {error}");
    }
}

#[test]
fn a_namespace_is_asked_for_as_something_inside_itself() {
    let info = parse("GET", "/api/v1/namespaces/n").unwrap();
    assert_eq!((info.attributes().namespace, info.attributes().name), ("n", "n"));
}

fn negotiate(accept: &str, agent: &str) -> Result<Accept, u16> {
    let mut headers = HeaderMap::new();
    if !accept.is_empty() {
        headers.insert(ACCEPT, accept.parse().unwrap());
    }
    headers.insert(USER_AGENT, agent.parse().unwrap());
    Accept::negotiate(&headers, &Query::default()).map_err(|it| it.code)
}

#[test]
fn the_best_form_that_both_know_is_chosen() {
    let json = |shape| Ok(Accept { format: Format::Json, shape });
    let cases = [
        ("", json(Shape::Object)),
        ("*/*", json(Shape::Object)),
        ("application/json;q=0.5,application/yaml", Ok(Accept { format: Format::Yaml, shape: Shape::Object })),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", json(Shape::Table)),
        ("application/json;as=Nothing;v=v1;g=meta.k8s.io,application/json", json(Shape::Object)),
        ("application/vnd.kubernetes.protobuf,application/json", json(Shape::Object)),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", json(Shape::Metadata)),
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", json(Shape::Discovery)),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", Err(406)),
        ("application/vnd.kubernetes.protobuf", Err(406)),
    ];
    for (accept, expected) in cases {
        assert_eq!(negotiate(accept, "kubectl/v1.32"), expected, "{accept}");
    }
    assert_eq!(negotiate("*/*", "curl/8.0").map(|it| it.format), Ok(Format::PrettyJson));
}

#[test]
fn options_of_a_write_are_checked_together() {
    let query = Query::parse(Some("dryRun=Some&fieldValidation=Maybe")).unwrap();
    let error = WriteOptions::parse(&query, "CreateOptions", "kubectl/v1").unwrap_err();
    assert_eq!(error.code, 422);
    assert!(error.message.contains("dryRun") && error.message.contains("fieldValidation"), "{error}");
    let options = WriteOptions::parse(&Query::default(), "CreateOptions", "kubectl/v1.32 (linux)").unwrap();
    assert_eq!(options.field_manager, "kubectl");
    assert_eq!(options.field_validation, FieldValidation::Warn);
}
