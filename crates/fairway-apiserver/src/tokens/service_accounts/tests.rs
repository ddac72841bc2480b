use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairway_clock::{ManualClock, SystemEntropy};
use fairway_store::{Action, Batch, Expect, NoJournal, Op, Options};
use jsonwebtoken::{EncodingKey, Header};

use super::*;

pub(crate) struct Setting {
    pub(crate) tokens: ServiceAccountTokens,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

impl Setting {
    /// With the service account `robot` in namespace `ns`.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(folder.path().join("store.db")), Box::new(NoJournal)).unwrap();
        let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let world = World { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let tokens =
            ServiceAccountTokens::open(&folder.path().join("keys"), store.clone(), world, TokenOptions::default())
                .unwrap();
        let setting = Self { tokens, clock, store, _folder: folder };
        setting
            .put("core/serviceaccounts", "ns", "robot", json!({ "metadata": { "name": "robot", "uid": "u1" } }))
            .await;
        setting
    }

    pub(crate) async fn put(&self, resource: &str, namespace: &str, name: &str, body: Value) {
        let action = Action::Put { value: body.to_string().into(), labels: Arc::default() };
        self.commit(Key::new(resource, namespace, name), action).await;
    }

    pub(crate) async fn delete(&self, resource: &str, namespace: &str, name: &str) {
        self.commit(Key::new(resource, namespace, name), Action::Delete).await;
    }

    async fn commit(&self, key: Key, action: Action) {
        let op = Op { key, expect: Expect::Any, action };
        self.store.commit(Batch { ops: vec![op], note: None }).await.unwrap();
    }

    pub(crate) fn issue(&self, spec: Value) -> String {
        let answer = self.tokens.issue("ns", "robot", &json!({ "spec": spec })).unwrap();
        answer["status"]["token"].as_str().unwrap().to_owned()
    }

    fn verify(&self, token: &str) -> Result<Identity, RefuseToken> {
        self.tokens.verify(token, &[]).map(|it| it.0)
    }

    fn now(&self) -> i64 {
        self.tokens.world.clock.now().as_second()
    }

    /// Signs with our own key what the test says.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let body = format!("{}.{}", encoded(header), encoded(claims));
        let signature =
            jsonwebtoken::crypto::sign(body.as_bytes(), &self.tokens.key.signing, Algorithm::ES256).unwrap();
        format!("{body}.{signature}")
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": self.tokens.key.id })
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.tokens.options.issuer, "aud": self.tokens.options.audiences, "jti": "1",
            "sub": "system:serviceaccount:ns:robot", "exp": self.now() + 600, "nbf": self.now(), "iat": self.now(),
            "kubernetes.io": { "namespace": "ns", "serviceaccount": { "name": "robot", "uid": "u1" } },
        })
    }
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn with(mut value: Value, at: &str, new: Value) -> Value {
    *value.pointer_mut(at).unwrap() = new;
    value
}

fn without(mut value: Value, field: &str) -> Value {
    value.as_object_mut().unwrap().remove(field);
    value
}

#[tokio::test]
async fn a_token_stands_for_its_service_account() {
    let setting = Setting::new().await;
    let identity = setting.verify(&setting.issue(json!({}))).unwrap();
    let expected = Identity::service_account("ns", "robot");
    assert_eq!((identity.user, identity.groups), (expected.user, expected.groups));
    assert_eq!(identity.uid.as_deref(), Some("u1"));
    assert!(identity.extra["authentication.kubernetes.io/credential-id"][0].starts_with("JTI="));
    assert!(setting.verify(&setting.signed(&setting.header(), &setting.claims())).is_ok(), "the corpus starts valid");
}

#[tokio::test]
async fn forged_heads_are_refused() {
    let setting = Setting::new().await;
    let (header, claims) = (setting.header(), setting.claims());
    let other = Setting::new().await;
    let unsigned = |header: &Value| format!("{}.{}.", encoded(header), encoded(&claims));
    let public = setting.tokens.keys();
    let hmac = |secret: &[u8]| {
        let head = Header { kid: Some(setting.tokens.key.id.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&head, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let point = [&[4][..], &decoded(&public["keys"][0]["x"]), &decoded(&public["keys"][0]["y"])].concat();
    let mut forged = vec![
        ("no algorithm", unsigned(&with(header.clone(), "/alg", json!("none")))),
        ("no algorithm, spelled oddly", unsigned(&with(header.clone(), "/alg", json!("nOnE")))),
        ("no signature", unsigned(&header)),
        ("HMAC with the public point", hmac(&point)),
        ("HMAC with the key set", hmac(public.to_string().as_bytes())),
        ("HMAC with nothing", hmac(b"")),
        ("another's key under our id", other.signed(&header, &claims)),
        ("another's key under its id", other.signed(&other.header(), &claims)),
        ("no key id", setting.signed(&without(header.clone(), "kid"), &claims)),
        ("empty key id", setting.signed(&with(header.clone(), "/kid", json!("")), &claims)),
        ("path as key id", setting.signed(&with(header.clone(), "/kid", json!("../../dev/null")), &claims)),
        ("other ECDSA", setting.signed(&with(header.clone(), "/alg", json!("ES384")), &claims)),
        ("RSA", setting.signed(&with(header.clone(), "/alg", json!("RS256")), &claims)),
        ("no algorithm field", setting.signed(&without(header.clone(), "alg"), &claims)),
        ("list of algorithms", setting.signed(&with(header.clone(), "/alg", json!(["ES256"])), &claims)),
        ("header that is no object", setting.signed(&json!("ES256"), &claims)),
    ];
    let mut critical = header.clone();
    critical["crit"] = json!(["b64"]);
    critical["b64"] = json!(false);
    forged.push(("critical extension", setting.signed(&critical, &claims)));
    for (field, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", other.tokens.keys()["keys"][0].clone()),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut pointing = header.clone();
        pointing[field] = value;
        forged.push((field, other.signed(&pointing, &claims)));
    }
    for (what, token) in forged {
        assert_eq!(setting.verify(&token), Err(RefuseToken::NotOurs), "{what}");
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn wrong_claims_are_refused_each_for_its_reason() {
    let setting = Setting::new().await;
    let (claims, now) = (setting.claims(), setting.now());
    let subject = Err(RefuseToken::Subject);
    let shape = Err(RefuseToken::NotOurs);
    let account = |value: Value| with(claims.clone(), "/kubernetes.io/serviceaccount", value);
    let cases = [
        ("other issuer", with(claims.clone(), "/iss", json!("https://evil.example")), Err(RefuseToken::Issuer)),
        ("empty issuer", with(claims.clone(), "/iss", json!("")), Err(RefuseToken::Issuer)),
        ("list of issuers", with(claims.clone(), "/iss", json!([setting.tokens.options.issuer])), shape.clone()),
        ("no issuer", without(claims.clone(), "iss"), shape.clone()),
        ("text as audience", with(claims.clone(), "/aud", json!(setting.tokens.options.issuer)), shape.clone()),
        ("no audience", without(claims.clone(), "aud"), shape.clone()),
        ("expired", with(claims.clone(), "/exp", json!(now)), Err(RefuseToken::Expired)),
        ("long expired", with(claims.clone(), "/exp", json!(0)), Err(RefuseToken::Expired)),
        ("negative end", with(claims.clone(), "/exp", json!(i64::MIN)), Err(RefuseToken::Expired)),
        ("text as end", with(claims.clone(), "/exp", json!("9999999999")), shape.clone()),
        ("huge end", with(claims.clone(), "/exp", json!(1e300)), shape.clone()),
        ("no end", without(claims.clone(), "exp"), shape.clone()),
        ("in the future", with(claims.clone(), "/nbf", json!(now + 61)), Err(RefuseToken::NotYet)),
        ("made in the future", with(claims.clone(), "/iat", json!(now + 61)), Err(RefuseToken::NotYet)),
        ("no start", without(claims.clone(), "nbf"), shape.clone()),
        ("empty subject", with(claims.clone(), "/sub", json!("")), subject.clone()),
        (
            "other subject",
            with(claims.clone(), "/sub", json!("system:serviceaccount:kube-system:admin")),
            subject.clone(),
        ),
        ("a person as subject", with(claims.clone(), "/sub", json!("local:0")), subject.clone()),
        ("list as subject", with(claims.clone(), "/sub", json!(["system:serviceaccount:ns:robot"])), shape.clone()),
        ("no subject", without(claims.clone(), "sub"), shape.clone()),
        ("no account", without(claims.clone(), "kubernetes.io"), shape.clone()),
        ("null account", account(Value::Null), shape.clone()),
        ("account without an id", account(json!({ "name": "robot", "uid": "" })), subject.clone()),
        (
            "other id",
            account(json!({ "name": "robot", "uid": "u2" })),
            Err(RefuseToken::Gone { kind: "service account" }),
        ),
        ("array of claims", json!([claims]), shape.clone()),
        ("empty claims", json!({}), shape),
    ];
    for (what, claims, expected) in cases {
        assert_eq!(setting.verify(&setting.signed(&setting.header(), &claims)).map(|_| ()), expected, "{what}");
    }
    let other = with(claims.clone(), "/aud", json!(["vault"]));
    let refused = setting.verify(&setting.signed(&setting.header(), &other));
    assert!(matches!(refused, Err(RefuseToken::Audience { .. })));
    let nobody = with(claims, "/aud", json!([]));
    assert!(matches!(setting.verify(&setting.signed(&setting.header(), &nobody)), Err(RefuseToken::Audience { .. })));
}

#[tokio::test]
async fn groups_in_a_token_give_nothing() {
    let setting = Setting::new().await;
    let mut claims = setting.claims();
    claims["groups"] = json!(["system:masters"]);
    claims["kubernetes.io"]["groups"] = json!(["system:masters"]);
    let identity = setting.verify(&setting.signed(&setting.header(), &claims)).unwrap();
    assert_eq!(identity.groups, Identity::service_account("ns", "robot").groups);
}

#[tokio::test]
async fn a_doubled_claim_is_no_claim() {
    let setting = Setting::new().await;
    let text = setting.claims().to_string();
    let doubled = text.replacen('{', &format!("{{\"exp\":{},", setting.now() + 60), 1);
    let body = format!("{}.{}", encoded(&setting.header()), URL_SAFE_NO_PAD.encode(doubled));
    let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &setting.tokens.key.signing, Algorithm::ES256).unwrap();
    assert_eq!(setting.verify(&format!("{body}.{signature}")), Err(RefuseToken::NotOurs));
}

#[tokio::test]
async fn broken_cut_and_huge_tokens_are_refused() {
    let setting = Setting::new().await;
    let token = setting.issue(json!({}));
    for at in 0..token.len() {
        assert!(setting.verify(&token[..at]).is_err(), "cut at {at}");
    }
    let (body, signature) = token.rsplit_once('.').unwrap();
    for wrong in [
        format!("{token}."),
        format!(".{token}"),
        format!("{token} "),
        format!("{token}=="),
        format!("{body}.{signature}.{signature}"),
        format!("{body}..{signature}"),
        format!("{signature}.{body}"),
        format!("{body}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{body}.{}", URL_SAFE_NO_PAD.encode([255; 64])),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "\u{feff}".to_owned(),
    ] {
        assert_eq!(setting.verify(&wrong), Err(RefuseToken::NotOurs), "{wrong}");
    }
    assert_eq!(setting.verify(&"a".repeat(1 << 24)), Err(RefuseToken::TooLong));
    let deep = format!("{}.{}.x", URL_SAFE_NO_PAD.encode("[".repeat(8_000)), "e30");
    assert_eq!(setting.verify(&deep), Err(RefuseToken::NotOurs));
}

#[tokio::test]
async fn flipping_any_bit_breaks_a_token() {
    let setting = Setting::new().await;
    let token = setting.issue(json!({}));
    for at in (0..token.len()).step_by(3) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(bytes).unwrap();
        if flipped != token {
            assert!(setting.verify(&flipped).is_err(), "at {at}");
        }
    }
}

#[tokio::test]
async fn a_token_dies_with_what_it_is_bound_to() {
    let setting = Setting::new().await;
    let pod = json!({ "metadata": { "name": "p", "uid": "p1" }, "spec": { "serviceAccountName": "robot" } });
    setting.put("core/pods", "ns", "p", pod.clone()).await;
    let bound = setting.issue(json!({ "boundObjectRef": { "kind": "Pod", "apiVersion": "v1", "name": "p" } }));
    let free = setting.issue(json!({}));
    let identity = setting.verify(&bound).unwrap();
    assert_eq!(identity.extra["authentication.kubernetes.io/pod-uid"], ["p1"]);
    setting.delete("core/pods", "ns", "p").await;
    assert_eq!(setting.verify(&bound), Err(RefuseToken::Gone { kind: "pod" }));
    let again = with(pod, "/metadata/uid", json!("p2"));
    setting.put("core/pods", "ns", "p", again).await;
    assert_eq!(setting.verify(&bound), Err(RefuseToken::Gone { kind: "pod" }), "another pod of that name");
    assert!(setting.verify(&free).is_ok());
    setting.delete("core/serviceaccounts", "ns", "robot").await;
    assert_eq!(setting.verify(&free), Err(RefuseToken::Gone { kind: "service account" }));
}

#[tokio::test]
async fn an_account_that_is_being_deleted_keeps_its_tokens_for_a_minute() {
    let setting = Setting::new().await;
    let token = setting.issue(json!({}));
    let body = json!({ "metadata": { "name": "robot", "uid": "u1", "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    setting.put("core/serviceaccounts", "ns", "robot", body).await;
    assert!(setting.verify(&token).is_ok());
    setting.clock.advance(Duration::from_secs(61));
    assert_eq!(setting.verify(&token), Err(RefuseToken::Gone { kind: "service account" }));
}

#[tokio::test]
async fn a_token_ends_at_its_time_and_survives_a_clock_set_back_a_little() {
    let setting = Setting::new().await;
    let token = setting.issue(json!({ "expirationSeconds": 600 }));
    setting.clock.jump("2025-12-31T23:59:30Z".parse().unwrap());
    assert!(setting.verify(&token).is_ok());
    setting.clock.jump("2026-01-01T00:09:59Z".parse().unwrap());
    assert!(setting.verify(&token).is_ok());
    setting.clock.jump("2026-01-01T00:10:00Z".parse().unwrap());
    assert_eq!(setting.verify(&token), Err(RefuseToken::Expired));
}

#[tokio::test]
async fn the_discovery_documents_fit_each_other() {
    let setting = Setting::new().await;
    let configuration = setting.tokens.configuration();
    assert_eq!(configuration["jwks_uri"], "https://kubernetes.default.svc.cluster.local/openid/v1/jwks");
    assert_eq!(configuration["id_token_signing_alg_values_supported"], json!(["ES256"]));
    let key = &setting.tokens.keys()["keys"][0];
    let checking =
        jsonwebtoken::DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap());
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&setting.tokens.options.audiences);
    let token = setting.issue(json!({}));
    assert!(jsonwebtoken::decode::<Value>(&token, &checking.unwrap(), &validation).is_ok());
}
