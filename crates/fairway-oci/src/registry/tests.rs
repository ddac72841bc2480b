use std::sync::Arc;

use bytes::Bytes;
use fairway_clock::SeededEntropy;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::{Access, Call, Descriptor, Digest, Layout, Registry, RegistryLimits, media_type};

struct Server {
    _folder: tempfile::TempDir,
    registry: Registry,
    layout: Layout,
}

struct Answer {
    status: StatusCode,
    response: http::response::Parts,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.response.headers.get(name).map(|it| it.to_str().unwrap()).unwrap_or_default()
    }

    fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}

impl Server {
    fn new() -> Self {
        Self::limited(RegistryLimits::default())
    }

    fn limited(limits: RegistryLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(folder.path()).unwrap();
        let registry = Registry::new(layout.clone(), Arc::new(SeededEntropy::new(1)), limits);
        Self { _folder: folder, registry, layout }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let response = match Call::parse(request.method(), request.uri().path()) {
            Ok(call) => self.registry.handle(&call, request).await,
            Err(response) => *response,
        };
        let (response, body) = Response::into_parts(response);
        Answer { status: response.status, response, body: body.collect().await.unwrap().to_bytes() }
    }

    async fn push_blob(&self, name: &str, content: &[u8]) -> Descriptor {
        let digest = Digest::of(content);
        let answer = self.send("POST", &format!("/v2/{name}/blobs/uploads/?digest={digest}"), &[], content).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        Descriptor::new("application/octet-stream", digest, content.len() as u64)
    }

    async fn push_image(&self, name: &str, tag: &str) -> (Vec<u8>, Answer) {
        let config = Descriptor { media_type: media_type::CONFIG.to_owned(), ..self.push_blob(name, b"{}").await };
        let layer = self.push_blob(name, tag.as_bytes()).await;
        let manifest = manifest(&config, &layer);
        let answer = self.put_manifest(name, tag, &manifest).await;
        (manifest, answer)
    }

    async fn put_manifest(&self, name: &str, target: &str, manifest: &[u8]) -> Answer {
        let headers = [("content-type", media_type::MANIFEST)];
        self.send("PUT", &format!("/v2/{name}/manifests/{target}"), &headers, manifest).await
    }
}

fn manifest(config: &Descriptor, layer: &Descriptor) -> Vec<u8> {
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [layer]});
    serde_json::to_vec(&manifest).unwrap()
}

#[tokio::test]
async fn what_is_pushed_can_be_pulled() {
    let server = Server::new();
    assert_eq!(server.send("GET", "/v2/", &[], b"").await.status, StatusCode::OK);
    let (manifest, pushed) = server.push_image("team/app", "v1").await;
    assert_eq!(pushed.status, StatusCode::CREATED);
    let digest = Digest::of(&manifest).to_string();
    assert_eq!(pushed.header("docker-content-digest"), digest);
    for target in ["v1", &digest] {
        let path = format!("/v2/team/app/manifests/{target}");
        let pulled = server.send("GET", &path, &[], b"").await;
        assert_eq!((pulled.status, pulled.body.as_ref()), (StatusCode::OK, manifest.as_slice()));
        assert_eq!(pulled.header("content-type"), media_type::MANIFEST);
        let head = server.send("HEAD", &path, &[], b"").await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        assert_eq!(head.header("content-length"), manifest.len().to_string());
    }
    let blob = format!("/v2/team/app/blobs/{}", Digest::of(b"v1"));
    assert_eq!(server.send("GET", &blob, &[], b"").await.body.as_ref(), b"v1");
    let head = server.send("HEAD", &blob, &[], b"").await;
    assert_eq!((head.header("content-length"), head.body.len()), ("2", 0));
    let tags = server.send("GET", "/v2/team/app/tags/list", &[], b"").await;
    assert_eq!(tags.body.as_ref(), br#"{"name":"team/app","tags":["v1"]}"#);
    assert_eq!(server.layout.list().unwrap().len(), 1);
}

#[tokio::test]
async fn a_blob_can_come_in_chunks() {
    let server = Server::new();
    let started = server.send("POST", "/v2/a/blobs/uploads/", &[], b"").await;
    assert_eq!(started.status, StatusCode::ACCEPTED);
    let location = started.header("location").to_owned();
    let first = server.send("PATCH", &location, &[("content-range", "0-2")], b"abc").await;
    assert_eq!((first.status, first.header("range")), (StatusCode::ACCEPTED, "0-2"));
    let wrong = server.send("PATCH", &location, &[("content-range", "5-7")], b"xyz").await;
    assert_eq!((wrong.status, wrong.header("range")), (StatusCode::RANGE_NOT_SATISFIABLE, "0-2"));
    let second = server.send("PATCH", &location, &[], b"def").await;
    assert_eq!(second.header("range"), "0-5");
    let status = server.send("GET", &location, &[], b"").await;
    assert_eq!((status.status, status.header("range")), (StatusCode::NO_CONTENT, "0-5"));
    let no_digest = server.send("PUT", &location, &[], b"").await;
    assert_eq!((no_digest.status, no_digest.code()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID".to_owned()));
    let other = server.send("PATCH", &location.replace("/v2/a/", "/v2/b/"), &[], b"evil").await;
    assert_eq!(other.code(), "BLOB_UPLOAD_UNKNOWN");
    let digest = Digest::of(b"abcdefg").to_string();
    let done = server.send("PUT", &format!("{location}?digest={}", digest.replace(':', "%3A")), &[], b"g").await;
    assert_eq!((done.status, done.header("location")), (StatusCode::CREATED, &*format!("/v2/a/blobs/{digest}")));
    assert_eq!(server.send("PATCH", &location, &[], b"x").await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn content_that_is_not_what_its_digest_says_is_refused() {
    let server = Server::new();
    let digest = Digest::of(b"good");
    let answer = server.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], b"evil").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID".to_owned()));
    assert_eq!(server.send("GET", &format!("/v2/a/blobs/{digest}"), &[], b"").await.status, StatusCode::NOT_FOUND);
    let (manifest, _) = server.push_image("a", "v1").await;
    let answer = server.put_manifest("a", &digest.to_string(), &manifest).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID".to_owned()));
    let answer = server.send("POST", "/v2/a/blobs/uploads/?digest=sha256:12", &[], b"x").await;
    assert_eq!(answer.code(), "DIGEST_INVALID");
}

#[tokio::test]
async fn what_is_not_there_is_unknown() {
    let server = Server::new();
    let digest = Digest::of(b"x");
    for (path, code) in [
        (format!("/v2/a/blobs/{digest}"), "BLOB_UNKNOWN"),
        (format!("/v2/a/manifests/{digest}"), "MANIFEST_UNKNOWN"),
        ("/v2/a/manifests/v1".to_owned(), "MANIFEST_UNKNOWN"),
        ("/v2/a/tags/list".to_owned(), "MANIFEST_UNKNOWN"),
        ("/v2/a/blobs/uploads/none".to_owned(), "BLOB_UPLOAD_UNKNOWN"),
    ] {
        let answer = server.send("GET", &path, &[], b"").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, code.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_digest_gives_nobody_the_content_of_another_repository() {
    let server = Server::new();
    let (manifest, _) = server.push_image("mine/app", "secret").await;
    let (layer, manifest_digest) = (Digest::of(b"secret"), Digest::of(&manifest));
    for path in [
        format!("/v2/theirs/app/blobs/{layer}"),
        format!("/v2/theirs/app/manifests/{manifest_digest}"),
        format!("/v2/mine/blobs/{layer}"),
        format!("/v2/mine/app/x/blobs/{layer}"),
    ] {
        assert_eq!(server.send("GET", &path, &[], b"").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let mount =
        server.send("POST", &format!("/v2/theirs/app/blobs/uploads/?mount={layer}&from=mine/app"), &[], b"").await;
    assert_eq!(mount.status, StatusCode::ACCEPTED);
    let stolen = server.put_manifest("theirs/app", "v1", &manifest).await;
    assert_eq!((stolen.status, stolen.code()), (StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = Server::limited(RegistryLimits { blob_bytes: 10, uploads: 2 });
    let digest = Digest::of(b"01234567890");
    let answer = server.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], b"01234567890").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID".to_owned()));
    let answer =
        server.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[("content-length", "99")], b"").await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let location = server.send("POST", "/v2/a/blobs/uploads/", &[], b"").await.header("location").to_owned();
    assert_eq!(server.send("PATCH", &location, &[], b"012345").await.status, StatusCode::ACCEPTED);
    assert_eq!(server.send("PATCH", &location, &[], b"678901").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let huge = vec![b' '; (4 << 20) + 1];
    assert_eq!(server.put_manifest("a", "v1", &huge).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(std::fs::read_dir(server.layout.root().join(".ingest")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_upload_that_was_left_alone_longest_gives_way() {
    let server = Server::limited(RegistryLimits { uploads: 2, ..RegistryLimits::default() });
    let mut locations = Vec::new();
    for _ in 0..3 {
        let started = server.send("POST", "/v2/a/blobs/uploads/", &[], b"").await;
        locations.push(started.header("location").to_owned());
        if locations.len() == 2 {
            server.send("PATCH", &locations[0], &[], b"x").await;
        }
    }
    let mut found = Vec::new();
    for location in &locations {
        found.push(server.send("GET", location, &[], b"").await.status == StatusCode::NO_CONTENT);
    }
    assert_eq!(found, [true, false, true]);
    assert_eq!(server.send("DELETE", &locations[0], &[], b"").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.send("GET", &locations[0], &[], b"").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn manifests_must_be_what_they_are_sent_as() {
    let server = Server::new();
    let (good, _) = server.push_image("a", "v1").await;
    let text = String::from_utf8(good.clone()).unwrap();
    let put = async |media_type: &str, body: String| {
        server.send("PUT", "/v2/a/manifests/v2", &[("content-type", media_type)], body.as_bytes()).await
    };
    assert_eq!(put("text/plain", text.clone()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let cases = [
        (media_type::INDEX, text.clone()),
        (media_type::DOCKER_MANIFEST, text.clone()),
        (media_type::MANIFEST, text.replacen('{', r#"{"manifests":[],"#, 1)),
        (media_type::MANIFEST, text.replacen('{', r#"{"layers":[],"#, 1)),
        (media_type::MANIFEST, text.replace("\"schemaVersion\":2", "\"schemaVersion\":1")),
        (media_type::MANIFEST, "[]".to_owned()),
        (media_type::MANIFEST, String::new()),
        (media_type::MANIFEST, text.replace("sha256:", "sha256:../")),
    ];
    for (media_type, body) in cases {
        let answer = put(media_type, body.clone()).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "MANIFEST_INVALID".to_owned()), "{body}");
    }
    let wrong_size = put(media_type::MANIFEST, text.replace("\"size\":2", "\"size\":3")).await;
    assert_eq!((wrong_size.status, wrong_size.code()), (StatusCode::BAD_REQUEST, "SIZE_INVALID".to_owned()));
    assert_eq!(server.send("GET", "/v2/a/manifests/v2", &[], b"").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_index_is_pushed_after_its_manifests() {
    let server = Server::new();
    let (manifest, _) = server.push_image("a", "v1").await;
    let by_digest = server.put_manifest("a", &Digest::of(&manifest).to_string(), &manifest).await;
    assert_eq!(by_digest.status, StatusCode::CREATED);
    let child = Descriptor::of(media_type::MANIFEST, &manifest);
    let index = json!({"schemaVersion": 2, "manifests": [child]}).to_string();
    let headers = [("content-type", media_type::INDEX)];
    assert_eq!(server.send("PUT", "/v2/a/manifests/all", &headers, index.as_bytes()).await.status, StatusCode::CREATED);
    let pulled = server.send("GET", "/v2/a/manifests/all", &[], b"").await;
    assert_eq!((pulled.header("content-type"), pulled.body.as_ref()), (media_type::INDEX, index.as_bytes()));
}

#[tokio::test]
async fn odd_paths_reach_nothing() {
    let server = Server::new();
    let digest = Digest::of(b"x");
    for path in [
        "/v2/../etc/passwd".to_owned(),
        "/v1/".to_owned(),
        "/v2x".to_owned(),
        "/v2/a".to_owned(),
        "/v2//blobs/uploads/".to_owned(),
        "/v2/A/manifests/v1".to_owned(),
        "/v2/a/../b/manifests/v1".to_owned(),
        "/v2/%2e%2e/manifests/v1".to_owned(),
        "/v2/a%2fb/manifests/v1".to_owned(),
        "/v2/host:80/a/manifests/v1".to_owned(),
        "/v2/a/manifests/..".to_owned(),
        "/v2/a/manifests/v1/".to_owned(),
        "/v2/a/manifests/%2e".to_owned(),
        "/v2/a/blobs/sha256:../../x".to_owned(),
        format!("/v2/a//blobs/{digest}"),
        format!("/v2/blobs/{digest}"),
        format!("/v2/{}/blobs/{digest}", "n".repeat(256)),
        format!("/v2/a/blobs/{}", digest.to_string().to_uppercase()),
    ] {
        let answer = server.send("GET", &path, &[], b"").await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(!answer.code().is_empty());
    }
    for (method, path) in [("DELETE", "/v2/a/manifests/v1"), ("POST", "/v2/"), ("GET", "/v2/a/blobs/uploads/")] {
        assert_eq!(server.send(method, path, &[], b"").await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[test]
fn a_call_says_what_must_be_allowed() {
    let cases = [
        ("GET", "/v2/", None, Access::Ping),
        ("GET", "/v2/a/b/manifests/v1", Some("a/b"), Access::Pull),
        ("PUT", "/v2/a/b/manifests/v1", Some("a/b"), Access::Push),
        ("HEAD", "/v2/blobs/uploads/manifests/v1", Some("blobs/uploads"), Access::Pull),
        ("POST", "/v2/a/blobs/uploads/", Some("a"), Access::Push),
        ("POST", "/v2/a/blobs/uploads", Some("a"), Access::Push),
        ("GET", "/v2/a/blobs/uploads/id", Some("a"), Access::Push),
        ("GET", "/v2/a/tags/list", Some("a"), Access::Pull),
    ];
    for (method, path, repository, access) in cases {
        let call = Call::parse(&Method::from_bytes(method.as_bytes()).unwrap(), path).unwrap();
        assert_eq!((call.repository(), call.access()), (repository, access), "{method} {path}");
    }
}
