use std::time::Duration;

use fairway_clock::World;
use fairway_store::{NoJournal, Options, Store};
use http::{HeaderValue, Request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::pki::PkiOptions;
use crate::tokens::TokenOptions;

struct Setting {
    chain: Authenticators,
    _folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let world = World::system();
        let store = Store::open(Options::new(at("store.db")), Box::new(NoJournal)).unwrap();
        let chain = Authenticators {
            pki: Pki::open(PkiOptions::new(at("pki")), world.clone()).unwrap(),
            static_tokens: Arc::new(StaticTokens::open(&at("tokens"), world.clone()).unwrap()),
            service_accounts: ServiceAccountTokens::open(&at("keys"), store, world, TokenOptions::default()).unwrap(),
        };
        Self { chain, _folder: folder }
    }

    fn token(&self) -> String {
        self.chain.static_tokens.create("ann", &["dev"], "test", None).unwrap()
    }

    fn certificate(&self, user: &str) -> PeerCertificates {
        let issued = self.chain.pki.issue_client(user, None, Duration::from_hours(1)).unwrap();
        PeerCertificates(vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()].into())
    }
}

fn request(headers: &[(&'static str, &str)], certificates: Option<PeerCertificates>) -> Parts {
    let mut request = Request::get("/api/v1/pods").body(()).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    if let Some(certificates) = certificates {
        request.extensions_mut().insert(certificates);
    }
    request.into_parts().0
}

#[test]
fn a_token_or_a_certificate_says_who_one_is() {
    let setting = Setting::new();
    let bearer = format!("Bearer {}", setting.token());
    let lower = format!("bearer   {}", setting.token());
    for header in [bearer, lower] {
        let who = setting.chain.authenticate(&request(&[("authorization", &header)], None)).unwrap();
        assert_eq!((who.user.as_str(), who.groups[0].as_str()), ("ann", "dev"));
    }
    let who = setting.chain.authenticate(&request(&[], Some(setting.certificate("carl")))).unwrap();
    assert_eq!(who.user, "carl");
}

#[test]
fn only_a_request_without_any_credential_is_anonymous() {
    let setting = Setting::new();
    let nobody = Ok(Identity::anonymous());
    assert_eq!(setting.chain.authenticate(&request(&[], None)), nobody);
    assert_eq!(setting.chain.authenticate(&request(&[], Some(PeerCertificates(Arc::default())))), nobody);
    let token = setting.token();
    for header in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer tok_x_y",
        "Basic YW5uOnB3",
        "Negotiate abc",
        &token,
        &format!("Bearer{token}"),
        &format!("Bearer {token} {token}"),
        &format!("Bearer \"{token}\""),
    ] {
        let refused = setting.chain.authenticate(&request(&[("authorization", header)], None)).unwrap_err();
        assert_eq!(
            (refused.code, refused.reason, refused.message.as_str()),
            (401, "Unauthorized", "Unauthorized"),
            "{header}"
        );
        assert_eq!(refused.details, None);
    }
    let good = format!("Bearer {token}");
    let twice = [("authorization", good.as_str()), ("authorization", "Bearer x")];
    assert_eq!(setting.chain.authenticate(&request(&twice, None)).unwrap_err().code, 401);
}

#[test]
fn one_wrong_credential_is_not_healed_by_a_right_one() {
    let setting = Setting::new();
    let good = format!("Bearer {}", setting.token());
    let stranger = Setting::new().certificate("root");
    assert_eq!(
        setting.chain.authenticate(&request(&[("authorization", &good)], Some(stranger))).unwrap_err().code,
        401
    );
    let carl = setting.certificate("carl");
    let wrong = request(&[("authorization", "Bearer x")], Some(carl.clone()));
    assert_eq!(setting.chain.authenticate(&wrong).unwrap_err().code, 401);
    let both = setting.chain.authenticate(&request(&[("authorization", &good)], Some(carl))).unwrap();
    assert_eq!(both.user, "carl", "the certificate comes first, as in Kubernetes");
}

#[test]
fn headers_that_proxies_set_say_nothing_about_who_asks() {
    let setting = Setting::new();
    let headers = [
        ("x-remote-user", "root"),
        ("x-remote-group", "system:masters"),
        ("x-forwarded-user", "root"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-client-cert", "MIIB"),
        ("cookie", "token=x"),
        ("proxy-authorization", "Bearer x"),
    ];
    assert_eq!(setting.chain.authenticate(&request(&headers, None)), Ok(Identity::anonymous()));
}

#[test]
fn a_static_token_is_reviewed_for_our_audience_only() {
    let setting = Setting::new();
    let token = setting.token();
    let ours = TokenOptions::default().audiences;
    assert_eq!(setting.chain.review_token(&token, &[]).unwrap().1, ours);
    assert!(setting.chain.review_token(&token, &["vault".to_owned()]).is_err());
    assert!(setting.chain.review_token("tok_x", &[]).is_err());
}

#[test]
fn only_the_two_documents_are_served() {
    let setting = Setting::new();
    assert!(setting.chain.document("/.well-known/openid-configuration").is_some());
    assert!(setting.chain.document("/openid/v1/jwks").is_some());
    for path in ["", "/", "/openid/v1/jwks/", "/openid/v1/../v1/jwks"] {
        assert!(setting.chain.document(path).is_none(), "{path}");
    }
}
