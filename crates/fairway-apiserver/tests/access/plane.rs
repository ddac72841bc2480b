//! A plane with real authentication and real roles.

use std::sync::Arc;

use bytes::Bytes;
use fairway_apiserver::authentication::Authenticators;
use fairway_apiserver::pki::{Pki, PkiOptions};
use fairway_apiserver::rbac::{Rbac, bootstrap};
use fairway_apiserver::tokens::{ServiceAccountTokens, StaticTokens, TokenOptions};
use fairway_apiserver::{ApiServer, NoPods, Settings};
use fairway_clock::World;
use fairway_store::{NoJournal, Options, Store};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) struct Plane {
    pub(crate) server: ApiServer,
    pub(crate) pki: Arc<Pki>,
    pub(crate) tokens: Arc<StaticTokens>,
    /// The token of somebody in `system:masters`.
    pub(crate) root: String,
    store: Store,
    pub(crate) folder: TempDir,
}

impl Plane {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let world = World::system();
        let store = Store::open(Options::new(at("store.db")), Box::new(NoJournal)).unwrap();
        bootstrap(&store, &world, None).await.unwrap();
        let pki = Pki::open(PkiOptions::new(at("pki")), world.clone()).unwrap();
        let tokens = Arc::new(StaticTokens::open(&at("tokens"), world.clone()).unwrap());
        let service_accounts =
            ServiceAccountTokens::open(&at("keys"), store.clone(), world.clone(), TokenOptions::default()).unwrap();
        let authenticate =
            Authenticators { pki: Arc::clone(&pki), static_tokens: Arc::clone(&tokens), service_accounts };
        let server = ApiServer::start(Settings {
            world,
            store: store.clone(),
            authenticate: Arc::new(authenticate),
            authorize: Arc::new(Rbac::new(store.clone())),
            pod_streams: Arc::new(NoPods),
            version: "v1.34.0".to_owned(),
            service_range: "10.96.0.0/12".parse().unwrap(),
            extra_routes: None,
        })
        .await
        .unwrap();
        let root = tokens.create("root", &["system:masters"], "test", None).unwrap();
        Self { server, pki, tokens, root, store, folder }
    }

    /// A token of a user without any right but those of everybody.
    pub(crate) fn user(&self, name: &str) -> String {
        self.tokens.create(name, &[], "test", None).unwrap()
    }

    /// A request as a peer would send it, with a token or none. Gives the code and the body (null if it is no JSON).
    pub(crate) async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let content_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        self.send(method, path, &[("authorization", &bearer(token)), ("content-type", content_type)], body).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers.iter().filter(|it| !it.1.is_empty()) {
            request = request.header(*name, *value);
        }
        let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let response = self.server.service().oneshot(request.body(Full::new(bytes)).unwrap()).await.unwrap();
        let code = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (code, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Makes an object as root.
    pub(crate) async fn make(&self, path: &str, body: Value) -> Value {
        let (code, answer) = self.ask("POST", path, &self.root, &body).await;
        assert_eq!(code, 201, "{path}: {answer}");
        answer
    }

    /// Gives a user these rules in a namespace.
    pub(crate) async fn grant(&self, namespace: &str, user: &str, rules: Value) {
        let base = format!("{RBAC}/namespaces/{namespace}");
        self.make(&format!("{base}/roles"), json!({ "metadata": { "name": user }, "rules": rules })).await;
        let subjects = json!([{ "kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io" }]);
        let role_ref = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user });
        let binding = json!({ "metadata": { "name": user }, "subjects": subjects, "roleRef": role_ref });
        self.make(&format!("{base}/rolebindings"), binding).await;
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.store.close().await;
    }
}

pub(crate) const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

fn bearer(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("Bearer {token}") }
}
