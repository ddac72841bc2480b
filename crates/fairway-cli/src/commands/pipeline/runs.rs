//! `pipeline runs`: which there are, and how each stands.

use fairway_api::names::ProjectName;
use fairway_api::v1alpha1::{PipelineRun, SUCCEEDED};
use kube::ResourceExt;
use kube::api::ListParams;
use serde::Serialize;

use super::{Run, Which, api};
use crate::failure::Failure;
use crate::output::Report;
use crate::place;
use crate::session::Session;
use crate::text::{ago, columns, span};

/// The runs of a service, or of a project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunList {
    /// Newest first.
    pub items: Vec<RunRow>,
}

/// One run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// Its object's name.
    pub name: String,
    /// Its service.
    pub component: String,
    /// Its number.
    pub number: i64,
    /// The branch.
    pub branch: String,
    /// The commit.
    pub commit: String,
    /// How it stands, in a word.
    pub state: String,
    /// How it stands, in a sentence.
    pub summary: String,
    /// Who pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_by: Option<String>,
    /// How long it took, in milliseconds, if it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// How old it is.
    #[serde(skip)]
    pub age: String,
}

impl Report for RunList {
    fn table(&self) -> String {
        if self.items.is_empty() {
            return "no run yet\n".to_owned();
        }
        let row = |it: &RunRow| {
            let took = it.took_ms.map(|it| span(std::time::Duration::from_millis(it))).unwrap_or_default();
            let commit: String = it.commit.chars().take(10).collect();
            let number = it.number.to_string();
            let cells = [&it.name, &number, &it.branch, &commit, &it.state, &took, &it.age, &it.summary];
            cells.map(Clone::clone).to_vec()
        };
        let rows: Vec<Vec<String>> = self.items.iter().map(row).collect();
        columns(&["RUN", "NUMBER", "BRANCH", "COMMIT", "STATE", "TOOK", "AGE", "SUMMARY"], &rows)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| format!("pipelinerun.fairway.dev/{}", it.name)).collect()
    }
}

/// Lists the runs of a service; where none is meant, those of all services of the project.
pub async fn list(session: &Session, which: &Which) -> Result<RunList, Failure> {
    let project = session.project().await?;
    let named = which.named()?;
    let component = match named {
        None if place::find_score(&session.folder).is_none() => None,
        named => Some(place::component(session, named)?),
    };
    let mut found = all(session, &project).await?;
    found.retain(|it| component.as_ref().is_none_or(|component| it.spec.component_name == component.as_str()));
    let now = session.world.clock.now();
    Ok(RunList { items: found.iter().map(|it| row(it, now)).collect() })
}

/// Every run of a project, newest first.
async fn all(session: &Session, project: &ProjectName) -> Result<Vec<PipelineRun>, Failure> {
    let found = api(session, project).list(&ListParams::default()).await.map_err(Failure::api("list pipeline runs"))?;
    let mut runs = found.items;
    runs.sort_by_key(|it| std::cmp::Reverse((it.creation_timestamp().map(|it| it.0), it.spec.number)));
    Ok(runs)
}

fn row(run: &PipelineRun, now: jiff::Timestamp) -> RunRow {
    let status = run.status.clone().unwrap_or_default();
    let reason = status.conditions.iter().find(|it| it.type_ == SUCCEEDED).map(|it| it.reason.clone());
    let created = run.creation_timestamp().map(|it| it.0);
    let took = status.completion_time.as_ref().zip(status.start_time.clone().or(run.creation_timestamp()));
    let branch = run.spec.r#ref.strip_prefix("refs/heads/").unwrap_or(&run.spec.r#ref);
    RunRow {
        name: run.name_any(),
        component: run.spec.component_name.clone(),
        number: run.spec.number,
        branch: branch.to_owned(),
        commit: run.spec.commit.clone(),
        state: reason.unwrap_or_else(|| "Waiting".to_owned()),
        summary: status.explanation.summary.clone(),
        pushed_by: run.spec.pushed_by.clone(),
        took_ms: took.and_then(|(end, start)| u64::try_from(end.0.duration_since(start.0).as_millis()).ok()),
        age: created.map(|it| ago(it, now)).unwrap_or_default(),
    }
}

/// Whether a run is over.
pub(super) fn has_ended(run: &PipelineRun) -> bool {
    run.status.as_ref().is_some_and(|it| it.completion_time.is_some())
}

/// The run that a person means, and all of the same service.
pub(super) async fn find(
    session: &Session,
    project: &ProjectName,
    which: &Run,
) -> Result<(PipelineRun, Vec<PipelineRun>), Failure> {
    let runs = all(session, project).await?;
    if let Some(found) = which.run.as_ref().and_then(|word| runs.iter().find(|it| it.name_any() == *word)) {
        let found = found.clone();
        let siblings = runs.into_iter().filter(|it| it.spec.component_name == found.spec.component_name).collect();
        return Ok((found, siblings));
    }
    let component = place::component(session, which.service.as_deref())?;
    let siblings: Vec<PipelineRun> =
        runs.into_iter().filter(|it| it.spec.component_name == component.as_str()).collect();
    let found = match &which.run {
        None => siblings.iter().max_by_key(|it| it.spec.number),
        Some(word) => meant(word, &siblings),
    };
    let missing = || {
        let word = which.run.as_deref().map(|it| it.chars().take(60).collect::<String>());
        let what = word.map_or_else(|| "no run yet".to_owned(), |it| format!("no run called {it:?}"));
        Failure::not_found(format!("{component} has {what}")).hint(format!("platform pipeline runs {component}"))
    };
    Ok((found.cloned().ok_or_else(missing)?, siblings))
}

/// The run of a number or of a commit; of several runs of a commit the newest.
fn meant<'a>(word: &str, runs: &'a [PipelineRun]) -> Option<&'a PipelineRun> {
    let by_number = word.parse::<i64>().ok().and_then(|it| runs.iter().find(|run| run.spec.number == it));
    let by_commit =
        || runs.iter().filter(|it| is_commit(word) && it.spec.commit.starts_with(word)).max_by_key(|it| it.spec.number);
    by_number.or_else(by_commit)
}

/// Whether a word can be a commit.
pub(super) fn is_commit(word: &str) -> bool {
    word.len() >= 7 && word.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
