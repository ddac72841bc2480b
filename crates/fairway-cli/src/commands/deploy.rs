//! `deploy`: from a folder to a URL; into an environment that asks for proof, by promoting what proved itself.

use std::path::PathBuf;

use clap::Args;
use fairway_api::names::{ComponentName, ProjectName};
use fairway_api::v1alpha1::{Release, ReleaseImage, ReleaseSpec};
use fairway_plan::score;
use kube::ResourceExt;

use super::{Outcome, Wait, Which, promote};
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::session::Session;
use crate::source::{Facts, Source};
use crate::{build, delivering, registry, releases, source};

/// Build what is in the folder and deliver it
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Deploy {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the one where releases begin their way
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// The folder of the service; without it the current one or the nearest above with a score.yaml
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// Deliver this release instead of building: a version, number, commit or digest
    #[arg(long, value_name = "RELEASE", conflicts_with_all = ["from", "bin"])]
    pub release: Option<String>,
    /// The program to deliver, where the folder builds several
    #[arg(long, value_name = "NAME")]
    pub bin: Option<String>,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// Builds and delivers, or promotes.
pub async fn deploy(session: &Session, deploy: &Deploy) -> Result<Outcome, Failure> {
    let project = session.project().await?;
    let place = place::first_environment(session, &project, deploy.env.as_deref()).await?;
    let named = deploy.which.named()?;
    if let Some(from) = place.object.spec.promotes_from.clone() {
        let promotion = promote::Promote {
            which: deploy.which.clone(),
            from: Some(from),
            to: Some(place.environment.to_string()),
            wait: deploy.wait.clone(),
        };
        return promote::promote(session, &promotion).await;
    }
    if let Some(word) = &deploy.release {
        let component = place::component(session, named)?;
        let release = releases::named(session, &project, &component, word).await?;
        let cause = session.new_cause();
        return delivering::deliver(session, &place, &component, &release, &cause, deploy.wait.patience()).await;
    }
    let source = find(session, deploy, named)?;
    place::registered(session, &project, &source.component).await?;
    from_source(session, &project, &place, &source, deploy).await
}

async fn from_source(
    session: &Session,
    project: &ProjectName,
    place: &Place,
    source: &Source,
    deploy: &Deploy,
) -> Result<Outcome, Failure> {
    let start = session.world.clock.monotonic();
    let cause = session.new_cause();
    let facts = source::facts(&source.folder).await?;
    let made = make(session, project, source, facts, deploy.bin.as_deref()).await?;
    let ensured = releases::ensure(session, project, made.spec, &cause, deploy.wait.timeout).await?;
    announce(session, &ensured.release, ensured.existed);
    let patience = deploy.wait.patience();
    let delivered = delivering::deliver(session, place, &source.component, &ensured.release, &cause, patience).await;
    let took = session.world.clock.monotonic().saturating_sub(start);
    let (build_ms, platform_ms) = (made.build.as_millis(), took.saturating_sub(made.build).as_millis());
    let of_failure = |it: Failure| {
        it.data("component", source.component.as_str())
            .data("environment", place.environment.as_str())
            .data("version", fairway_plan::release::version(&ensured.release))
            .data("releaseName", ensured.release.name_any())
            .data("cause", cause.as_str())
            .data("buildMs", milliseconds(build_ms))
            .data("platformMs", milliseconds(platform_ms))
    };
    Ok(Outcome { build_ms, platform_ms, ..delivered.map_err(of_failure)? })
}

fn milliseconds(it: u128) -> u64 {
    u64::try_from(it).unwrap_or(u64::MAX)
}

fn announce(session: &Session, release: &Release, existed: bool) {
    let status = release.status.clone().unwrap_or_default();
    let version = fairway_plan::release::version(release);
    let same = if existed { " (the same content as before)" } else { "" };
    session.progress.note(&format!("release {version}, number {}{same}", status.number.unwrap_or(0)));
}

fn find(session: &Session, deploy: &Deploy, named: Option<&str>) -> Result<Source, Failure> {
    let folder = deploy.from.as_ref().map_or_else(|| session.folder.clone(), |it| session.folder.join(it));
    let file = place::find_score(&folder).ok_or_else(|| {
        let name = named.unwrap_or("the service");
        place::no_score(&folder).hint(format!("go to the folder of {name}, or name it: --from=FOLDER"))
    })?;
    let source = source::load(&file)?;
    if let Some(name) = named.filter(|it| *it != source.component.as_str()) {
        let name = ComponentName::parse(name).map_err(|it| Failure::usage(it.to_string()))?;
        let what = format!("{} is the score.yaml of {}, not of {name}", file.display(), source.component);
        return Err(Failure::usage(what).hint(format!("go to the folder of {name}, or name it: --from=FOLDER")));
    }
    Ok(source)
}

/// The content of a release, and how long building it took.
pub(crate) struct Made {
    pub(crate) spec: ReleaseSpec,
    pub(crate) build: std::time::Duration,
}

/// Builds what the workload calls `.`, and looks up every other image.
async fn make(
    session: &Session,
    project: &ProjectName,
    source: &Source,
    facts: Facts,
    program: Option<&str>,
) -> Result<Made, Failure> {
    let (workload, _) = score::workload(&source.score.workload);
    let component = source.component.as_str();
    let mut spec = ReleaseSpec {
        component_name: component.to_owned(),
        version: facts.version,
        source: facts.source,
        workload: source.score.workload.clone(),
        config: source.settings.clone(),
        migrations: source.migrations.clone(),
        ..ReleaseSpec::default()
    };
    let mut took = std::time::Duration::ZERO;
    let mut own = None;
    for (container, it) in &workload.containers {
        let reference = if it.image == "." {
            if own.is_none() {
                let built = build::build(session, &source.folder, component, program).await?;
                took = built.took;
                spec.toolchain = Some(built.toolchain.clone());
                let repository = format!("{project}/{component}");
                own = Some(registry::push(session, &built.layout, &built.image, &repository).await?);
            }
            own.clone()
        } else {
            Some(by_digest(session, &it.image).await?)
        };
        spec.images.extend(reference.and_then(|it| image(container, &it)));
    }
    Ok(Made { spec, build: took })
}

/// An image of a release.
pub(crate) fn image(container: &str, reference: &fairway_oci::Reference) -> Option<ReleaseImage> {
    let fairway_oci::Target::Digest(digest) = reference.target() else { return None };
    Some(ReleaseImage { container: container.to_owned(), reference: reference.to_string(), digest: digest.to_string() })
}

/// A reference to an image of the platform's store, by digest.
pub(crate) async fn by_digest(session: &Session, image: &str) -> Result<fairway_oci::Reference, Failure> {
    let reference: fairway_oci::Reference = image.parse().map_err(|it: fairway_oci::BadReference| {
        Failure::usage(build::chain(&it)).hint("write NAME:TAG or NAME@sha256:… of the platform's image store")
    })?;
    let (digest, _) = registry::look_up(session, &reference).await?;
    fairway_oci::Reference::new(reference.name(), fairway_oci::Target::Digest(digest))
        .map_err(|it| Failure::usage(it.to_string()))
}
