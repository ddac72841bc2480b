//! `release`: list, show, and make one of an image that someone else built.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use fairway_api::names::{ComponentName, ProjectName};
use fairway_api::v1alpha1::{Release, ReleaseSource, ReleaseSpec};
use fairway_oci::{ImageConfig, Layout, Reference};
use fairway_plan::release::{number, version};
use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Map, json};

use super::Which;
use super::deploy;
use crate::build::{chain, scratch};
use crate::failure::Failure;
use crate::output::{Report, to_yaml};
use crate::session::Session;
use crate::text::{ago, columns};
use crate::{place, registry, releases, source};

/// No image that is brought in may have a larger part.
const MOST_BLOB_BYTES: u64 = 4 << 30;

/// Releases of a service
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ReleaseCommand {
    /// List the releases of a service, newest first
    List(Which),
    /// Show one release
    Show(Show),
    /// Make a release of an image that someone else built
    Create(Create),
}

/// Which release to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Show {
    /// A version, number, commit, digest or name
    #[arg(value_name = "RELEASE")]
    pub release: String,
    /// The service; without it that of the current folder's score.yaml
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
}

/// What a release is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Create {
    /// The service; without it that of the current folder's score.yaml
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// NAME:TAG or NAME@DIGEST of the platform's store, or an OCI layout FOLDER[:NAME]
    #[arg(long, value_name = "IMAGE")]
    pub image: String,
    /// The commit it was built from
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
}

/// The releases of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReleaseList {
    /// Newest first.
    pub items: Vec<ReleaseRow>,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRow {
    /// Its object's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its number.
    pub number: i64,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether it holds what no commit has.
    pub uncommitted: bool,
    /// The digest of its first image.
    pub image: String,
    /// Where it was healthy.
    pub proven_in: Vec<String>,
    /// How old it is.
    #[serde(skip)]
    pub age: String,
}

impl Report for ReleaseList {
    fn table(&self) -> String {
        if self.items.is_empty() {
            return "no release yet\n".to_owned();
        }
        let row = |it: &ReleaseRow| {
            let commit: String = it.commit.as_deref().unwrap_or_default().chars().take(12).collect();
            let mark = if it.uncommitted { "+changes" } else { "" };
            let image: String = it.image.trim_start_matches("sha256:").chars().take(12).collect();
            vec![
                it.version.clone(),
                it.number.to_string(),
                format!("{commit}{mark}"),
                image,
                it.proven_in.join(","),
                it.age.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = self.items.iter().map(row).collect();
        columns(&["VERSION", "NUMBER", "COMMIT", "IMAGE", "HEALTHY IN", "AGE"], &rows)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| format!("release.fairway.dev/{}", it.name)).collect()
    }
}

/// A release as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Shown(pub Release);

impl Report for Shown {
    fn table(&self) -> String {
        to_yaml(&self.0.spec).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        vec![format!("release.fairway.dev/{}", self.0.name_any())]
    }
}

/// A release that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeRelease {
    /// The component.
    pub component: String,
    /// The object's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its number.
    pub number: i64,
    /// Whether it was there before.
    pub existed: bool,
    /// The id of the event.
    pub cause: String,
}

impl Report for MadeRelease {
    fn table(&self) -> String {
        let same = if self.existed { " was there already" } else { " is made" };
        format!("release {} of {}{same}\n", self.version, self.component)
    }

    fn names(&self) -> Vec<String> {
        vec![format!("release.fairway.dev/{}", self.name)]
    }
}

/// Lists releases.
pub async fn list(session: &Session, which: &Which) -> Result<ReleaseList, Failure> {
    let project = session.project().await?;
    let component = place::component(session, which.named()?)?;
    place::registered(session, &project, &component).await?;
    let now = session.world.clock.now();
    let items = releases::all(session, &project, &component).await?;
    let row = |it: &Release| ReleaseRow {
        name: it.name_any(),
        version: version(it),
        number: number(it),
        commit: it.spec.source.commit.clone(),
        uncommitted: it.spec.source.uncommitted,
        image: it.spec.images.first().map(|it| it.digest.clone()).unwrap_or_default(),
        proven_in: it.status.as_ref().map(|it| it.proven_in.clone()).unwrap_or_default(),
        age: it.creation_timestamp().map(|it| ago(it.0, now)).unwrap_or_default(),
    };
    Ok(ReleaseList { items: items.iter().map(row).collect() })
}

/// Reads one release.
pub async fn show(session: &Session, show: &Show) -> Result<Shown, Failure> {
    let project = session.project().await?;
    let component = place::component(session, show.service.as_deref())?;
    releases::named(session, &project, &component, &show.release).await.map(Shown)
}

/// Makes a release of an image.
pub async fn create(session: &Session, create: &Create) -> Result<MadeRelease, Failure> {
    let project = session.project().await?;
    let component = place::component(session, create.service.as_deref())?;
    place::registered(session, &project, &component).await?;
    if create
        .commit
        .as_ref()
        .is_some_and(|it| it.len() > 64 || it.is_empty() || !it.bytes().all(|it| it.is_ascii_hexdigit()))
    {
        return Err(Failure::usage("--commit is not a commit: give its hexadecimal digits"));
    }
    let (reference, config) = find(session, &project, &component, &create.image).await?;
    let told = workload(session, &component, &config)?;
    let containers: Vec<String> =
        told.workload["containers"].as_object().map(|it| it.keys().cloned().collect()).unwrap_or_default();
    let spec = ReleaseSpec {
        component_name: component.to_string(),
        source: ReleaseSource { commit: create.commit.clone(), ..ReleaseSource::default() },
        images: containers.iter().filter_map(|it| deploy::image(it, &reference)).collect(),
        ..told
    };
    let cause = session.new_cause();
    let made = releases::ensure(session, &project, spec, &cause, Duration::from_secs(60)).await?;
    Ok(MadeRelease {
        component: component.to_string(),
        name: made.release.name_any(),
        version: version(&made.release),
        number: number(&made.release),
        existed: made.existed,
        cause,
    })
}

/// The image by digest in the platform's store; that of a folder is pushed there first.
async fn find(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
    image: &str,
) -> Result<(Reference, ImageConfig), Failure> {
    let reference = if let Some((path, which)) = layout_folder(&session.folder, image) {
        let folder = scratch()?;
        let (root, name) = (folder.path().to_owned(), format!("{project}/{component}:imported"));
        let taken = tokio::task::spawn_blocking(move || import(&root, &path, which.as_deref(), &name));
        let (layout, image) = taken.await.map_err(|it| Failure::failed(format!("cannot read the image: {it}")))??;
        registry::push(session, &layout, &image, &format!("{project}/{component}")).await?
    } else {
        if image.split('/').next().is_some_and(|it| it.contains('.') || it.contains(':')) && image.contains('/') {
            return Err(Failure::usage(format!("{image} is in another registry, which is not read yet"))
                .hint("give the folder of an OCI image layout, such as skopeo copy docker://IMAGE oci:FOLDER makes"));
        }
        deploy::by_digest(session, image).await?
    };
    let (_, config) = registry::look_up(session, &reference).await?;
    Ok((reference, config))
}

/// `FOLDER`, or `FOLDER:NAME` where it holds several images.
fn layout_folder(current: &Path, image: &str) -> Option<(PathBuf, Option<String>)> {
    let whole = current.join(image);
    if whole.is_dir() {
        return Some((whole, None));
    }
    let (folder, which) = image.split_once(':')?;
    let folder = current.join(folder);
    folder.is_dir().then(|| (folder, Some(which.to_owned())))
}

/// Whether there is such an image; what is in a folder is in the platform's store afterwards.
pub(crate) async fn check_image(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
    image: &str,
) -> Result<(), Failure> {
    find(session, project, component, image).await.map(|_| ())
}

fn import(
    root: &Path,
    from: &Path,
    which: Option<&str>,
    name: &str,
) -> Result<(Layout, fairway_oci::Descriptor), Failure> {
    let failed = |it: &dyn std::error::Error| {
        Failure::failed(format!("cannot take the image from {}: {}", from.display(), chain(it)))
    };
    let layout = Layout::open(root).map_err(|it| failed(&it))?;
    let name: Reference = name.parse().map_err(|it: fairway_oci::BadReference| failed(&it))?;
    let image = layout
        .import(from, which, &name, MOST_BLOB_BYTES)
        .map_err(|it| failed(&it).hint("--image=FOLDER:NAME names one of several"))?;
    Ok((layout, image))
}

/// How it runs: as the folder's `score.yaml` says if it is this component's, else as the image itself says.
fn workload(session: &Session, component: &ComponentName, config: &ImageConfig) -> Result<ReleaseSpec, Failure> {
    if let Some(file) = place::find_score(&session.folder)
        && source::name_in(&file).is_ok_and(|it| it == component.as_str())
    {
        let source = source::load(&file)?;
        return Ok(ReleaseSpec {
            workload: source.score.workload,
            config: source.settings,
            migrations: source.migrations,
            ..ReleaseSpec::default()
        });
    }
    let ports = config.config.exposed_ports.clone().unwrap_or_default();
    let port = ports.keys().find_map(|it| it.trim_end_matches("/tcp").parse::<u16>().ok());
    let mut workload = Map::new();
    workload.insert("containers".to_owned(), json!({ "web": { "image": "." } }));
    if let Some(port) = port {
        workload.insert("service".to_owned(), json!({ "ports": { "http": { "port": 80, "targetPort": port } } }));
    }
    Ok(ReleaseSpec { workload, ..ReleaseSpec::default() })
}

#[cfg(test)]
mod tests;
