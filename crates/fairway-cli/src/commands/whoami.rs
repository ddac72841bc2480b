//! `whoami`: who the platform says you are, and where you are.

use fairway_api::v1alpha1::Project;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Report;
use crate::session::Session;

/// Who somebody is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Whoami {
    /// `<issuer>:<subject>`.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
    /// The projects that can be seen.
    pub projects: Vec<String>,
    /// The platform's address, if it is the local one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

impl Report for Whoami {
    fn table(&self) -> String {
        let list = |it: &[String]| if it.is_empty() { "none".to_owned() } else { it.join(", ") };
        let at = self.platform.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
        let (groups, projects) = (list(&self.groups), list(&self.projects));
        format!("You are {}{at}.\ngroups:   {groups}\nprojects: {projects}\n", self.user)
    }

    fn names(&self) -> Vec<String> {
        vec![self.user.clone()]
    }
}

/// Asks the platform.
pub async fn whoami(session: &Session) -> Result<Whoami, Failure> {
    let api: Api<SelfSubjectReview> = Api::all(session.client.clone());
    let asked = api.create(&PostParams::default(), &SelfSubjectReview::default()).await;
    let info = asked.map_err(Failure::api("ask who you are"))?.status.and_then(|it| it.user_info).unwrap_or_default();
    let projects: Api<Project> = Api::all(session.client.clone());
    let projects = match projects.list(&ListParams::default()).await {
        Ok(found) => found.items.iter().map(ResourceExt::name_any).collect(),
        Err(kube::Error::Api(status)) if status.code == 403 || status.code == 404 => Vec::new(),
        Err(error) => return Err(Failure::api("list projects")(error)),
    };
    Ok(Whoami {
        user: info.username.unwrap_or_default(),
        groups: info.groups.unwrap_or_default(),
        projects,
        platform: session.home.running().map(|it| format!("https://127.0.0.1:{}", it.api_port)),
    })
}
