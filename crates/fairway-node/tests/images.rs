//! Images of a local store: built, unpacked, run.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::sync::Arc;

use fairway_node::runner::LogOptions;
use fairway_node::{Images, LayoutImages};
use fairway_oci::{Contents, ImageSpec, Layout, Platform, Reference};
use plane::{Plane, phase, state};
use serde_json::json;

fn spec(words: &[&str]) -> ImageSpec {
    let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    ImageSpec {
        platform: Platform { architecture: architecture.into(), os: "linux".into(), variant: None },
        entrypoint: std::iter::once("/bin/program").chain(words.iter().copied()).map(str::to_owned).collect(),
        cmd: Vec::new(),
        env: [("COLOUR".to_owned(), "blue".to_owned())].into(),
        working_dir: "/data".into(),
        exposed_ports: Vec::new(),
        labels: [].into(),
        created_by: "a test".into(),
    }
}

fn store(folder: &std::path::Path) -> Layout {
    let layout = Layout::open(&folder.join("store")).unwrap();
    for (tag, words) in [("env", vec!["env", "COLOUR"]), ("who", vec!["break-out"])] {
        let mut contents = Contents::new();
        contents.add_file("bin/program", bench::built(), true).unwrap();
        contents.add_folder("data").unwrap();
        let built = layout.build(None, &contents, &spec(&words)).unwrap();
        layout.tag(&format!("local/app:{tag}").parse::<Reference>().unwrap(), &built).unwrap();
    }
    layout
}

#[tokio::test]
async fn an_image_of_the_store_runs_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let layout = store(folder.path());
    let Some(plane) = Plane::with(|state| Arc::new(LayoutImages::new(layout, state))).await else { return };
    for (name, image) in [("env", "local/app:env"), ("who", "local/app:who")] {
        let containers = json!([{ "name": "app", "image": image }]);
        plane
            .pod(
                name,
                &[],
                json!({ "restartPolicy": "Never", "containers": containers,
            "securityContext": { "runAsNonRoot": true } }),
            )
            .await;
        let pod = plane.until(name, "done", |it| phase(it) == "Succeeded").await;
        let status = &pod.status.unwrap().container_statuses.unwrap()[0];
        assert!(status.image_id.starts_with("local/app@sha256:"), "{}", status.image_id);
    }
    assert_eq!(plane.log("env", LogOptions::default()).await, "COLOUR=blue\n");
    let who = plane.log("who", LogOptions::default()).await;
    assert!(who.ends_with("ids: 65532 65532 pid 1\n"), "{who}");
    plane.clean().await;
}

#[tokio::test]
async fn what_is_not_in_the_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let layout = store(folder.path());
    let Some(plane) = Plane::with(|state| Arc::new(LayoutImages::new(layout, state))).await else { return };
    for (name, image, reason) in
        [("no", "local/app:absent", "ErrImagePull"), ("odd", "local/App:x", "InvalidImageName")]
    {
        plane.pod(name, &[], json!({ "containers": [{ "name": "app", "image": image }] })).await;
        let pod = plane.until(name, reason, |it| state(it) == format!("waiting {reason}")).await;
        let waiting = pod.status.unwrap().container_statuses.unwrap()[0].state.clone().unwrap().waiting.unwrap();
        assert!(waiting.message.unwrap().contains(image));
        plane.delete(name).await;
    }
    plane.clean().await;
}

#[tokio::test]
async fn an_image_is_unpacked_once_and_what_was_left_unfinished_goes() {
    let (folder, node) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir_all(node.path().join("images/.sha256-x.1-0/rootfs")).unwrap();
    let images = LayoutImages::new(store(folder.path()), node.path());
    assert_eq!(std::fs::read_dir(node.path().join("images")).unwrap().count(), 0);
    let images = Arc::new(images);
    let (one, two) = tokio::join!(images.ensure("local/app:env"), images.ensure("local/app:env"));
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(std::fs::read_dir(node.path().join("images")).unwrap().count(), 1);
}

#[tokio::test]
async fn images_are_unpacked_for_lent_users_too() {
    bench::again_with_lent_users(&[], &[]);
}
