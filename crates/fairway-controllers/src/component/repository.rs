//! The repository of a Component that is made from a Template: made once, wholly or not at all; from then on its
//! branches are compared with what was seen of them, and what is new becomes runs.

mod golden_path;

mod runs;

use fairway_api::names::ANNOTATION_CAUSE;
use fairway_api::v1alpha1::{Component, ComponentReason, ComponentRepository, Project};
use fairway_git::{Commit, ForgeError, Initial, Person, RepositoryId};
use kube::ResourceExt;

use super::Problem;
use crate::hosting::Hosting;
use crate::{Context, Error};

/// The branch that a repository begins with.
const DEFAULT_BRANCH: &str = "main";
/// Who makes repositories.
pub(crate) const MAKER: &str = "fairway:component-controller";

/// Makes the repository if it is not there, and runs of what is new in it. None for a Component that has none.
pub(super) async fn converge(
    component: &Component,
    project: &Project,
    ctx: &Context,
) -> Result<Result<Option<ComponentRepository>, Problem>, Error> {
    if component.spec.template.is_none() {
        return Ok(Ok(None));
    }
    let Some(hosting) = &ctx.hosting else {
        let message = "this platform hosts no repositories; deliver from a folder with platform deploy".to_owned();
        return Ok(Err((ComponentReason::RepositoryPending, message)));
    };
    let id = match identity(component) {
        Ok(id) => id,
        Err(problem) => return Ok(Err(problem)),
    };
    let mut repository = match component.status.as_ref().and_then(|it| it.repository.clone()) {
        Some(repository) => repository,
        None => match make(component, project, &id, hosting, ctx).await? {
            Ok(commit) => begun(hosting.forge.url(&id), &commit),
            Err(problem) => return Ok(Err(problem)),
        },
    };
    repository.url = hosting.forge.url(&id);
    match runs::compare(component, &id, &repository, hosting, ctx).await {
        Ok(refs) => repository.refs = refs,
        Err(Error::Forge { source: ForgeError::NoRepository(_), .. }) => {
            let message = format!(
                "its repository {id} is gone; bring it back from a copy (what runs of the component goes on meanwhile)"
            );
            return Ok(Err((ComponentReason::RepositoryPending, message)));
        }
        Err(error) => return Err(error),
    }
    Ok(Ok(Some(repository)))
}

/// Removes the repository if it is this Component's.
pub(super) async fn remove(component: &Component, project: Option<&Project>, ctx: &Context) -> Result<(), Error> {
    let (Some(hosting), true, Ok(id)) = (&ctx.hosting, component.spec.template.is_some(), identity(component)) else {
        return Ok(());
    };
    let known = component.status.as_ref().is_some_and(|it| it.repository.is_some());
    // A pass that made it and ended before it could say so: making it again tells whose it is.
    let ours = match project {
        _ if known => true,
        Some(project) => matches!(make(component, project, &id, hosting, ctx).await, Ok(Ok(_))),
        None => false,
    };
    if ours {
        hosting.forge.delete(&id).await.map_err(Error::forge("remove the repository"))?;
    }
    Ok(())
}

fn identity(component: &Component) -> Result<RepositoryId, Problem> {
    RepositoryId::parse(&component.namespace().unwrap_or_default(), &component.name_any())
        .map_err(|it| (ComponentReason::InvalidName, it.to_string()))
}

fn begun(url: String, commit: &Commit) -> ComponentRepository {
    ComponentRepository {
        url,
        default_branch: DEFAULT_BRANCH.to_owned(),
        created: commit.to_string(),
        ..ComponentRepository::default()
    }
}

/// Renders the Template and makes the repository of it.
async fn make(
    component: &Component,
    project: &Project,
    id: &RepositoryId,
    hosting: &Hosting,
    ctx: &Context,
) -> Result<Result<Commit, Problem>, Error> {
    let rendered = match golden_path::render(component, project, id, hosting, ctx).await? {
        Ok(rendered) => rendered,
        Err(problem) => return Ok(Err(problem)),
    };
    let at = component.metadata.creation_timestamp.as_ref().map_or_else(|| ctx.kit.world.clock.now(), |it| it.0);
    let initial = Initial {
        identity: component.uid().unwrap_or_default(),
        files: rendered.files,
        message: rendered.message,
        author: Person::new("Fairway", "fairway@localhost")
            .map_err(|_| Error::Unreachable("the author of first commits"))?,
        at,
        pushed_by: MAKER.to_owned(),
        cause: component.annotations().get(ANNOTATION_CAUSE).cloned(),
    };
    match hosting.forge.create(id, &initial).await {
        Ok(commit) => Ok(Ok(commit)),
        Err(error @ (ForgeError::Taken(_) | ForgeError::Refused(_) | ForgeError::TooLarge { .. })) => {
            Ok(Err((ComponentReason::RepositoryPending, error.to_string())))
        }
        Err(error) => Err(Error::forge("make the repository")(error)),
    }
}
