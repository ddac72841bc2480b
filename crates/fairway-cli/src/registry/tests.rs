use std::collections::BTreeMap;
use std::sync::Arc;

use fairway_clock::{Entropy as _, SeededEntropy, World};
use fairway_oci::{Access, Call, Contents, ImageSpec, Registry, RegistryLimits};

use super::*;
use crate::{Exit, Home};

/// A session whose platform is nothing but a registry over this store.
fn session(layout: Layout, read_only: bool) -> Session {
    let registry = Arc::new(Registry::new(layout, World::system().entropy, RegistryLimits::default()));
    let service = tower::service_fn(move |request: Request<Body>| {
        let registry = Arc::clone(&registry);
        async move {
            let answer = match Call::parse(request.method(), request.uri().path()) {
                Ok(call) if read_only && call.access() == Access::Push => http::Response::builder()
                    .status(StatusCode::FORBIDDEN)
                    .body(fairway_oci::Body::default())
                    .unwrap_or_default(),
                Ok(call) => registry.handle(&call, request).await,
                Err(refusal) => *refusal,
            };
            Ok::<_, std::io::Error>(answer)
        }
    });
    Session {
        home: Home::new("/nowhere"),
        process: None,
        client: Client::new(service, "default"),
        project: None,
        folder: "/nowhere".into(),
        progress: Arc::new(crate::progress::Quiet),
        world: World::system(),
        interactive: false,
        verbose: false,
    }
}

/// An image whose layer takes more than one chunk.
fn image(layout: &Layout) -> Descriptor {
    let mut program = vec![0u8; CHUNK + (1 << 20)];
    SeededEntropy::new(1).fill(&mut program);
    let mut contents = Contents::new();
    contents.add_bytes("app/hello", program, true).unwrap();
    let spec = ImageSpec {
        platform: Platform::host(),
        entrypoint: vec!["/app/hello".to_owned()],
        cmd: Vec::new(),
        env: BTreeMap::new(),
        working_dir: "/".to_owned(),
        exposed_ports: vec!["8080/tcp".to_owned()],
        labels: BTreeMap::new(),
        created_by: "a test".to_owned(),
    };
    layout.build(None, &contents, &spec).unwrap()
}

#[tokio::test]
async fn an_image_is_pushed_in_chunks_and_found_by_its_digest() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (own, hub) = (Layout::open(here.path()).unwrap(), Layout::open(there.path()).unwrap());
    let image = image(&own);
    let session = session(hub.clone(), false);
    let reference = push(&session, &own, &image, "shop/hello").await.unwrap();
    assert_eq!(reference.to_string(), format!("shop/hello@{}", image.digest));
    assert_eq!(push(&session, &own, &image, "shop/hello").await.unwrap(), reference, "once more is the same");
    assert_eq!(hub.resolve(&reference).unwrap().digest, image.digest);
    let (digest, config) = look_up(&session, &reference).await.unwrap();
    assert_eq!(digest, image.digest);
    assert_eq!(config.config.user, "65532:65532");
    assert!(config.config.exposed_ports.unwrap().contains_key("8080/tcp"));
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_has_its_own_exit_code() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (own, hub) = (Layout::open(here.path()).unwrap(), Layout::open(there.path()).unwrap());
    let session = session(hub, true);
    let missing = look_up(&session, &"shop/nothing:v1".parse().unwrap()).await.unwrap_err();
    assert_eq!(missing.exit, Exit::NotFound);
    assert!(missing.what.contains("shop/nothing") && missing.hint.is_some());
    let refused = push(&session, &own, &image(&own), "shop/hello").await.unwrap_err();
    assert_eq!(refused.exit, Exit::Refused);
}
