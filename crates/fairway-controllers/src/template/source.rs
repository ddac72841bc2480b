//! Where the folder of a Template is: in the program, or in a repository that the platform hosts.

use std::collections::BTreeMap;

use fairway_api::v1alpha1::{Template, TemplateRepository};
use fairway_git::{Commit, Entry, Forge, ForgeError, Mode, Ref, RepositoryId};
use fairway_plan::template::{Folder, MANIFEST, builtin};

use crate::{Context, Error};

/// A file is read up to this size; a template's own limits are below it.
const MOST_BYTES: u64 = 2 << 20;
/// The branch that is meant where none is named.
const DEFAULT_REF: &str = "main";

/// What is at a Template's source.
#[derive(Debug)]
pub(super) enum Observed {
    /// Its folder, and the commit if it is from a repository.
    Folder(Folder, Option<String>),
    /// Nothing, and why.
    Nothing(String),
}

/// Reads the folder.
pub(super) async fn observe(template: &Template, ctx: &Context) -> Result<Observed, Error> {
    let source = &template.spec.source;
    Ok(match (&source.builtin, &source.repository) {
        (Some(name), None) => match builtin(name) {
            Some(folder) => Observed::Folder(folder, None),
            None => Observed::Nothing(format!("no template {name:?} comes with this version of the platform")),
        },
        (None, Some(repository)) => match &ctx.hosting {
            Some(hosting) => of_repository(repository, hosting.forge.as_ref()).await?,
            None => Observed::Nothing("this platform hosts no repositories".to_owned()),
        },
        (None, None) => Observed::Nothing("spec.source says neither builtin nor repository".to_owned()),
        (Some(_), Some(_)) => Observed::Nothing("spec.source says both builtin and repository".to_owned()),
    })
}

/// The folder in the newest commit of the ref.
pub(super) async fn of_repository(source: &TemplateRepository, forge: &dyn Forge) -> Result<Observed, Error> {
    let id = match RepositoryId::parse(&source.project, &source.component) {
        Ok(id) => id,
        Err(error) => return Ok(Observed::Nothing(error.to_string())),
    };
    let name = source.r#ref.as_deref().unwrap_or(DEFAULT_REF);
    let refs = match forge.refs(&id).await {
        Ok(refs) => refs,
        Err(ForgeError::NoRepository(_)) => return Ok(Observed::Nothing(format!("there is no repository {id}"))),
        Err(error) => return Err(Error::forge("read the refs of the template's repository")(error)),
    };
    let Some(commit) = resolve(name, &refs) else {
        let name: String = name.chars().take(60).collect();
        return Ok(Observed::Nothing(format!("repository {id} has no branch, tag or commit {name:?}")));
    };
    match folder(source, &commit, forge).await {
        Ok(folder) if folder.files().is_empty() && folder.findings().is_empty() => {
            let path = source.path.as_deref().unwrap_or("the top");
            Ok(Observed::Nothing(format!("there is no {MANIFEST} in {path:?} of repository {id} at {name}")))
        }
        Ok(folder) => Ok(Observed::Folder(folder, Some(commit.to_string()))),
        Err(Error::Forge { source: error @ (ForgeError::Refused(_) | ForgeError::TooLarge { .. }), .. }) => {
            Ok(Observed::Nothing(format!("repository {id}: {error}")))
        }
        Err(Error::Forge { source: ForgeError::NoCommit { .. }, .. }) => {
            Ok(Observed::Nothing(format!("repository {id} has no commit {}", commit.short())))
        }
        Err(error) => Err(error),
    }
}

/// The commit of a branch, a tag, a full name, or a commit's own id, in this order.
fn resolve(name: &str, refs: &BTreeMap<String, Ref>) -> Option<Commit> {
    let names = [format!("refs/heads/{name}"), format!("refs/tags/{name}"), name.to_owned()];
    let named = names.iter().find_map(|it| refs.get(it)).map(|it| it.commit.clone());
    named.or_else(|| Commit::parse(name).ok())
}

/// The folder as a commit has it.
pub(crate) async fn folder(source: &TemplateRepository, commit: &Commit, forge: &dyn Forge) -> Result<Folder, Error> {
    let mut folder = Folder::default();
    let Ok(id) = RepositoryId::parse(&source.project, &source.component) else { return Ok(folder) };
    let under = source.path.as_deref().unwrap_or_default().trim_matches('/');
    let entries = forge.tree(&id, commit, under).await.map_err(Error::forge("list the template's files"))?;
    for Entry { path, mode, size, .. } in entries {
        let Some(below) = below(&path, under) else { continue };
        match mode {
            Mode::Link => folder.refuse(below, "a link"),
            _ if size > MOST_BYTES => folder.refuse(below, "too large"),
            _ => {
                let bytes = forge.read(&id, commit, &path, MOST_BYTES).await;
                let bytes = bytes.map_err(Error::forge("read the template's files"))?.unwrap_or_default();
                folder.add(below, bytes, mode == Mode::Executable);
            }
        }
        // What it cannot be any more is not read on.
        if folder.findings().len() >= 20 {
            break;
        }
    }
    Ok(folder)
}

/// A path from the folder on.
fn below<'a>(path: &'a str, under: &str) -> Option<&'a str> {
    if under.is_empty() { Some(path) } else { path.strip_prefix(under)?.strip_prefix('/') }
}
