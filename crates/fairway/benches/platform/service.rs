//! The service that is deployed: the example of the repository, built once as a static program, in an image of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fairway_api::v1alpha1::{Release, ReleaseImage, ReleaseSpec};
use fairway_oci::{Contents, ImageSpec, Layout, Platform, Reference, Target};
use fairway_plan::score;

use super::home::Home;

/// A built service; its releases differ in their greeting.
pub(crate) struct Service {
    image: ReleaseImage,
    score: score::Score,
}

impl Service {
    /// Builds it and puts its image into the platform's store; none of it is measured.
    pub(crate) fn build(home: &Home) -> Result<Self> {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello");
        let program = compile(&example, &home.path("hello"))?;
        let layout = Layout::open(&home.path("home/images"))?;
        let mut contents = Contents::new();
        contents.add_file("app/hello", &program, true)?;
        let spec = ImageSpec {
            platform: Platform::host(),
            entrypoint: vec!["/app/hello".to_owned()],
            cmd: Vec::new(),
            env: [].into(),
            working_dir: String::new(),
            exposed_ports: Vec::new(),
            labels: [].into(),
            created_by: "a benchmark".to_owned(),
        };
        let descriptor = layout.build(None, &contents, &spec)?;
        let name = Reference::new("sandbox/bench", Target::Digest(descriptor.digest.clone()))?;
        layout.tag(&name, &descriptor)?;
        let text = std::fs::read_to_string(example.join("score.yaml")).context("read the example's score.yaml")?;
        let (score, findings) = score::parse(&text);
        ensure!(findings.is_empty(), "the example's score.yaml: {findings:?}");
        let digest = descriptor.digest.to_string();
        let image = ReleaseImage { container: "web".to_owned(), reference: name.to_string(), digest };
        Ok(Self { image, score: score.context("the example's score.yaml holds nothing")? })
    }

    /// A release of a component that greets so.
    pub(crate) fn release(&self, component: &str, greeting: &str) -> Release {
        let spec = ReleaseSpec {
            component_name: component.to_owned(),
            images: vec![self.image.clone()],
            workload: self.score.workload.clone(),
            config: [("default".to_owned(), [("GREETING".to_owned(), greeting.to_owned())].into())].into(),
            ..ReleaseSpec::default()
        };
        Release::new(&fairway_plan::release::name(&spec), spec)
    }

    /// The score file of a component that runs the image that is there.
    pub(crate) fn score_of(&self, component: &str) -> String {
        let text = include_str!("../../../../examples/hello/score.yaml");
        let image = format!("image: {}", self.image.reference);
        text.replace("name: hello", &format!("name: {component}")).replace("image: .", &image)
    }
}

fn compile(example: &Path, target: &Path) -> Result<PathBuf> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--target", &triple, "--target-dir"])
        .arg(target)
        .current_dir(example)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "the example was not built: {status}");
    Ok(target.join(triple).join("release/hello"))
}
