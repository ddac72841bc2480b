//! `template`: golden paths: which there are, what can be chosen, and for who writes one: lint, test, render.

mod folder;

mod made;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use fairway_api::conditions::{READY, is_true};
use fairway_api::v1alpha1::{ParameterType, Template, TemplateParameter};
use fairway_plan::template;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::output::Report;
use crate::session::Session;
use crate::text::{columns, one_line};

pub use made::{Made, Render, Setting, chosen, parse_setting, render};

/// Golden paths
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TemplateCommand {
    /// List the templates that services can be made from
    List,
    /// Show what can be chosen in a template
    Show(Show),
    /// Find what is to be mended in a template
    Lint(Which),
    /// Run the tests of a template
    Test(Which),
    /// Render a template, without registering anything
    Render(Render),
}

/// Which template to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Show {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    pub name: String,
}

/// Which template's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Which {
    /// A folder with template.yaml, or one that comes with the platform; without it the current folder
    #[arg(value_name = "TEMPLATE")]
    pub template: Option<PathBuf>,
}

/// The templates there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TemplateList {
    /// By name.
    pub items: Vec<TemplateRow>,
}

/// One template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The type of what is made from it.
    pub component_type: String,
    /// Whether services can be made from it.
    pub ready: bool,
    /// What one gets.
    pub description: String,
}

impl Report for TemplateList {
    fn table(&self) -> String {
        if self.items.is_empty() {
            return "no template yet\n".to_owned();
        }
        let ready = |it: &TemplateRow| if it.ready { "yes" } else { "no" }.to_owned();
        let row = |it: &TemplateRow| {
            vec![it.name.clone(), it.version.clone(), it.component_type.clone(), ready(it), it.description.clone()]
        };
        let rows: Vec<Vec<String>> = self.items.iter().map(row).collect();
        columns(&["NAME", "VERSION", "TYPE", "READY", "DESCRIPTION"], &rows)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| format!("template.fairway.dev/{}", it.name)).collect()
    }
}

/// Lists the templates.
pub async fn list(session: &Session) -> Result<TemplateList, Failure> {
    let api: Api<Template> = Api::all(session.client.clone());
    let mut found = api.list(&ListParams::default()).await.map_err(Failure::api("list templates"))?.items;
    found.sort_by_key(ResourceExt::name_any);
    Ok(TemplateList { items: found.iter().map(row).collect() })
}

fn row(template: &Template) -> TemplateRow {
    TemplateRow {
        name: template.name_any(),
        version: template.spec.version.clone(),
        component_type: format!("{:?}", template.spec.component_type),
        ready: template.status.as_ref().is_some_and(|it| is_true(&it.conditions, READY)),
        description: template.spec.description.clone(),
    }
}

/// What can be chosen in a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The template.
    #[serde(flatten)]
    pub template: TemplateRow,
    /// Its state in one sentence.
    pub summary: String,
    /// What is to be mended in its folder.
    pub findings: Vec<String>,
    /// What can be chosen.
    pub parameters: Vec<TemplateParameter>,
}

impl Report for Shown {
    fn table(&self) -> String {
        let it = &self.template;
        let mut text =
            format!("{} {}: {}\n{}\n", it.name, it.version, one_line(&it.description), one_line(&self.summary));
        for finding in &self.findings {
            let _ = writeln!(text, "  {}", one_line(finding));
        }
        if self.parameters.is_empty() {
            return text + "there is nothing to choose\n";
        }
        let rows: Vec<Vec<String>> = self
            .parameters
            .iter()
            .map(|it| vec![it.name.clone(), kind(it), usual(it), it.description.clone()])
            .collect();
        text.push('\n');
        text + &columns(&["PARAMETER", "VALUES", "DEFAULT", "DESCRIPTION"], &rows)
    }

    fn names(&self) -> Vec<String> {
        vec![format!("template.fairway.dev/{}", self.template.name)]
    }
}

/// What the values of a parameter are, in few words.
fn kind(it: &TemplateParameter) -> String {
    match (it.r#type, it.minimum, it.maximum) {
        (ParameterType::Enum, ..) => it.values.join("|"),
        (ParameterType::Boolean, ..) => "true|false".to_owned(),
        (ParameterType::Integer, Some(least), Some(most)) => format!("{least} to {most}"),
        (ParameterType::Integer, ..) => "number".to_owned(),
        (ParameterType::String, ..) => "text".to_owned(),
    }
}

fn usual(it: &TemplateParameter) -> String {
    match &it.default {
        _ if it.required => "(required)".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// Reads a template, or says which there are.
pub async fn find(session: &Session, name: &str) -> Result<Template, Failure> {
    super::get::check_name(name)?;
    let api: Api<Template> = Api::all(session.client.clone());
    if let Some(found) = api.get_opt(name).await.map_err(Failure::api(format!("read template {name}")))? {
        return Ok(found);
    }
    let known: Vec<String> = list(session).await?.items.into_iter().map(|it| it.name).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Err(Failure::not_found(format!("there is no template {name}; there are: {known}")).hint("platform template list"))
}

/// Shows a template.
pub async fn show(session: &Session, show: &Show) -> Result<Shown, Failure> {
    let found = find(session, &show.name).await?;
    let status = found.status.clone().unwrap_or_default();
    Ok(Shown {
        template: row(&found),
        summary: status.explanation.summary,
        findings: status.findings.iter().map(|it| format!("{}: {}", it.place, it.message)).collect(),
        parameters: found.spec.parameters,
    })
}

/// What is to be mended in a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linted {
    /// Which template.
    pub template: String,
    /// File, line and what.
    pub findings: Vec<String>,
}

impl Report for Linted {
    fn table(&self) -> String {
        match self.findings.len() {
            0 => format!("{} is in order\n", self.template),
            count => {
                let found: String = self.findings.iter().map(|it| format!("{}\n", one_line(it))).collect();
                format!("{found}{count} to mend in {}\n", self.template)
            }
        }
    }

    fn names(&self) -> Vec<String> {
        vec![format!("template/{}", self.template)]
    }

    fn exit(&self) -> Exit {
        if self.findings.is_empty() { Exit::Done } else { Exit::Failed }
    }
}

/// Finds what is to be mended in a folder.
pub fn lint(which: &Which) -> Result<Linted, Failure> {
    let (name, folder) = folder::find(which.template.as_deref())?;
    Ok(Linted { template: name, findings: template::lint(&folder).iter().map(ToString::to_string).collect() })
}

/// How the tests of a template went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// Which template.
    pub template: String,
    /// Each test.
    pub tests: Vec<TestedOne>,
}

/// How one test went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestedOne {
    /// Its file.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// Why it failed; nothing if it passed.
    pub findings: Vec<String>,
}

impl Report for Tested {
    fn table(&self) -> String {
        let mut text = String::new();
        for it in &self.tests {
            let word = if it.findings.is_empty() { "passed" } else { "FAILED" };
            let of = if it.description.is_empty() { String::new() } else { format!(": {}", one_line(&it.description)) };
            let _ = writeln!(text, "{word}  {}{of}", it.name);
            for finding in &it.findings {
                let _ = writeln!(text, "        {}", one_line(finding));
            }
        }
        let failed = self.tests.iter().filter(|it| !it.findings.is_empty()).count();
        let _ = match self.tests.len() {
            0 => writeln!(text, "{} has no tests; write one in tests/, such as tests/defaults.yaml", self.template),
            all => writeln!(text, "{} of {all} passed", all - failed),
        };
        text
    }

    fn names(&self) -> Vec<String> {
        self.tests.iter().map(|it| it.name.clone()).collect()
    }

    fn exit(&self) -> Exit {
        let good = !self.tests.is_empty() && self.tests.iter().all(|it| it.findings.is_empty());
        if good { Exit::Done } else { Exit::Failed }
    }
}

/// Runs the tests in a folder.
pub fn test(which: &Which) -> Result<Tested, Failure> {
    let (template, folder) = folder::find(which.template.as_deref())?;
    let tests = template::test(&folder).into_iter().map(|it| TestedOne {
        name: it.name,
        description: it.description,
        findings: it.findings.iter().map(ToString::to_string).collect(),
    });
    Ok(Tested { template, tests: tests.collect() })
}

#[cfg(test)]
mod tests;
